"""Scenarios 8, 9 and 10: errors ignored, errors that abort, the error output."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.drawn import command, draw, lines, passed
from tests.workflows.handlers import handlers, script
from tests.workflows.samples import START, tick, work_off
from workflows.exceptions import CommandRefused, ConfigurationError, RuntimeFault
from workflows.models import OccurrenceOutcome, RunStatus, State, Workflow
from workflows.registry import Done, RunContext

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
HOURLY = (
    "scheduler",
    {"schedule": {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}},
)
FIRST_HOUR = START.replace(hour=11, minute=0, second=0)


class Faulty:
    """A handler whose calls fail as told: one letter a call, ``x`` an error."""

    def __init__(self, plan: str) -> None:
        self.plan = iter(plan)

    def work(self, _run: RunContext) -> Done:
        if next(self.plan) == "x":
            raise RuntimeFault("The relay is away.")
        return Done(count=1)


def hourly(plan: str, **properties: Any) -> Workflow:
    """Return what became of a workflow after one run for each letter of ``plan``."""
    with handlers(work=Faulty(plan).work):
        workflow = draw(
            {"plan": HOURLY, "work": script("work"), "end": "end"},
            "plan.ok>work work.ok>end",
            error_policy="ignore",
            **properties,
        )
        command("start")
        for nth in range(len(plan)):
            due = FIRST_HOUR + nth * HOUR
            tick(due)
            work_off(due)
    workflow.refresh_from_db()
    return workflow


def test_scenario_08_third_failure_in_a_row_suspends() -> None:
    workflow = hourly("xxx", max_consecutive_errors=3)

    assert (workflow.state, workflow.failed) == (State.PAUSED, True)
    assert workflow.pause_reason == "error"
    assert "3 errors in a row: no more are ignored." in lines(workflow)
    statuses = workflow.runs.order_by("id").values_list("status", flat=True)
    assert list(statuses) == ["finished_with_errors", "finished_with_errors", "failed"]


def test_scenario_08_two_failures_in_a_row_are_ignored() -> None:
    workflow = hourly("xx", max_consecutive_errors=3)

    assert (workflow.state, workflow.failed) == (State.STARTED, False)
    assert workflow.consecutive_errors == 2


def test_scenario_08_success_in_between_resets() -> None:
    workflow = hourly("xx.xx", max_consecutive_errors=3)

    assert (workflow.state, workflow.failed) == (State.STARTED, False)
    assert workflow.consecutive_errors == 2
    assert workflow.ignored_errors == 4


def test_scenario_08_zero_never_suspends() -> None:
    workflow = hourly("xxxxxx", max_consecutive_errors=0)

    assert (workflow.state, workflow.failed) == (State.STARTED, False)
    assert workflow.ignored_errors == 6
    assert workflow.ignored_since - FIRST_HOUR < timedelta(minutes=1)


def test_scenario_08_restart_resets() -> None:
    with handlers(work=Faulty("xx").work):
        draw(
            {"plan": HOURLY, "work": script("work"), "end": "end"},
            "plan.ok>work work.ok>end",
            error_policy="ignore",
            max_consecutive_errors=3,
        )
        command("start")
        command("wake")
        work_off()

        again = command("restart")

    assert (again.consecutive_errors, again.ignored_errors) == (0, 0)


def test_scenario_08_ignored_error_ends_its_branch_only() -> None:
    with handlers(work=Faulty("x").work, other=Faulty(".").work):
        workflow = draw(
            {
                "begin": "start",
                "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
                "work": script("work"),
                "after": "end",
                "other": script("other"),
                "end": "end",
            },
            "begin.ok>fork fork.a>work work.ok>after fork.b>other other.ok>end",
            error_policy="ignore",
        )
        command("start")
        work_off()

    workflow.refresh_from_db()
    assert passed(workflow) == ["begin", "fork", "other", "end"]
    assert workflow.runs.get().status == RunStatus.FINISHED_WITH_ERRORS
    assert workflow.state == State.FINISHED


def aborted(**properties: Any) -> Workflow:
    """Return a workflow whose activity failed with the policy to abort."""
    workflow = draw(
        {
            "plan": HOURLY,
            "work": script("work", error_policy="abort"),
            "end": "end",
        },
        "plan.ok>work work.ok>end",
        **properties,
    )
    command("start")
    tick(FIRST_HOUR)
    work_off(FIRST_HOUR)
    workflow.refresh_from_db()
    return workflow


def test_scenario_09_abort_finishes_in_error() -> None:
    with handlers(work=Faulty("x").work):
        workflow = aborted()

        assert (workflow.state, workflow.failed) == (State.FINISHED, True)
        assert workflow.runs.get().status == RunStatus.FAILED
        assert workflow.occurrences.get().outcome == OccurrenceOutcome.FAILED
        assert not workflow.tasks.filter(status="active").exists()


def test_scenario_09_resume_is_refused() -> None:
    with handlers(work=Faulty("x").work):
        workflow = aborted()

        with pytest.raises(CommandRefused):
            command("resume", at=FIRST_HOUR + HOUR)

        assert workflow.commands.get(name="resume").status == "refused"


def test_scenario_09_fresh_start_is_allowed() -> None:
    with handlers(work=Faulty("x.").work):
        aborted()

        started = command("start", at=FIRST_HOUR + HOUR)

    assert (started.state, started.failed) == (State.STARTED, False)


def test_scenario_09_abort_goes_before_ignore_of_the_workflow() -> None:
    with handlers(work=Faulty("x").work):
        workflow = aborted(error_policy="ignore")

    assert (workflow.state, workflow.failed) == (State.FINISHED, True)
    assert workflow.ignored_errors == 0


def with_error_output(error: Exception) -> Workflow:
    """Return a workflow after a run in which an activity with error output failed."""

    def work(_run: RunContext) -> Done:
        raise error

    seen: dict[str, Any] = {}

    def mend(run: RunContext) -> Done:
        seen.update(run.variables["vars"])
        return Done(count=1, variables={"seen": seen["errorActivity"]})

    with handlers(work=work, mend=mend):
        workflow = draw(
            {
                "begin": "start",
                "work": script("work", process_errors=True),
                "mend": script("mend"),
                "good": "end",
                "end": "end",
            },
            "begin.ok>work work.ok>good work.error>mend mend.ok>end",
        )
        command("start")
        work_off()
    workflow.refresh_from_db()
    return workflow


@pytest.mark.parametrize(
    "error",
    [
        RuntimeFault("The relay is away."),
        FileNotFoundError("/tmp/none"),
        ConnectionRefusedError("port 25"),
        TimeoutError("too slow"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_scenario_10_runtime_error_goes_to_the_error_output(error: Exception) -> None:
    workflow = with_error_output(error)

    assert passed(workflow) == ["begin", "work", "mend", "end"]
    assert (workflow.state, workflow.failed) == (State.FINISHED, False)
    assert workflow.tasks.get(activity="work").output == "error"


def test_scenario_10_error_output_carries_what_went_wrong() -> None:
    workflow = with_error_output(RuntimeFault("The relay is away."))

    variables = workflow.tasks.get(activity="mend").variables
    assert variables["errorMessage"] == "The relay is away."
    assert variables["errorActivity"] == "work"


@pytest.mark.parametrize(
    "error",
    [ConfigurationError("No such account."), KeyError("port"), ValueError("not a day")],
    ids=lambda error: type(error).__name__,
)
def test_scenario_10_configuration_error_does_not(error: Exception) -> None:
    workflow = with_error_output(error)

    assert (workflow.state, workflow.failed) == (State.PAUSED, True)
    assert workflow.tasks.get(activity="work").status == "failed"
    assert not workflow.tasks.filter(activity="mend").exists()
