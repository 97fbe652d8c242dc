"""What every activity may carry: execution, behaviour, retries, initialization."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.drawn import command, draw, lines, passed, redraw
from tests.workflows.handlers import handlers, script
from tests.workflows.in_state import one_row
from tests.workflows.samples import START, tick, work_off
from tests.workflows.workers import at_once
from workflows.engine import claiming, waiting
from workflows.exceptions import CommandRefused, ConfigurationError, RuntimeFault
from workflows.models import RunStatus, State, Task, Workflow
from workflows.registry import Done, RunContext

MINUTE = timedelta(minutes=1)
MOMENT = timedelta(seconds=5)
FORK = ("fork", {"branches": [{"name": "a"}, {"name": "b"}]})


class Failing:
    """A handler that fails a number of times, then does its work."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.calls = times, error, 0

    def work(self, _run: RunContext) -> Done:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return Done(count=1)


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    with handlers(work=one_row):
        yield


def line(**options: Any) -> Workflow:
    """Return a started workflow of two scripts; the first has these options."""
    draw(
        {
            "begin": "start",
            "first": script("work", **options),
            "second": script("work"),
            "end": "end",
        },
        "begin.ok>first first.ok>second second.ok>end",
    )
    return command("start")


@pytest.mark.django_db
def test_activity_that_is_not_enabled_ends_its_branch() -> None:
    workflow = line(execution="off")
    work_off()

    workflow.refresh_from_db()
    assert passed(workflow) == ["begin"]
    assert workflow.tasks.get(activity="first").status == "skipped"
    assert workflow.state == State.FINISHED


@pytest.mark.django_db
def test_held_activity_keeps_its_task_and_the_workflow_started() -> None:
    workflow = line(execution="hold")
    work_off()

    workflow.refresh_from_db()
    assert workflow.tasks.get(activity="first").substate == "held"
    assert "first is set not to execute; its task is held." in lines(workflow)
    assert [r.code for r in waiting.reasons(workflow, START)] == ["held"]
    assert workflow.runs.get().is_live


@pytest.mark.django_db
def test_wake_does_not_execute_a_held_task() -> None:
    draw(
        {
            "plan": ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}}),
            "first": script("work", execution="hold"),
            "end": "end",
        },
        "plan.ok>first first.ok>end",
    )
    workflow = command("start")
    command("wake")

    command("wake")
    work_off()

    assert workflow.tasks.get(activity="first").substate == "held"


@pytest.mark.django_db
def test_held_task_goes_on_when_its_activity_is_normal_again() -> None:
    draw(
        {
            "plan": ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}}),
            "first": script("work", execution="hold"),
            "end": "end",
        },
        "plan.ok>first first.ok>end",
    )
    workflow = command("start")
    command("wake")

    redraw(
        {
            "plan": ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}}),
            "first": script("work"),
            "end": "end",
        },
        "plan.ok>first first.ok>end",
    )
    work_off()

    assert workflow.runs.get().status == RunStatus.FINISHED
    assert passed(workflow) == ["first", "end"]


@pytest.mark.django_db
def test_runtime_fault_is_tried_again_after_a_pause_that_doubles() -> None:
    failing = Failing(2, RuntimeFault("The relay is away."))
    with handlers(work=one_row, fail=failing.work):
        workflow = line_of("fail", retries=2, retry_after=60)
        work_off(START)
        first = workflow.tasks.get(activity="first")
        assert (first.substate, first.retries) == ("pending", 1)
        assert waits_about(first, START, 60)
        assert workflow.runs.get().status == RunStatus.DEFERRED

        again = START + MINUTE + MOMENT
        tick(again)
        work_off(again)
        first.refresh_from_db()
        assert waits_about(first, again, 120)

        tick(again + 2 * MINUTE + MOMENT)
        work_off(again + 2 * MINUTE + MOMENT)

    workflow.refresh_from_db()
    assert failing.calls == 3
    assert (workflow.state, workflow.failed) == (State.FINISHED, False)
    assert workflow.runs.get().status == RunStatus.FINISHED


def line_of(handler: str, **options: Any) -> Workflow:
    draw(
        {"begin": "start", "first": script(handler, **options), "end": "end"},
        "begin.ok>first first.ok>end",
    )
    return command("start")


def waits_about(task: Task, since: Any, seconds: int) -> bool:
    """Return whether a task waits so long, give or take the length of the test."""
    left = (task.process_at - since).total_seconds()
    return seconds <= left < seconds + 5


@pytest.mark.django_db
def test_fault_that_lasts_fails_after_the_last_retry() -> None:
    failing = Failing(9, RuntimeFault("The relay is away."))
    with handlers(fail=failing.work):
        workflow = line_of("fail", retries=1, retry_after=1)
        work_off(START)
        tick(START + MINUTE)
        work_off(START + MINUTE)

    workflow.refresh_from_db()
    assert failing.calls == 2
    assert (workflow.state, workflow.failed) == (State.PAUSED, True)
    assert workflow.tasks.get(activity="first").error == "The relay is away."


@pytest.mark.django_db
def test_configuration_error_is_not_tried_again() -> None:
    failing = Failing(9, ConfigurationError("No such account."))
    with handlers(fail=failing.work):
        workflow = line_of("fail", retries=5)
        work_off(START)

    workflow.refresh_from_db()
    assert failing.calls == 1
    assert workflow.failed


@pytest.mark.django_db
def test_pause_between_two_tries_holds_the_second() -> None:
    failing = Failing(1, RuntimeFault("The relay is away."))
    with handlers(fail=failing.work):
        workflow = line_of("fail", retries=1, retry_after=60)
        work_off(START)
        command("pause", at=START + MOMENT)
        tick(START + 2 * MINUTE)
        work_off(START + 2 * MINUTE)
        assert failing.calls == 1

        command("resume", at=START + 3 * MINUTE)
        tick(START + 3 * MINUTE)
        work_off(START + 3 * MINUTE)

    assert workflow.runs.get().status == RunStatus.FINISHED


@pytest.mark.django_db
def test_initialization_sets_variables_of_each_scope() -> None:
    seen: dict[str, Any] = {}

    def look(run: RunContext) -> Done:
        seen.update({scope: dict(run.variables[scope]) for scope in ("vars", "task")})
        return Done(count=1)

    steps = [
        {"name": "vars.total", "expression": "1 + 2"},
        {"name": "task.limit", "expression": "vars.total + 3"},
        {"name": "instance.last", "expression": "vars.total"},
    ]
    with handlers(look=look):
        workflow = line_of("look", init=steps)
        work_off()

    workflow.refresh_from_db()
    assert (seen["vars"]["total"], seen["task"]["limit"]) == (3, 6)
    assert workflow.variables == {"last": 3}
    assert workflow.tasks.get(activity="end").variables == {"total": 3}


def two_branches(**properties: Any) -> Workflow:
    """Return a started workflow whose two branches are queued."""
    draw(
        {
            "begin": "start",
            "fork": FORK,
            "left": script("work", **properties.pop("options", {})),
            "right": script("work"),
            "end": "end",
        },
        "begin.ok>fork fork.a>left fork.b>right left.ok>end right.ok>end",
        **properties,
    )
    return command("start")


def take() -> bool:
    """Look for a task as a worker does: again while another one holds the row."""
    for _ in range(40):
        if claiming.claim(queue_name="workflows") is not None:
            return True
        time.sleep(0.005)
    return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_parallel", "taken"), [(False, 1), (True, 2)])
def test_branches_are_taken_side_by_side_only_if_wanted(
    is_parallel: bool, taken: int
) -> None:
    workflow = two_branches(parallel_branches=is_parallel)

    with at_once(take, take, take, take) as results:
        pass

    assert sum(results) == taken
    running = workflow.tasks.filter(substate="running")
    assert running.count() == taken


@pytest.mark.django_db
def test_branches_follow_each_other_in_the_order_of_the_outputs() -> None:
    workflow = two_branches()

    first = claiming.claim(queue_name="workflows")

    assert first is not None
    assert first.activity == "left"
    reasons = {r.activity: r.code for r in waiting.reasons(workflow, START)}
    assert reasons["right"] in ("turn", "no_worker")


def exclusive_runs() -> Workflow:
    """Return a workflow with two runs before the same exclusive activity."""
    draw(
        {
            "plan": ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}}),
            "first": script("work", behavior="exclusive"),
            "end": "end",
        },
        "plan.ok>first first.ok>end",
        overlap_policy="parallel",
    )
    command("start")
    command("wake")
    return command("wake")


@pytest.mark.django_db(transaction=True)
def test_exclusive_activity_has_one_task_at_a_time() -> None:
    workflow = exclusive_runs()

    with at_once(take, take, take) as results:
        pass

    assert sum(results) == 1
    [running] = workflow.tasks.filter(substate="running")
    assert running.pk == workflow.tasks.filter(activity="first").earliest("id").pk


@pytest.mark.django_db
def test_exclusive_activity_takes_them_in_their_order() -> None:
    workflow = exclusive_runs()

    work_off()

    done = workflow.tasks.filter(activity="first").order_by("started_at")
    assert [task.pk for task in done] == sorted(task.pk for task in done)
    assert workflow.runs.filter(status=RunStatus.FINISHED).count() == 2


def half_connected(at_fork: bool) -> tuple[dict[str, Any], str]:
    """Return a structure: a fork one of whose branches leads nowhere yet."""
    before = "begin.ok>fork" if at_fork else "begin.ok>first first.ok>fork"
    return (
        {
            "begin": "start",
            **({} if at_fork else {"first": script("work")}),
            "fork": FORK,
            "left": script("work"),
            "end": "end",
        },
        f"{before} fork.a>left left.ok>end",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("at_fork", [True, False])
def test_branch_without_end_pauses_and_is_not_doubled_by_the_resume(
    at_fork: bool,
) -> None:
    activities, ways = half_connected(at_fork)
    workflow = draw(activities, ways)
    command("start")
    work_off()
    workflow.refresh_from_db()
    assert (workflow.state, workflow.failed) == (State.PAUSED, False)
    assert workflow.pause_reason == "unterminated_transition"

    redraw({**activities, "right": script("work")}, f"{ways} fork.b>right right.ok>end")
    command("resume", at=START + MINUTE)
    work_off(START + MINUTE)

    workflow.refresh_from_db()
    names = [task.activity for task in workflow.tasks.filter(status="completed")]
    assert (names.count("left"), names.count("right")) == (1, 1)
    assert names.count("fork") == 1
    assert workflow.state == State.FINISHED


@pytest.mark.django_db
def test_disabled_account_puts_the_workflow_in_error(administrator: Any) -> None:
    workflow = line()
    administrator.is_active = False
    administrator.save()
    Workflow.objects.filter(pk=workflow.pk).update(run_as=administrator)

    work_off()

    workflow.refresh_from_db()
    assert (workflow.state, workflow.failed) == (State.PAUSED, True)
    assert "execution account" in workflow.tasks.get(activity="first").error


def ran_from(activity: str) -> Workflow:
    return command(
        "restart_task", at=START + MINUTE, parameters={"activities": [activity]}
    )


@pytest.mark.django_db
def test_finished_workflow_goes_on_from_a_task() -> None:
    workflow = line()
    work_off()

    again = ran_from("second")
    work_off(START + MINUTE)

    run = workflow.runs.latest("id")
    assert again.state == State.STARTED
    assert [task.activity for task in run.tasks.order_by("id")] == ["second", "end"]
    assert run.origin_task.activity == "second"
    workflow.refresh_from_db()
    assert workflow.state == State.FINISHED


@pytest.mark.django_db
def test_failed_run_is_replaced_and_its_instant_goes_with_it() -> None:
    failing = Failing(1, RuntimeFault("The relay is away."))
    due = START.replace(hour=11, minute=0, second=0)
    schedule = {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}
    with handlers(work=one_row, fail=failing.work):
        workflow = draw(
            {
                "plan": ("scheduler", {"schedule": schedule}),
                "first": script("work"),
                "second": script("fail"),
                "end": "end",
            },
            "plan.ok>first first.ok>second second.ok>end",
        )
        command("start")
        tick(due)
        work_off(due)
        command("restart_task", at=due + MINUTE, parameters={"activities": ["first"]})
        work_off(due + MINUTE)

    old, new = workflow.runs.order_by("id")
    workflow.refresh_from_db()
    assert (old.status, new.status) == (RunStatus.FAILED, RunStatus.FINISHED)
    assert old.ended_at is not None
    assert workflow.occurrences.get().run_id == new.pk
    assert workflow.occurrences.get().outcome in ("ran", "ran_late")
    assert (workflow.state, workflow.failed) == (State.STARTED, False)


@pytest.mark.django_db
def test_resume_of_an_unknown_activity_is_refused_with_its_name() -> None:
    line()
    work_off()

    with pytest.raises(Exception, match="wrong") as refused:
        ran_from("nowhere")

    assert "nowhere" in refused.value.faults[0].message


@pytest.mark.django_db
def test_stop_after_run_lets_the_run_end_and_begins_no_other() -> None:
    schedule = {"kind": "several_times_a_day", "every": "PT1H", "from": "00:00"}
    due = START.replace(hour=11, minute=0, second=0)
    workflow = draw(
        {
            "plan": ("scheduler", {"schedule": schedule}),
            "wait": ("wait", {"duration": "90m"}),
            "end": "end",
        },
        "plan.ok>wait wait.ok>end",
    )
    command("start")
    tick(due)
    work_off(due)

    command("stop_after_run", at=due + MINUTE)
    tick(due + timedelta(minutes=92))
    work_off(due + timedelta(minutes=92))

    workflow.refresh_from_db()
    assert workflow.state == State.FINISHED
    assert workflow.runs.get().status == RunStatus.FINISHED
    assert not workflow.stops_after_run
    outcomes = workflow.occurrences.order_by("scheduled_for")
    assert [each.outcome for each in outcomes][1:] == ["cancelled"]


@pytest.mark.django_db
def test_start_with_parameters_of_a_paused_workflow_is_refused() -> None:
    line()
    command("pause")

    with pytest.raises(CommandRefused, match="from the beginning"):
        command("start", parameters={"variables": {"a": 1}})
