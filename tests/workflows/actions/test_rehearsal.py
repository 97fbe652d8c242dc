"""A rehearsal tells in numbers what an order does, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.workflows.in_state import later, workflow_in
from workflows.actions import Effects, issue_command, rehearse, save_schedule
from workflows.exceptions import AppError, CommandRefused, PermissionRefused
from workflows.models import CommandName, Source, State, Workflow

pytestmark = pytest.mark.django_db


def order(workflow: Workflow, name: str) -> dict[str, Any]:
    """Return an order that is as possible as the state allows."""
    parameters: dict[str, Any] = {}
    running = workflow.tasks.filter(substate="running").first()
    if name == "cancel_task":
        parameters = {"task": running.pk if running else 0}
    elif name == "restart_task":
        parameters = {"activities": ["work"]}
    return {
        "internal_name": workflow.internal_name,
        "name": name,
        "acting_operator": None,
        "source": Source.CLI,
        "at": later(),
        "parameters": parameters,
    }


def contents() -> dict[str, str]:
    """Return a fingerprint of all rows of every table."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text))"  # noqa: S608
                f' FROM "{table}" t'
            )
            found[table] = cursor.fetchone()[0]
    return found


def tried(workflow: Workflow, name: str) -> Effects | AppError:
    """Return what the rehearsal tells, or why it is refused."""
    try:
        return rehearse(issue_command, **order(workflow, name))
    except AppError as error:
        return error


def codes(effects: Effects) -> dict[str, Any]:
    """Return the count of each line by its code."""
    return {line.code: line.parameters.get("count") for line in effects.lines}


@pytest.mark.parametrize("name", CommandName.values)
@pytest.mark.parametrize("state", State.values)
def test_rehearsal_leaves_nothing_behind(state: str, name: str) -> None:
    with workflow_in(state) as workflow:
        before = contents()

        tried(workflow, name)

        assert contents() == before


@pytest.mark.parametrize("name", CommandName.values)
@pytest.mark.parametrize("state", State.values)
def test_rehearsal_tells_what_the_command_then_does(state: str, name: str) -> None:
    with workflow_in(state) as workflow:
        told = tried(workflow, name)

        assert done(workflow, name) == (
            (told.state_after, counted(told))
            if isinstance(told, Effects)
            else (told.message, {})
        )


def counted(effects: Effects) -> dict[str, int]:
    """Return the numbers of the lines that speak of tasks and runs."""
    found = codes(effects)
    return {code: found[code] for code in COUNTED if code in found}


COUNTED = (
    "begun",
    "repeated",
    "running_asked",
    "running_finish",
    "running_taken",
    "runs_ended",
    "waiting_cancelled",
)


def done(workflow: Workflow, name: str) -> tuple[str, dict[str, int]]:
    """Give the order; return the state after it and the same numbers, by the rows."""
    tasks = workflow.tasks.filter(run__isnull=False)
    running = set(tasks.filter(substate="running").values_list("pk", flat=True))
    waiting = set(
        tasks.filter(status="active")
        .exclude(substate="running")
        .values_list("pk", flat=True)
    )
    failed = set(tasks.filter(status="failed").values_list("pk", flat=True))
    live = set(workflow.runs.live().values_list("pk", flat=True))
    asked: set[int] = set()
    if workflow.state not in ("stop_requested", "restart_requested"):
        asked = set(tasks.exclude(cancel_asked_at=None).values_list("pk", flat=True))
    try:
        issue_command(**order(workflow, name))
    except AppError as error:
        return error.message, {}
    workflow.refresh_from_db()
    active = tasks.filter(status="active")
    still = active.filter(pk__in=running, substate="running")
    is_ending = workflow.state in ("stop_requested", "restart_requested")
    now_asked = still if is_ending else still.filter(cancel_asked_at__isnull=False)
    newly_asked = now_asked.exclude(pk__in=asked).count()
    # A purge tells of what it deletes only.
    holds = workflow.state in ("paused", "pause_requested") and name != "purge"
    numbers = {
        "begun": active.exclude(pk__in=running | waiting | failed).count(),
        "repeated": active.filter(pk__in=failed).count(),
        "running_asked": newly_asked,
        "running_finish": still.count() - newly_asked if holds else 0,
        "running_taken": len(running) - still.count(),
        "runs_ended": len(
            live - set(workflow.runs.live().values_list("pk", flat=True))
        ),
        "waiting_cancelled": len(waiting) - active.filter(pk__in=waiting).count(),
    }
    return workflow.state, {code: n for code, n in numbers.items() if n}


def test_pause_while_a_task_runs_says_that_it_will_finish() -> None:
    with workflow_in("pause_requested") as workflow:
        issue_command(**order(workflow, "resume"))

        effects = rehearse(issue_command, **order(workflow, "pause"))

        assert (effects.state_before, effects.state_after) == (
            State.STARTED,
            State.PAUSE_REQUESTED,
        )
        assert "1 tasks are running and will finish." in effects.sentences()


def test_pause_names_the_instant_that_is_held() -> None:
    with workflow_in("started") as workflow:
        planned = workflow.tasks.get(activity="plan").scheduled_for
        shown = planned.isoformat().replace("+00:00", "Z")

        effects = rehearse(issue_command, **order(workflow, "pause"))

        assert (
            f"The run planned for {shown} is held, and all after it, until the"
            " workflow resumes." in effects.sentences()
        )
        assert codes(effects)["waiting_kept"] == 1


def test_pause_until_counts_the_instants_it_holds() -> None:
    with workflow_in("started") as workflow:
        given = order(workflow, "pause")
        given["parameters"] = {"until": "2026-01-09T00:00:00Z"}

        effects = rehearse(issue_command, **given)

        assert codes(effects)["paused_until"] == 3


def test_kill_says_what_is_taken_from_workers() -> None:
    with workflow_in("stop_requested") as workflow:
        effects = rehearse(issue_command, **order(workflow, "kill"))

        assert codes(effects)["running_taken"] == 1
        assert effects.state_after == State.FINISHED


def test_purge_counts_what_is_deleted() -> None:
    with workflow_in("started") as workflow:
        lines = workflow.journal.count()

        effects = rehearse(issue_command, **order(workflow, "purge"))

        assert [line.code for line in effects.lines] == ["purged"]
        # The order writes its own line before it is obeyed.
        assert effects.lines[0].parameters == {"runs": "1", "lines": str(lines + 1)}


def test_start_counts_the_variables_that_are_cleared() -> None:
    with workflow_in("finished") as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(variables={"a": 1, "b": 2})

        effects = rehearse(issue_command, **order(workflow, "start"))

        assert codes(effects)["variables_cleared"] == 2


def test_order_that_changes_nothing_says_so() -> None:
    with workflow_in("started") as workflow:
        effects = rehearse(issue_command, **order(workflow, "start"))

        assert effects.sentences() == ["Nothing else changes."]


def test_refused_order_is_refused_in_the_rehearsal(outsider: Any) -> None:
    with workflow_in("finished") as workflow:
        with pytest.raises(CommandRefused):
            rehearse(issue_command, **order(workflow, "pause"))
        with pytest.raises(PermissionRefused):
            rehearse(
                issue_command,
                **{**order(workflow, "start"), "acting_operator": outsider},
            )


def test_saved_schedule_is_rehearsed_and_triggers_nothing() -> None:
    with workflow_in("started") as workflow:
        before = contents()

        effects = rehearse(
            save_schedule,
            internal_name=workflow.internal_name,
            schedule={"kind": "daily", "time": "05:00", "tz": "UTC"},
            activity="plan",
            expected_version=None,
            acting_operator=None,
            source=Source.CLI,
            at=later(),
        )

        planned = [line for line in effects.lines if line.code == "instants_planned"]
        assert planned[0].parameters["instants"].startswith("2026-01-06T05:00:00Z")
        assert "begun" not in codes(effects)
        assert contents() == before
