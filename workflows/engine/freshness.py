"""Freshness: what waits for each technical workflow, and how old its result is.

Every declared backlog is asked twice a minute, each in a transaction of its own that
ends after two seconds. One that is slow is asked less often; one that fails tells so
and holds nobody else back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_noop

from workflows.models import Freshness, Heartbeat, HeartbeatKind, Workflow
from workflows.registry import Backlog, declarations

logger = logging.getLogger(__name__)

NAME = "freshness"
FUNCTION = "workflows.engine.freshness.look"
EVERY_SECONDS = 30
LONGEST_SECONDS = 2.0
SLOW_SECONDS = 0.5
# A slow question may take this share of the time at most, one part in so many.
SLOW_SHARE = 240
#: Where counting ends; a backlog says "more than" from here on.
COUNTED = 100_000
# An older sample says how old it is.
STALE_SECONDS = 120
_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
_NUMBERS = ["rows", "oldest_at", "good_until", "is_over"]

NOTHING_WAITS = gettext_noop("Nothing waits for it.")
ROWS_WAIT = gettext_noop("%(rows)s rows wait, oldest %(age)s.")
ROWS_WAIT_UNDATED = gettext_noop("%(rows)s rows wait.")
GOOD_UNTIL = gettext_noop("Its result is complete up to %(age)s ago.")
COUNTED_BEFORE = gettext_noop("This was counted %(age)s ago.")
NOT_COUNTED = gettext_noop("What waits for it could not be counted: %(error)s")


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence about a backlog; ``message`` is an English msgid."""

    code: str
    message: str
    parameters: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return the sentence in the reader's language. No SQL."""
        return translate(self.message) % self.parameters


def look() -> None:
    """Sample what is due; a queue task, ordered by the clock."""
    sample(timezone.now())


def sample(at: datetime) -> int:
    """Ask every declared backlog that is due and keep its answer; return how many."""
    declared = {
        name: (declaration.owner, declaration.backlog)
        for name, declaration in declarations().items()
        if declaration.backlog is not None
    }
    put_off = _read_put_off()
    slow: dict[str, str] = {}
    answers: list[Freshness] = []
    for workflow in Workflow.objects.filter(internal_name__in=declared):
        name = workflow.internal_name
        until = parse_datetime(put_off.get(name, ""))
        if until is not None and at < until:
            slow[name] = put_off[name]
            continue
        begun = time.monotonic()
        answers.append(_ask(workflow, *declared[name], at))
        seconds = time.monotonic() - begun
        if seconds > SLOW_SECONDS:
            slow[name] = (at + timedelta(seconds=seconds * SLOW_SHARE)).isoformat()
    _keep([a for a in answers if not a.error], _NUMBERS)
    _keep([a for a in answers if a.error], [])
    if slow != put_off:
        _write_put_off(slow, at)
    return len(answers)


def describe(workflow_id: int, at: datetime) -> tuple[Line, ...]:
    """Return what waits for a workflow, in sentences; empty when it declares nothing.

    One query; the numbers are those of the last sample.
    """
    kept = (
        Freshness.objects.select_related("workflow")
        .filter(workflow_id=workflow_id)
        .first()
    )
    if kept is None:
        return ()
    if kept.error:
        return (Line("unknown", NOT_COUNTED, {"error": kept.error}),)
    lines = [_rows_line(kept, at)]
    if kept.rows and kept.good_until is not None:
        lines.append(_aged_line("good_until", GOOD_UNTIL, kept.good_until, at))
    if at - kept.sampled_at > timedelta(seconds=STALE_SECONDS):
        lines.append(_aged_line("counted_at", COUNTED_BEFORE, kept.sampled_at, at))
    return tuple(lines)


def is_over(workflow: Workflow, backlog: Backlog, at: datetime) -> bool:
    """Return whether a backlog is over the limits of its workflow.

    Those of the properties count, else those that the package declares. No SQL.
    """
    declaration = declarations().get(workflow.internal_name)
    most_rows, most_age = workflow.backlog_max_rows, workflow.backlog_max_seconds
    if declaration is not None:
        limits = declaration.backlog_limits
        if most_rows is None:
            most_rows = limits.rows
        if most_age is None and limits.age is not None:
            most_age = int(limits.age.total_seconds())
    if most_rows is not None and backlog.rows > most_rows:
        return True
    if most_age is None or backlog.oldest_at is None or not backlog.rows:
        return False
    return (at - backlog.oldest_at).total_seconds() > most_age


def _ask(
    workflow: Workflow, owner: type, question: Callable[[Any], Backlog], at: datetime
) -> Freshness:
    """Return what a declaration answers, or why it does not."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)",
                    [f"{int(LONGEST_SECONDS * 1000)}ms"],
                )
            backlog = question(owner())
    except Exception as error:  # noqa: BLE001 (a declaration may raise anything)
        logger.warning("The backlog of %s is not known: %s", workflow, error)
        return Freshness(workflow=workflow, sampled_at=at, error=_first_line(error))
    return Freshness(
        workflow=workflow,
        rows=backlog.rows,
        oldest_at=backlog.oldest_at,
        good_until=backlog.good_until,
        sampled_at=at,
        is_over=is_over(workflow, backlog, at),
    )


def _keep(answers: list[Freshness], fields: list[str]) -> None:
    """Write answers, of an existing row these fields only."""
    Freshness.objects.bulk_create(
        answers,
        update_conflicts=True,
        unique_fields=["workflow"],
        update_fields=[*fields, "sampled_at", "error"],
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:512]


def _read_put_off() -> dict[str, str]:
    """Return until when slow questions are not asked, by internal name."""
    data = (
        Heartbeat.objects.filter(kind=HeartbeatKind.DUTY, name=NAME)
        .values_list("data", flat=True)
        .first()
    )
    return dict((data or {}).get("put_off", {}))


def _write_put_off(put_off: Mapping[str, str], at: datetime) -> None:
    Heartbeat.objects.update_or_create(
        kind=HeartbeatKind.DUTY,
        name=NAME,
        defaults={"data": {"put_off": dict(put_off)}},
        create_defaults={"data": {"put_off": dict(put_off)}, "at": at, "sent_at": at},
    )


def _rows_line(kept: Freshness, at: datetime) -> Line:
    if not kept.rows:
        return Line("rows", NOTHING_WAITS, {})
    rows = f"> {COUNTED}" if kept.rows > COUNTED else str(kept.rows)
    if kept.oldest_at is None:
        return Line("rows", ROWS_WAIT_UNDATED, {"rows": rows})
    declaration = declarations().get(kept.workflow.internal_name)
    message = declaration.backlog_text if declaration is not None else ""
    age = age_text((at - kept.oldest_at).total_seconds())
    return Line("rows", message or ROWS_WAIT, {"rows": rows, "age": age})


def _aged_line(code: str, message: str, since: datetime, at: datetime) -> Line:
    return Line(code, message, {"age": age_text((at - since).total_seconds())})


def age_text(seconds: float) -> str:
    """Return a length of time in its two largest units, such as ``3 h 5 min``."""
    whole = max(0, int(seconds))
    for size, unit, smaller_size, smaller in _UNITS:
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
