"""The short and the long way to write a result leave the same rows.

Each situation is executed twice, once with the short way taken out; then all rows
are compared field by field, without numbers, instants and places of execution.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import models, transaction
from django.utils import timezone

from tests.workflows.drawn import command, draw
from tests.workflows.handlers import handlers, script
from tests.workflows.samples import START, tick, work_off
from workflows.engine import plain
from workflows.exceptions import RuntimeFault
from workflows.models import (
    Event,
    JournalEntry,
    Notification,
    Occurrence,
    Run,
    Signal,
    Task,
    Workflow,
)
from workflows.registry import Again, Done, RunContext, Wait

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ELEVEN = START.replace(hour=11, minute=0, second=0)
HOURLY = (
    "scheduler",
    {"schedule": {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}},
)
COMPARED = (Workflow, Run, Task, Occurrence, Event, Signal, JournalEntry, Notification)
#: What differs between any two executions.
APART = {
    *("busy_seconds", "seconds", "late_seconds", "backend_pid", "uuid", "traceback"),
    *("number", "live", "run", "task", "fingerprint"),
}


def rows_of(executed: Callable[[], Any]) -> list[dict[str, Any]]:
    """Return the rows that an execution leaves, and undo it."""
    with transaction.atomic():
        executed()
        found = [row for model in COMPARED for row in _rows(model)]
        transaction.set_rollback(True)
    return found


def _rows(model: type[models.Model]) -> list[dict[str, Any]]:
    found = [
        {"table": model.__name__, **{f: _plain(f, v) for f, v in row.items()}}
        for row in model.objects.order_by("pk").values()
    ]
    return sorted(found, key=lambda row: row.get("activity") or "")


def _plain(name: str, value: Any) -> Any:
    """Return a value as both ways must have it; None for what is theirs alone."""
    if name in APART or name == "id" or name.endswith("_id"):
        return None if value is None else "…"
    if isinstance(value, datetime):
        return "an instant"
    if isinstance(value, dict):
        return {key: _plain(key, each) for key, each in value.items()}
    return re.sub(r"\brun \d+", "a run", value) if isinstance(value, str) else value


@pytest.fixture
def long_way(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what leaves only the long way."""
    return lambda: monkeypatch.setattr(plain, "conclude", lambda *_given: False)


# The situations: what handlers do, and the structure they stand in.


def counts(run: RunContext) -> Done:
    run.info("Looked at %(count)s.", count=3)
    run.warning("Slow.")
    run.own["seen"] = 3
    return Done(
        count=3,
        read=5,
        written=3,
        rejected=0,
        label="Ok",
        variables={"total": 3, "day": "2026-01-05"},
    )


def rejects(_run: RunContext) -> Done:
    return Done(count=1, read=2, written=1, rejected=1)


def idles(_run: RunContext) -> Done:
    return Done(is_idle=True)


def counts_idly(_run: RunContext) -> Done:
    return Done(count=2, is_idle=True)


def fails(_run: RunContext) -> Done:
    raise RuntimeFault("The relay is away.")


def leaves_by_error(_run: RunContext) -> Done:
    return Done(output="other", count=1)


def ends_silently(_run: RunContext) -> Done:
    return Done(output="", count=1)


def goes_on(run: RunContext) -> Done | Again:
    run.own["calls"] = run.own.get("calls", 0) + 1
    return Done(count=1, written=1) if run.own["calls"] == 3 else Again(written=2)


def waits(run: RunContext) -> Done | Wait:
    if run.own.get("waited"):
        return Done(count=1)
    run.own["waited"] = True
    return Wait(until=timezone.now())


def linear(work: Callable[[RunContext], Any], **options: Any) -> Callable[[], None]:
    """Return an execution: a schedule, two scripts and an end, twice."""
    properties = options.pop("properties", {})

    def execute() -> None:
        with handlers(first=work, second=counts):
            draw(
                {
                    "plan": HOURLY,
                    "first": script("first", **options),
                    "second": script("second"),
                    "end": "end",
                },
                "plan.ok>first first.ok>second second.ok>end",
                **properties,
            )
            command("start")
            for due in (ELEVEN, ELEVEN + HOUR):
                tick(due)
                work_off(due)

    return execute


def spread(**options: Any) -> Callable[[], None]:
    """Return an execution: two branches that join, and a third one."""
    properties = options.pop("properties", {})

    def execute() -> None:
        with handlers(first=counts, second=rejects, third=options.get("third", counts)):
            draw(
                {
                    "begin": "start",
                    "fork": (
                        "fork",
                        {"branches": [{"name": "a"}, {"name": "b"}, {"name": "c"}]},
                    ),
                    "first": script("first"),
                    "second": script("second"),
                    "third": script("third"),
                    "join": "and_join",
                    "last": script("first"),
                    "end": "end",
                },
                "begin.ok>fork fork.a>first fork.b>second fork.c>third"
                " first.ok>join second.ok>join join.ok>last last.ok>end third.ok>end",
                **properties,
            )
            command("start")
            work_off()

    return execute


def one_to_many() -> None:
    """Execute one output that leads to several activities, an end among them."""
    with handlers(first=counts, second=rejects):
        draw(
            {
                "begin": "start",
                "first": script("first"),
                "second": script("second"),
                "third": script("second"),
                "end": "end",
                "over": "end",
            },
            "begin.ok>first first.ok>second first.ok>end first.ok>third"
            " second.ok>over third.ok>over",
        )
        command("start")
        work_off()


def starved() -> None:
    """Execute a join that one branch never reaches."""
    with handlers(first=counts, second=ends_silently):
        draw(
            {
                "begin": "start",
                "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
                "first": script("first"),
                "second": script("second"),
                "join": "and_join",
                "end": "end",
            },
            "begin.ok>fork fork.a>first fork.b>second first.ok>join second.ok>join"
            " join.ok>end",
        )
        command("start")
        work_off()


def recovered() -> None:
    """Execute a failure, a resume, and the success after it."""
    calls: list[int] = []

    def works_again(_run: RunContext) -> Done:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeFault("The relay is away.")
        return Done(count=1)

    with handlers(first=works_again):
        draw(
            {"plan": HOURLY, "first": script("first"), "end": "end"},
            "plan.ok>first first.ok>end",
        )
        command("start")
        tick(ELEVEN)
        work_off(ELEVEN)
        command("resume", at=ELEVEN)
        work_off(ELEVEN)


def queued_behind() -> None:
    """Execute a run, and the one that waited for its end."""
    with handlers(first=counts):
        draw(
            {"plan": HOURLY, "first": script("first"), "end": "end"},
            "plan.ok>first first.ok>end",
            overlap_policy="queue",
        )
        command("start")
        for due in (ELEVEN, ELEVEN + HOUR, ELEVEN + 2 * HOUR):
            tick(due)
        work_off(ELEVEN + 2 * HOUR)


def drained() -> None:
    """Execute the last run before a stop that was ordered meanwhile."""
    with handlers(first=counts):
        draw(
            {"plan": HOURLY, "first": script("first"), "end": "end"},
            "plan.ok>first first.ok>end",
        )
        command("start")
        tick(ELEVEN)
        command("stop_after_run", at=ELEVEN)
        work_off(ELEVEN)


SITUATIONS: dict[str, Callable[[], None]] = {
    "counts": linear(counts),
    "rejects": linear(rejects),
    "idle": linear(idles),
    "idle with a count": linear(counts_idly),
    "again": linear(goes_on),
    "wait": linear(waits),
    "no output": linear(ends_silently),
    "output nowhere": linear(leaves_by_error),
    "failure": linear(fails),
    "ignored failure": linear(fails, properties={"error_policy": "ignore"}),
    "exclusive": linear(counts, behavior="exclusive"),
    "held": linear(counts, execution="hold"),
    "initialized": linear(
        counts,
        init=[
            {"name": "vars.colour", "expression": "'red'"},
            {"name": "task.tries", "expression": "1 + 1"},
        ],
    ),
    "instance variable": linear(
        counts, init=[{"name": "instance.colour", "expression": "'red'"}]
    ),
    "branches": spread(),
    "branch that failed": spread(third=fails, properties={"error_policy": "ignore"}),
    "branches in parallel": spread(properties={"parallel_branches": True}),
    "one to many": one_to_many,
    "starved join": starved,
    "recovered": recovered,
    "queued behind": queued_behind,
    "drained": drained,
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_both_ways_write_the_same_rows(
    situation: str, long_way: Callable[[], None]
) -> None:
    execute = SITUATIONS[situation]
    short = rows_of(execute)

    long_way()

    assert rows_of(execute) == short


def test_short_way_is_taken_by_what_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    conclude = plain.conclude

    def noted(*given: Any) -> bool:
        taken.append(conclude(*given))
        return taken[-1]

    monkeypatch.setattr(plain, "conclude", noted)

    SITUATIONS["counts"]()

    assert taken == [True] * 4
