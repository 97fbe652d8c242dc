from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest

from tests.workflows.samples import (
    START,
    nothing,
    orders,
    sample_workflow,
    three_rows,
    tick,
    work_off,
)
from workflows import queue
from workflows.actions import issue_command, raise_signal
from workflows.exceptions import RuntimeFault
from workflows.models import (
    OccurrenceOutcome,
    RunStatus,
    RunTrigger,
    Source,
    State,
    Workflow,
)
from workflows.registry import Again, Done, RunContext

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def command(name: str, at=START, **more) -> Workflow:
    result = issue_command(
        internal_name="sample",
        name=name,
        acting_operator=None,
        source=Source.API,
        at=at,
        **more,
    )
    return result.workflow


def test_installed_workflow_waits_for_its_next_instant() -> None:
    with sample_workflow(nothing) as workflow:
        task = workflow.tasks.get(activity="scheduler")

        assert workflow.state == State.STARTED
        assert task.process_at == START.replace(minute=1, second=0)


def test_due_instant_begins_one_run_and_plans_the_next() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START + MINUTE)
        work_off()

        run = workflow.runs.get()
        assert run.status == RunStatus.FINISHED
        assert run.written_count == 3
        assert workflow.tasks.get(activity="process").record_count == 3
        task = workflow.tasks.get(activity="scheduler")
        assert task.process_at == START.replace(minute=2, second=0)


def test_due_instant_is_announced_to_the_workers() -> None:
    with sample_workflow(three_rows):
        before = orders("workflows")

        tick(START + MINUTE)

        assert orders("workflows") == before + 1


def test_second_tick_at_the_same_instant_begins_nothing() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START + MINUTE)
        tick(START + MINUTE)

        assert workflow.runs.count() == 1


def test_planned_instant_during_a_run_is_skipped_with_its_reason() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START + MINUTE)
        tick(START + 2 * MINUTE)

        skipped = workflow.occurrences.get(
            scheduled_for=START.replace(minute=2, second=0)
        )
        assert skipped.outcome == OccurrenceOutcome.SKIPPED_OVERLAP
        assert skipped.run.status == RunStatus.SKIPPED
        assert workflow.runs.filter(status=RunStatus.QUEUED).count() == 1


def test_idle_runs_are_counted_in_one_row() -> None:
    with sample_workflow(nothing) as workflow:
        for minute in (1, 2, 3):
            tick(START.replace(minute=minute, second=0))
            work_off(START.replace(minute=minute, second=1))

        run = workflow.runs.get()
        planned = workflow.occurrences.get()
        assert run.repeats == 3
        assert planned.count == 3
        assert planned.last_scheduled_for == START.replace(minute=3, second=0)


def test_signals_during_a_run_make_one_more_run_after_it() -> None:
    seen = []

    def listen(run: RunContext) -> Done:
        if not seen:
            for _ in range(3):
                raise_signal(internal_name="sample", source="test", at=START)
        seen.append(run.run_id)
        return Done(count=1)

    with sample_workflow(listen) as workflow:
        raise_signal(internal_name="sample", source="test", at=START)
        tick(START)
        work_off()

        assert len(seen) == 2
        assert workflow.runs.filter(trigger=RunTrigger.SIGNAL).count() == 2


def test_handler_that_is_not_done_goes_on_in_the_same_run() -> None:
    slices = []

    def work(_run: RunContext) -> Done | Again:
        slices.append(1)
        return Done(count=1, written=1) if len(slices) == 3 else Again(written=1)

    with sample_workflow(work) as workflow:
        tick(START + MINUTE)
        work_off()

        run = workflow.runs.get()
        assert len(slices) == 3
        assert run.written_count == 3
        assert run.status == RunStatus.FINISHED


def test_failed_task_puts_the_workflow_in_error_and_tells_once() -> None:
    def fail(_run: RunContext) -> Done:
        raise RuntimeFault("The relay is away.")

    with sample_workflow(fail) as workflow:
        tick(START + MINUTE)
        before = orders("workflows")
        work_off()

        workflow.refresh_from_db()
        task = workflow.tasks.get(activity="process")
        assert (workflow.state, workflow.failed) == (State.PAUSED, True)
        assert task.error == "The relay is away."
        assert workflow.runs.get().status == RunStatus.FAILED
        assert workflow.occurrences.get().outcome == OccurrenceOutcome.FAILED
        assert orders("workflows") == before + 1


def test_resume_executes_the_failed_task_once_more() -> None:
    mended = []

    def work(_run: RunContext) -> Done:
        if not mended:
            raise RuntimeFault("The relay is away.")
        return Done(count=1)

    with sample_workflow(work) as workflow:
        tick(START + MINUTE)
        work_off()
        mended.append(True)

        command("resume", at=START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        task = workflow.tasks.get(activity="process")
        assert (workflow.state, workflow.failed) == (State.STARTED, False)
        assert task.attempt == 2
        assert workflow.runs.get().status == RunStatus.FINISHED
        assert workflow.occurrences.get().outcome in ("ran", "ran_late")


def test_pause_leaves_running_task_untouched() -> None:
    states = []

    def work(run: RunContext) -> Done:
        states.append(command("pause").state)
        run.checkpoint()
        states.append(run.seconds_left)
        return Done(count=1)

    with sample_workflow(work) as workflow:
        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        assert states == [State.PAUSE_REQUESTED, 0.0]
        assert workflow.state == State.PAUSED
        assert workflow.commands.get(name="pause").status == "applied"
        assert workflow.tasks.get(activity="process").status == "completed"


def test_paused_workflow_begins_nothing() -> None:
    with sample_workflow(three_rows) as workflow:
        command("pause")

        tick(START + 5 * MINUTE)
        work_off()

        assert not workflow.runs.exists()


def test_resume_fires_once_for_the_instants_that_a_pause_held() -> None:
    with sample_workflow(three_rows) as workflow:
        command("pause")

        command("resume", at=START + 5 * MINUTE)
        work_off()

        held = workflow.occurrences.get(outcome=OccurrenceOutcome.HELD_PAUSE)
        assert held.count == 4
        assert workflow.runs.get().scheduled_for == START.replace(minute=5, second=0)


def test_signal_to_a_paused_workflow_waits_for_the_resume() -> None:
    with sample_workflow(three_rows) as workflow:
        command("pause")
        raise_signal(internal_name="sample", source="test", at=START)
        tick(START)
        assert not workflow.runs.exists()

        command("resume", at=START)
        tick(START)
        work_off()

        assert workflow.runs.get().trigger == RunTrigger.SIGNAL


def test_stop_ends_a_running_handler_at_its_checkpoint() -> None:
    reached = []

    def work(run: RunContext) -> Done:
        command("stop")
        run.checkpoint()
        reached.append(True)
        return Done(count=1)

    with sample_workflow(work) as workflow:
        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        assert not reached
        assert workflow.state == State.FINISHED
        assert workflow.runs.get().status == RunStatus.CANCELLED
        assert workflow.occurrences.get().outcome == OccurrenceOutcome.CANCELLED


def test_restart_during_a_run_starts_again_when_it_has_ended() -> None:
    def work(_run: RunContext) -> Done:
        command("restart")
        return Done(count=1)

    with sample_workflow(work) as workflow:
        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        assert workflow.state == State.STARTED
        assert workflow.tasks.filter(status="active").count() == 2
        assert workflow.commands.get(name="restart").status == "applied"


def test_late_result_after_an_unconditional_stop_is_refused() -> None:
    def work(_run: RunContext) -> Done:
        command("kill")
        return Done(count=1, written=1)

    with sample_workflow(work) as workflow:
        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        assert workflow.state == State.FINISHED
        assert workflow.runs.get().written_count == 0


def test_wake_executes_now_and_keeps_the_next_instant() -> None:
    with sample_workflow(three_rows) as workflow:
        planned = workflow.tasks.get(activity="scheduler").process_at

        command("wake")
        work_off()

        assert workflow.runs.get().trigger == RunTrigger.COMMAND
        assert workflow.tasks.get(activity="scheduler").process_at == planned


def test_outage_makes_one_run_for_all_missed_instants() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START + 9 * MINUTE)
        work_off()

        run = workflow.runs.get()
        assert run.variables["missedCount"] == 8
        assert sum(o.count for o in workflow.occurrences.all()) == 9


def test_stop_of_a_paused_workflow_accounts_for_the_held_instants() -> None:
    with sample_workflow(three_rows) as workflow:
        command("pause")

        command("stop", at=START + 3 * MINUTE)

        held = workflow.occurrences.get()
        assert (held.outcome, held.count) == (OccurrenceOutcome.HELD_PAUSE, 3)


def test_many_due_workflows_wake_a_few_workers() -> None:
    names = [f"sample{number}" for number in range(8)]
    with ExitStack() as installed:
        for name in names:
            installed.enter_context(sample_workflow(three_rows, name=name))
        before = orders("workflows")

        tick(START + MINUTE)

        assert orders("workflows") - before <= queue.worker_count("workflows")


def test_ignored_error_ends_the_run_with_errors_and_the_workflow_goes_on() -> None:
    def fail(_run: RunContext) -> Done:
        raise RuntimeFault("The relay is away.")

    with sample_workflow(fail) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(error_policy="ignore")
        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        assert (workflow.state, workflow.consecutive_errors) == (State.STARTED, 1)
        assert workflow.runs.get().status == RunStatus.FINISHED_WITH_ERRORS


def test_output_that_leads_nowhere_pauses_without_an_error() -> None:
    def elsewhere(_run: RunContext) -> Done:
        return Done(output="odd", count=1)

    with sample_workflow(elsewhere) as workflow:
        tick(START + MINUTE)
        work_off()

        workflow.refresh_from_db()
        assert (workflow.state, workflow.failed) == (State.PAUSED, False)
        assert workflow.pause_reason == "unterminated_transition"


def test_run_that_did_something_says_so_in_the_journal() -> None:
    with sample_workflow(three_rows) as workflow:
        tick(START + MINUTE)
        work_off()

        line = workflow.journal.get(activity="process")
        assert line.text.startswith("process: 3 read, 3 written, 0 rejected in ")
