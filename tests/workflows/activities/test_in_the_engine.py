"""Activity types as the engine executes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.workflows.drawn import command, draw, lines, passed
from tests.workflows.samples import START, tick, work_off
from workflows.engine import executor
from workflows.models import RunStatus, Signal, State, Substate, Workflow

pytestmark = pytest.mark.django_db
# The clock goes on a little while a worker works.
HOUR = timedelta(hours=1, seconds=30)
LISTEN = ("signal", {"declared": [{"name": "total", "type": "number"}]})


def run(workflow: Workflow, at: Any = START) -> Workflow:
    """Start the workflow and work off what is queued."""
    command("start", name=workflow.internal_name, at=at)
    work_off(at)
    workflow.refresh_from_db()
    return workflow


def test_fork_activates_every_way_in_order() -> None:
    workflow = draw(
        {
            "start": "start",
            "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
            "first": "end",
            "second": "end",
        },
        "start.ok>fork fork.a>first fork.b>second",
    )

    run(workflow)

    assert passed(workflow) == ["start", "fork", "first", "second"]
    assert workflow.state == State.FINISHED


def test_wait_goes_on_at_its_time_and_blocks_nothing() -> None:
    workflow = draw(
        {
            "start": "start",
            "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
            "wait": ("wait", {"duration": "1h"}),
            "late": "end",
            "soon": "end",
        },
        "start.ok>fork fork.a>wait fork.b>soon wait.ok>late",
    )
    run(workflow)
    assert passed(workflow) == ["start", "fork", "soon"]

    tick(START + HOUR)
    work_off(START + HOUR)

    workflow.refresh_from_db()
    assert passed(workflow)[-2:] == ["wait", "late"]
    assert workflow.state == State.FINISHED


def test_wait_is_ended_by_executing_its_task_now() -> None:
    workflow = draw(
        {"start": "start", "wait": ("wait", {"duration": "1h"}), "end": "end"},
        "start.ok>wait wait.ok>end",
    )
    run(workflow)

    command("wake", at=START + timedelta(minutes=1), parameters={"activity": "wait"})
    work_off(START + timedelta(minutes=1))

    workflow.refresh_from_db()
    assert workflow.state == State.FINISHED
    assert "The waiting was ended before its time." in lines(workflow)


def test_test_tells_the_journal_what_it_chose() -> None:
    branch = {"name": "many", "condition": "vars.total > 10", "label": "Many"}
    workflow = draw(
        {
            "start": "start",
            "choose": ("test", {"branches": [branch], "use_default": True}),
            "many": "end",
            "few": "end",
        },
        "start.ok>choose choose.many>many choose.default>few",
    )

    run(workflow)

    assert passed(workflow)[-2:] == ["choose", "few"]
    assert "No condition holds: the default transition is taken." in lines(workflow)


def test_jump_goes_on_at_its_end() -> None:
    workflow = draw(
        {
            "start": "start",
            "out": ("jump_out", {"number": 7}),
            "in_": ("jump_in", {"number": 7}),
            "end": "end",
        },
        "start.ok>out in_.ok>end",
    )

    run(workflow)

    assert "end" in passed(workflow)
    assert workflow.state == State.FINISHED


def test_end_with_stop_ends_everything() -> None:
    workflow = draw(
        {
            "start": "start",
            "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
            "wait": ("wait", {"duration": "1h"}),
            "late": "end",
            "stop": ("end", {"stop_all": True}),
        },
        "start.ok>fork fork.a>wait fork.b>stop wait.ok>late",
    )

    run(workflow)

    assert workflow.state == State.FINISHED
    assert workflow.tasks.get(activity="wait").status == "cancelled"


def test_end_triggers_another_workflow_with_values() -> None:
    other = draw({"listen": LISTEN, "end": "end"}, "listen.ok>end", name="other")
    command("start", name="other")
    workflow = draw(
        {
            "start": "start",
            "end": (
                "end",
                {
                    "signal_workflow": "other",
                    "signal_activity": "listen",
                    "signal_parameters": [{"name": "total", "expression": "1 + 2"}],
                },
            ),
        },
        "start.ok>end",
    )

    run(workflow)
    tick(START)
    work_off()

    assert workflow.state == State.FINISHED
    assert Signal.objects.get(workflow=other).variables == {"total": 3}
    assert other.runs.get().status == RunStatus.FINISHED


def test_end_refuses_a_value_that_is_not_declared() -> None:
    draw({"listen": LISTEN, "end": "end"}, "listen.ok>end", name="other")
    command("start", name="other")
    workflow = draw(
        {
            "start": "start",
            "end": (
                "end",
                {
                    "signal_workflow": "other",
                    "signal_activity": "listen",
                    "signal_parameters": [{"name": "colour", "expression": "1"}],
                },
            ),
        },
        "start.ok>end",
    )

    run(workflow)

    assert workflow.failed
    assert "colour" in workflow.tasks.get(activity="end").error
    assert not Signal.objects.exists()


def called(**more: Any) -> Workflow:
    """Return a workflow to call: an entry, a choice, two exits."""
    branch = {"name": "high", "condition": "vars.total > 10"}
    return draw(
        {
            "enter": ("jump_in", {"number": 1}),
            "choose": ("test", {"branches": [branch], "use_default": True}),
            "pause": ("wait", {"duration": "1h"}),
            "good": ("jump_out", {"number": 8}),
            "bad": ("jump_out", {"number": 9}),
        },
        "enter.ok>choose choose.high>good choose.default>pause pause.ok>bad",
        name="called",
        **more,
    )


def calling(total: int) -> Workflow:
    """Return a workflow that calls the other one."""
    arguments = [{"name": "total", "expression": str(total)}]
    return draw(
        {
            "start": "start",
            "call": ("sub_workflow", {"workflow": "called", "arguments": arguments}),
            "good": "end",
            "bad": "end",
        },
        "start.ok>call call.good>good call.bad>bad",
    )


def test_sub_workflow_goes_on_by_the_exit_that_it_took() -> None:
    called()
    workflow = run(calling(12))

    assert passed(workflow)[-2:] == ["call", "good"]
    assert workflow.state == State.FINISHED
    assert workflow.runs.filter(parent_task__activity="call").count() == 1


def test_sub_workflow_is_waited_for() -> None:
    child = called()
    workflow = run(calling(1))
    assert workflow.tasks.get(activity="call").substate == Substate.WAITING

    tick(START + HOUR)
    work_off(START + HOUR)

    workflow.refresh_from_db()
    child.refresh_from_db()
    assert passed(workflow)[-2:] == ["call", "bad"]
    assert workflow.state == State.FINISHED
    assert child.state == State.EDITED


def test_sub_workflow_that_vanished_fails_and_is_called_after_resume() -> None:
    child = called()
    workflow = calling(12)
    structure = child.structure
    command("start")
    Workflow.objects.filter(pk=child.pk).update(structure=None)
    work_off()
    workflow.refresh_from_db()
    assert workflow.failed

    Workflow.objects.filter(pk=child.pk).update(structure=structure)
    command("resume")
    work_off()

    workflow.refresh_from_db()
    assert workflow.state == State.FINISHED


def test_sql_code_is_a_task_of_its_own() -> None:
    code = {"code": "select 5 as total"}
    branch = {"name": "right", "condition": "vars.total == 5 and vars.recCount == 1"}
    workflow = draw(
        {
            "start": "start",
            "query": ("sql", code),
            "choose": ("test", {"branches": [branch]}),
            "end": "end",
        },
        "start.ok>query query.ok>choose choose.right>end",
    )

    command("start")
    executor.run_task(workflow.tasks.get(activity="query").pk)
    work_off()

    assert passed(workflow)[-2:] == ["choose", "end"]


def test_error_of_sql_goes_to_the_output_for_errors() -> None:
    code = {"code": "select pg_sleep(5)", "time_limit": 1}
    workflow = draw(
        {
            "start": "start",
            "query": ("sql", code, {"process_errors": True}),
            "good": "end",
            "bad": "end",
        },
        "start.ok>query query.ok>good query.error>bad",
    )

    command("start")
    executor.run_task(workflow.tasks.get(activity="query").pk)
    work_off()

    assert passed(workflow)[-2:] == ["query", "bad"]
