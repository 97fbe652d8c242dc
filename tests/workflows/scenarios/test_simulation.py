"""Scenario 29: a simulation executes nothing that has an effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.workflows.drawn import command, draw, lines, passed
from tests.workflows.handlers import handlers, script
from tests.workflows.samples import sample_workflow, three_rows, work_off
from workflows.exceptions import CommandRefused
from workflows.models import RunStatus, Signal, State, TaskStatus, Workflow
from workflows.registry import Done, RunContext, WouldDo

pytestmark = pytest.mark.django_db


class Calls:
    """Handlers that note their calls."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def noting(self, name: str) -> Callable[[RunContext], Done]:
        def work(_run: RunContext) -> Done:
            self.made.append(name)
            return Done(count=2, variables={"rows": 2})

        return work


def estimate(_owner: Any, run: RunContext) -> WouldDo:
    return WouldDo(
        count=212,
        message="%(rows)s rows wait.",
        parameters={"rows": run.variables["vars"]["rows"] + 210},
    )


def simulated(**order: Any) -> tuple[Workflow, list[str]]:
    """Return a workflow after its simulation, and the calls that were made.

    It counts without effect, then sends with one, then reports; beside that it
    would send a mail, execute SQL that writes, and trigger another workflow.
    """
    calls = Calls()
    with handlers(
        count=(calls.noting("count"), {"has_effect": False}),
        send=(calls.noting("send"), {"would_do": estimate}),
        blind=calls.noting("blind"),
        report=(calls.noting("report"), {"has_effect": False}),
    ):
        draw({"listen": "signal", "end": "end"}, "listen.ok>end", name="other")
        command("start", name="other")
        workflow = draw(
            {
                "begin": "start",
                "count": script("count"),
                "fork": (
                    "fork",
                    {"branches": [{"name": n} for n in ("a", "b", "c", "d")]},
                ),
                "send": script("send"),
                "report": script("report"),
                "blind": script("blind"),
                "write": (
                    "sql",
                    {
                        "code": "delete from workflows_signal",
                        "allow_writes": True,
                    },
                ),
                "trigger": (
                    "end",
                    {"signal_workflow": "other", "signal_activity": "listen"},
                ),
                "end": "end",
            },
            "begin.ok>count count.ok>fork fork.a>send send.ok>report report.ok>end"
            " fork.b>blind blind.ok>end fork.c>write write.ok>end fork.d>trigger",
        )
        command("simulate", **order)
        work_off()
    workflow.refresh_from_db()
    return workflow, calls.made


def test_scenario_29_no_activity_with_effect_runs() -> None:
    _workflow, calls = simulated()

    assert calls == ["count"]
    assert not Signal.objects.exists()


def test_scenario_29_what_follows_an_effect_does_not_run() -> None:
    workflow, _calls = simulated()

    assert not workflow.tasks.filter(activity="report").exists()
    assert not workflow.tasks.filter(activity="end").exists()


def test_scenario_29_counts_that_would_be_are_kept() -> None:
    workflow, _calls = simulated()

    send = workflow.tasks.get(activity="send")
    assert (send.record_count, send.is_simulated) == (212, True)
    assert send.status == TaskStatus.COMPLETED
    assert "212 rows wait." in lines(workflow)
    assert "send was not executed: it would treat 212." in lines(workflow)


def test_scenario_29_activity_that_cannot_tell_says_so() -> None:
    workflow, _calls = simulated()

    assert workflow.tasks.get(activity="blind").is_simulated
    assert any(line.startswith("blind was not executed") for line in lines(workflow))


def test_scenario_29_run_is_marked_and_the_workflow_finishes() -> None:
    workflow, _calls = simulated()

    run = workflow.runs.get()
    assert (run.is_simulation, run.status) == (True, RunStatus.FINISHED)
    assert workflow.state == State.FINISHED


def test_scenario_29_parameters_become_variables() -> None:
    workflow, _calls = simulated(parameters={"variables": {"day": "monday"}})

    assert workflow.variables == {"day": "monday"}


def test_scenario_29_next_real_run_has_its_effect() -> None:
    calls = Calls()
    with handlers(send=calls.noting("send")):
        workflow = draw(
            {"begin": "start", "send": script("send"), "end": "end"},
            "begin.ok>send send.ok>end",
        )
        command("simulate")
        work_off()
        assert calls.made == []

        command("start")
        work_off()

    assert calls.made == ["send"]
    assert not workflow.runs.latest("id").is_simulation


def test_scenario_29_schedulers_and_signals_are_passed_at_once() -> None:
    with sample_workflow(three_rows) as workflow:
        command("stop", name="sample")

        command("simulate", name="sample")
        work_off()

        workflow.refresh_from_db()
        tasks = workflow.tasks.filter(run__is_simulation=True)
        assert [task.activity for task in tasks] == ["process", "process"]
        assert all(task.is_simulated for task in tasks)
        assert not workflow.occurrences.exists()
        assert workflow.state == State.FINISHED


def test_scenario_29_nothing_is_planned_during_a_simulation() -> None:
    with sample_workflow(three_rows) as workflow:
        command("stop", name="sample")
        command("simulate", name="sample")

        planned = workflow.tasks.filter(status="active", activity="scheduler")
        assert not planned.exists()


@pytest.mark.parametrize("before", ["start", "pause"])
def test_scenario_29_workflow_at_work_is_not_simulated(before: str) -> None:
    with handlers(send=three_rows):
        draw(
            {"begin": "start", "send": script("send"), "end": "end"},
            "begin.ok>send send.ok>end",
        )
        command("start")
        command(before)

        with pytest.raises(CommandRefused):
            command("simulate")


def test_scenario_29_activity_without_effect_may_still_fail() -> None:
    def fail(_run: RunContext) -> Done:
        raise OSError("disk full")

    with handlers(count=(fail, {"has_effect": False})):
        workflow = draw(
            {"begin": "start", "count": script("count"), "end": "end"},
            "begin.ok>count count.ok>end",
        )
        command("simulate")
        work_off()

    workflow.refresh_from_db()
    assert (workflow.state, workflow.failed) == (State.PAUSED, True)
    assert passed(workflow) == ["begin"]
