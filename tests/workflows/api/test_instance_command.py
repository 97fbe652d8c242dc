from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from workflows.models import AuditEntry, Freeze, Source


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("instance", *arguments, stdout=out)
    return out.getvalue()


def test_status_of_an_instance_at_work(db):
    assert run("status") == "The instance is not frozen.\n"


def test_freeze_tells_how_far_it_is(workflow):
    text = run("freeze", "--reason", "move", "--until", "2099-01-05T10:00:00Z")

    assert "Frozen by cli since" in text
    assert "It ends by itself at 2099-01-05T10:00:00Z." in text
    assert "0 tasks run, 0 are queued" in text


def test_status_as_json(administrator):
    run("freeze", "--reason", "move", "--operator", "boss")

    told = json.loads(run("status", "--json"))

    assert (told["is_frozen"], told["author"], told["source"]) == (True, "boss", "cli")
    assert told["progress"]["is_drained"] is True


def test_thaw_ends_it_and_both_are_audited(workflow):
    run("freeze", "--reason", "move")

    text = run("thaw")

    assert text == "The instance is not frozen.\n"
    assert Freeze.objects.get().ended_by == "cli"
    rows = AuditEntry.objects.filter(object_type="workflows.freeze")
    assert set(rows.values_list("action", "source")) == {
        ("workflows.instance.frozen", Source.CLI),
        ("workflows.instance.thawed", Source.CLI),
    }


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["thaw"], 4),
        (["freeze", "--reason", " "], 4),
        (["freeze", "--reason", "move", "--until", "2020-01-01T00:00:00Z"], 4),
        (["freeze", "--reason", "move", "--operator", "nobody"], 3),
        (["freeze", "--reason", "move", "--operator", "supervisor"], 5),
    ],
)
def test_refusal_has_its_own_exit_status(supervisor, arguments, status):
    with pytest.raises(CommandError) as caught:
        run(*arguments)

    assert caught.value.returncode == status
    assert not Freeze.objects.exists()


def test_second_freeze_is_refused(workflow):
    run("freeze", "--reason", "move")

    with pytest.raises(CommandError) as caught:
        run("freeze", "--reason", "again", "--json")

    assert caught.value.returncode == 4
    assert Freeze.objects.get().reason == "move"
