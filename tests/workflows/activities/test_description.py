from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from workflows.activities import activity_types

DOCUMENTATION = Path(settings.BASE_DIR) / "docs" / "activities.md"
SPRITE = Path(settings.BASE_DIR) / "static" / "icons" / "sprite.svg"


def printed(*options: str) -> str:
    out = StringIO()
    call_command("activities", *options, stdout=out)
    return out.getvalue()


def test_documentation_is_what_the_declarations_make() -> None:
    assert DOCUMENTATION.read_text(encoding="utf-8") == printed("--markdown")


def test_every_type_is_printed_with_its_schema() -> None:
    whole = json.loads(printed("--json"))

    assert {kind["name"] for kind in whole["activities"]} == set(activity_types())
    assert "execution" in whole["options"]["properties"]


def test_list_names_the_parameters() -> None:
    assert "duration" in printed()


@pytest.mark.parametrize("name", sorted(activity_types()))
def test_type_has_words_and_an_icon(name: str) -> None:
    kind = activity_types()[name]

    assert str(kind.label)
    assert str(kind.help_text)
    assert f'id="{kind.icon}"' in SPRITE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(activity_types()))
def test_every_parameter_has_a_label(name: str) -> None:
    assert all(str(parameter.label) for parameter in activity_types()[name].parameters)
