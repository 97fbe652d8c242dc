"""Rehearsing an order: the very same action, undone, and told in numbers.

``rehearse(issue_command, internal_name="cleanup", name="pause", …)`` does all that
the command does, in a transaction that is rolled back, and compares what the
workflow had in hand before and after. So a preview cannot differ from the effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_noop

from workflows.actions.find import lock_workflow
from workflows.engine import freshness, picture
from workflows.engine.cancelling import GRACE_SECONDS
from workflows.engine.picture import Picture
from workflows.models import (
    CommandName,
    Occurrence,
    OccurrenceOutcome,
    State,
    Substate,
    Workflow,
)

#: Where counting ends: history may be millions of rows.
COUNTED = 100_001
_AT_REST = (State.EDITED, State.FINISHED)
_HELD = (State.PAUSED, State.PAUSE_REQUESTED)
_ENDING = (State.STOP_REQUESTED, State.RESTART_REQUESTED)


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One thing that an order does; ``message`` is an English msgid."""

    code: str
    message: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the sentence in the reader's language. No SQL."""
        message = translate(self.message)
        return message % self.parameters if self.parameters else message


@dataclass(frozen=True, slots=True)
class Effects:
    """What an order does, in numbers."""

    state_before: State
    state_after: State
    lines: tuple[EffectLine, ...]

    def sentences(self) -> list[str]:
        """Return the lines in the reader's language."""
        return [line.text for line in self.lines]


def rehearse(action: Callable[..., Any], **order: Any) -> Effects:
    """Return what ``action(**order)`` would do to the workflow it names.

    Raises whatever the action raises. Takes the workflow's lock for the moment of
    the rehearsal and changes nothing, the ledger included.
    """
    name, at = order["internal_name"], order["at"]
    with transaction.atomic():
        before = picture.take(lock_workflow(name), at)
        action(**order)
        workflow = lock_workflow(name)
        after = picture.take(workflow, at)
        lines = tuple(_compare(workflow, before, after, at))
        if order.get("name") == CommandName.PURGE:
            lines = tuple(_purged(workflow))
        transaction.set_rollback(True)
    if not lines:
        lines = (EffectLine("nothing", gettext_noop("Nothing else changes.")),)
    return Effects(before.state, after.state, lines)


def _compare(
    workflow: Workflow, before: Picture, after: Picture, at: datetime
) -> list[EffectLine]:
    return [
        *_version_lines(before, after),
        *_task_lines(before, after),
        *_run_lines(before, after),
        *_instant_lines(workflow, before, after, at),
        *_backlog_lines(workflow, after, at),
    ]


def _count(code: str, message: str, count: int, **more: Any) -> list[EffectLine]:
    return [EffectLine(code, message, {"count": count, **more})] if count else []


def _version_lines(before: Picture, after: Picture) -> list[EffectLine]:
    if before.version == after.version:
        return []
    return [
        EffectLine(
            "version",
            gettext_noop("Version %(version)s of the structure becomes current."),
            {"version": after.version},
        ),
        *_count(
            "runs_keep",
            gettext_noop("%(count)s live runs finish on the version they began with."),
            len(before.live & after.live),
        ),
    ]


def _task_lines(before: Picture, after: Picture) -> list[EffectLine]:
    lines: list[EffectLine] = []
    running = before.of(Substate.RUNNING)
    kept = {pk for pk in running if after.tasks.get(pk) == Substate.RUNNING}
    asked = kept & (after.asked - before.asked)
    if after.state in _ENDING:
        asked = kept
    lines += _count(
        "running_asked",
        gettext_noop(
            "%(count)s tasks are running: they are asked to end, their SQL is"
            " cancelled after %(seconds)s s, and what they bring is discarded."
        ),
        len(asked),
        seconds=GRACE_SECONDS,
    )
    if after.state in _HELD:
        lines += _count(
            "running_finish",
            gettext_noop("%(count)s tasks are running and will finish."),
            len(kept - asked),
        )
    lines += _count(
        "running_taken",
        gettext_noop(
            "%(count)s running tasks are taken from their workers; what these still"
            " bring is refused."
        ),
        len(running - kept),
    )
    waiting = {pk for pk in before.own if before.tasks[pk] != Substate.RUNNING}
    lines += _count(
        "waiting_cancelled",
        gettext_noop("%(count)s waiting tasks are cancelled."),
        len(waiting - set(after.tasks)),
    )
    if after.state in _HELD:
        lines += _count(
            "waiting_kept",
            gettext_noop("%(count)s tasks wait until the workflow resumes."),
            len(waiting & set(after.tasks)),
        )
    lines += _count(
        "repeated",
        gettext_noop("%(count)s failed tasks are executed once more."),
        len(before.failed_tasks & set(after.tasks)),
    )
    new = after.own - before.own - before.failed_tasks
    lines += _count("begun", gettext_noop("%(count)s tasks begin."), len(new))
    woken = {
        pk
        for pk in before.of(Substate.PENDING) | before.of(Substate.WAITING)
        if after.tasks.get(pk) == Substate.QUEUED
    }
    return lines + _count(
        "woken", gettext_noop("%(count)s waiting tasks are executed now."), len(woken)
    )


def _run_lines(before: Picture, after: Picture) -> list[EffectLine]:
    ended = (before.live | before.waiting) - after.live - after.waiting
    lines = _count("runs_ended", gettext_noop("%(count)s live runs end."), len(ended))
    if after.state in _HELD:
        lines += _count(
            "signals_kept",
            gettext_noop("%(count)s signals stay until the workflow resumes."),
            after.signals,
        )
    lines += _count(
        "signals_dropped",
        gettext_noop("%(count)s signals are dropped."),
        max(0, before.signals - after.signals) if after.state in _AT_REST else 0,
    )
    return lines + _count(
        "variables_cleared",
        gettext_noop("%(count)s variables of the instance are cleared."),
        before.variables if before.variables and not after.variables else 0,
    )


def _instant_lines(
    workflow: Workflow, before: Picture, after: Picture, at: datetime
) -> list[EffectLine]:
    lines = _outcome_lines(workflow, before)
    shown = [_text(instant) for instant in after.instants]
    if after.state in _HELD and before.state not in _HELD:
        return lines + _hold_lines(workflow, before, after, at)
    if before.instants and not after.instants:
        return [
            *lines,
            EffectLine(
                "instants_gone",
                gettext_noop("The run planned for %(instant)s does not happen."),
                {"instant": _text(before.instants[0])},
            ),
        ]
    if shown and before.instants != after.instants:
        lines.append(
            EffectLine(
                "instants_planned",
                gettext_noop("The next planned instants are %(instants)s."),
                {"instants": ", ".join(shown)},
            )
        )
    return lines


def _hold_lines(
    workflow: Workflow, before: Picture, after: Picture, at: datetime
) -> list[EffectLine]:
    if after.resume_at is not None:
        held = picture.instants_until(workflow, at, after.resume_at)
        return [
            EffectLine(
                "paused_until",
                gettext_noop(
                    "It resumes by itself at %(until)s; %(count)s planned instants"
                    " are held until then."
                ),
                {"until": _text(after.resume_at), "count": held},
            )
        ]
    if not before.instants:
        return []
    return [
        EffectLine(
            "instants_held",
            gettext_noop(
                "The run planned for %(instant)s is held, and all after it, until"
                " the workflow resumes."
            ),
            {"instant": _text(before.instants[0])},
        )
    ]


def _outcome_lines(workflow: Workflow, before: Picture) -> list[EffectLine]:
    """Tell what becomes of planned instants that have come already."""
    new = Occurrence.objects.filter(
        workflow=workflow, pk__gt=before.newest_occurrence
    ).values_list("outcome", "count")
    fired = sum(n for outcome, n in new if outcome == OccurrenceOutcome.QUEUED)
    passed = sum(n for outcome, n in new if outcome != OccurrenceOutcome.QUEUED)
    return [
        *_count(
            "passed_fired",
            gettext_noop("%(count)s planned instants that passed get their run now."),
            fired,
        ),
        *_count(
            "passed_skipped",
            gettext_noop("%(count)s planned instants that passed get no run."),
            passed,
        ),
    ]


def _backlog_lines(
    workflow: Workflow, after: Picture, at: datetime
) -> list[EffectLine]:
    """Tell what goes stale meanwhile."""
    if after.state not in (*_HELD, *_ENDING, *_AT_REST):
        return []
    return [
        EffectLine(f"backlog_{line.code}", line.message, line.parameters)
        for line in freshness.describe(workflow.pk, at)
    ]


def _purged(workflow: Workflow) -> list[EffectLine]:
    ended = workflow.runs.filter(ended_at__isnull=False)[:COUNTED].count()
    lines = workflow.journal.all()[:COUNTED].count()
    return [
        EffectLine(
            "purged",
            gettext_noop(
                "%(runs)s ended runs with their tasks and %(lines)s journal lines are"
                " deleted for good; what is live stays."
            ),
            {"runs": _at_most(ended), "lines": _at_most(lines)},
        )
    ]


def _at_most(number: int) -> str:
    return f"> {COUNTED - 1}" if number >= COUNTED else str(number)


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
