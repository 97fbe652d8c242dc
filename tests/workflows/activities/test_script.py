from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from workflows.activities import find_type
from workflows.exceptions import ConfigurationError
from workflows.registry import Done, WouldDo, activity, temporary_workflow

SCRIPT = find_type("script")
SEEN: list[dict[str, Any]] = []


@dataclass
class Settings:
    """What the handler of these tests takes."""

    label: str
    keep: timedelta = timedelta(days=1)
    most: int = 10


class Sample:
    """A workflow with a handler that declares everything, and one that does not."""

    @activity(
        after="scheduler",
        parameters=Settings,
        queue="bulk",
        is_long=True,
        is_idempotent=False,
        retries=2,
        time_limit=timedelta(minutes=5),
        would_do=lambda _self, run: WouldDo(run.parameters["most"]),
    )
    def tidy(self, run: Any) -> Done:
        SEEN.append(dict(run.parameters))
        return Done()

    @activity(after="tidy", has_effect=False)
    def look(self, run: Any) -> Done:
        SEEN.append(dict(run.parameters))
        return Done()


@pytest.fixture(autouse=True)
def _sample() -> Iterator[None]:
    SEEN.clear()
    with temporary_workflow(Sample, "sample"):
        yield


def tidy(**arguments: Any) -> dict[str, Any]:
    return {"handler": "sample.tidy", "arguments": arguments}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "handler"),
        ({"handler": "no.thing"}, "handler"),
        ({"handler": "sample.tidy"}, "arguments.label"),
        (tidy(label="x", colour="red"), "arguments.colour"),
        (tidy(label="x", most="many"), "arguments.most"),
        (tidy(label="x", keep="soon"), "arguments.keep"),
        ({"handler": "sample.tidy", "arguments": ["x"]}, "arguments"),
        ({**tidy(label="x"), "time_limit": "long"}, "time_limit"),
        ({**tidy(label="x"), "code": "print()"}, "code"),
    ],
)
def test_fault_names_its_field(parameters: dict[str, Any], field: str) -> None:
    assert field in [fault.field for fault in SCRIPT.faults(parameters)]


def test_arguments_are_stored_in_their_form() -> None:
    given = tidy(label="x", keep="2d", most="7")

    assert SCRIPT.faults(given) == []
    assert SCRIPT.clean(given)["arguments"] == {"label": "x", "keep": "P2D", "most": 7}


def test_handler_finds_its_arguments_typed(make_context) -> None:
    SCRIPT.execute(make_context(tidy(label="x", keep="PT2H")))

    assert [{"label": "x", "keep": timedelta(hours=2), "most": 10}] == SEEN


def test_handler_without_declaration_finds_none(make_context) -> None:
    SCRIPT.execute(make_context({"handler": "sample.look"}))

    assert SEEN == [{}]


def test_estimate_sees_the_arguments_too(make_context) -> None:
    assert SCRIPT.would_do(make_context(tidy(label="x", most=3))) == WouldDo(3)


def test_handler_without_estimate_tells_nothing(make_context) -> None:
    assert SCRIPT.would_do(make_context({"handler": "sample.look"})) is None


@pytest.mark.parametrize(
    ("parameters", "limit"),
    [
        ({"handler": "sample.look"}, timedelta(hours=1)),
        ({"handler": "sample.tidy"}, timedelta(minutes=5)),
        ({"handler": "sample.tidy", "time_limit": "2h"}, timedelta(hours=2)),
        ({"handler": "sample.tidy", "time_limit": 0}, None),
    ],
)
def test_execution_stops_after(
    parameters: dict[str, Any], limit: timedelta | None
) -> None:
    assert SCRIPT.time_limit(parameters) == limit


def test_handler_whose_package_is_gone_fails_when_it_is_executed(make_context) -> None:
    gone = {"handler": "gone.handler"}

    assert SCRIPT.queue(gone) == "workflows"
    assert SCRIPT.is_idempotent(gone) is False
    assert SCRIPT.has_effect(gone) is True
    assert SCRIPT.time_limit(gone) == timedelta(hours=1)
    with pytest.raises(ConfigurationError, match="gone"):
        SCRIPT.execute(make_context(gone))


def test_declaration_of_the_handler_counts() -> None:
    given = {"handler": "sample.tidy"}

    assert SCRIPT.queue(given) == "bulk"
    assert SCRIPT.is_long(given) is True
    assert SCRIPT.is_idempotent(given) is False
    assert SCRIPT.has_effect(given) is True
    assert SCRIPT.has_effect({"handler": "sample.look"}) is False
    assert SCRIPT.retries(given) == 2
