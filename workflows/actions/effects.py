"""What each command sets in motion, and which parameters it takes.

| Command | Parameters |
|---|---|
| start, simulate | ``variables`` of the instance |
| restart | ``clear_variables``, ``same_user`` |
| pause | ``until``, ``remind_at`` |
| wake | ``activity``: only its pending task |
| restart_task | ``activities`` by name, or ``tasks`` by number |
| cancel_task | ``task``, ``grade``: ``ask``, ``sql`` or ``force`` |
| purge | none |

Instants are ISO 8601 with an offset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from workflows import queue
from workflows.engine import (
    cancelling,
    ending,
    failing,
    journal,
    lifecycle,
    purge,
    resuming,
    waking,
)
from workflows.engine.failing import Failure
from workflows.engine.graph import Graph
from workflows.engine.states import Effect
from workflows.exceptions import CommandRefused, Fault, InvalidInput
from workflows.models import (
    Command,
    Level,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

GRADES = ("ask", "sql", "force")


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was accepted, its workflow's row locked."""

    workflow: Workflow
    command: Command
    at: datetime
    operator: Any

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return what came with the command."""
        parameters: Mapping[str, Any] = self.command.parameters
        return parameters

    def note(self, message: str, *, level: Level = Level.INFO) -> None:
        """Tell the journal of the order."""
        journal.write(
            self.workflow,
            message,
            at=self.at,
            level=level,
            operator=self.command.author,
        )

    def instant(self, name: str) -> datetime | None:
        """Return a parameter as an instant; raises InvalidInput naming it."""
        value = self.parameters.get(name)
        if not value:
            return None
        found = value if isinstance(value, datetime) else _instant(value)
        if found is None or found.tzinfo is None:
            raise _fault(name, _("Give an instant with its offset, as ISO 8601."))
        if found <= self.at:
            raise _fault(name, _("Give an instant that is still to come."))
        return found


def _instant(value: Any) -> datetime | None:
    try:
        return parse_datetime(str(value))
    except ValueError:
        return None


def _fault(name: str, message: str) -> InvalidInput:
    return InvalidInput(
        _("A parameter of the command is wrong."),
        faults=[Fault(f"parameters.{name}", message)],
    )


def _variables(order: Order) -> dict[str, Any]:
    given = order.parameters.get("variables") or {}
    if not isinstance(given, Mapping):
        raise _fault("variables", _("Give a document of names and values."))
    return dict(given)


def _begin(order: Order) -> None:
    lifecycle.begin(
        order.workflow,
        at=order.at,
        operator=order.operator,
        variables=_variables(order),
    )


def _begin_again(order: Order) -> None:
    lifecycle.begin(
        order.workflow,
        at=order.at,
        operator=_same_user(order),
        variables={} if order.parameters.get("clear_variables") else None,
    )


def _same_user(order: Order) -> Any:
    """Return who started the workflow last, if the order asks to keep that."""
    if order.parameters.get("same_user"):
        return order.workflow.started_by or order.operator
    return order.operator


def _resume(order: Order) -> None:
    if order.parameters.get("variables"):
        raise CommandRefused(
            _(
                "Parameters only apply from the beginning: stop the workflow first,"
                " or resume it without."
            ),
            command=order.command.name,
            state=order.workflow.state,
            allowed=["resume", "stop"],
        )
    lifecycle.resume(order.workflow, at=order.at, operator=order.operator)


def _undo_pause(order: Order) -> None:
    workflow = order.workflow
    workflow.state = State.STARTED
    workflow.pause_reason = workflow.paused_by = workflow.pause_comment = ""
    workflow.resume_at = workflow.remind_at = None
    workflow.save()
    order.note("The pause was taken back.")
    waking.announce_queued(workflow)


def _pause(order: Order) -> None:
    lifecycle.pause(
        order.workflow,
        at=order.at,
        author=order.command.author,
        comment=order.command.reason,
        until=order.instant("until"),
        remind_at=order.instant("remind_at"),
    )
    order.note("Pause ordered.")


def _stop(order: Order) -> None:
    order.note("Stop ordered.")
    lifecycle.stop(order.workflow, at=order.at)


def _restart(order: Order) -> None:
    order.note("Restart ordered.")
    lifecycle.stop(order.workflow, at=order.at, begin_again=True)


def _kill(order: Order) -> None:
    order.note("Unconditional stop ordered.", level=Level.WARNING)
    running = _running(order.workflow)
    ending.kill(order.workflow, at=order.at)
    for task_id in running:
        transaction.on_commit(partial(cancelling.cancel_statement, task_id))


def _running(workflow: Workflow) -> list[int]:
    return list(
        workflow.tasks.filter(
            status=TaskStatus.ACTIVE, substate=Substate.RUNNING
        ).values_list("pk", flat=True)
    )


def _wake(order: Order) -> None:
    activity = order.parameters.get("activity")
    order.note("Execution of the pending tasks ordered.")
    woken = waking.wake_pending(order.workflow, order.at, activity=activity)
    if activity and not woken:
        raise _fault(
            "activity", _("This activity has no pending task; see the list of tasks.")
        )


def _drain(order: Order) -> None:
    order.note("Stop after the current run ordered.")
    lifecycle.drain(order.workflow, at=order.at)


def _simulate(order: Order) -> None:
    lifecycle.simulate(
        order.workflow,
        at=order.at,
        operator=order.operator,
        variables=_variables(order),
    )


def _purge(order: Order) -> None:
    """Leave the deletion to a worker: history may be millions of rows."""
    order.note("Purge of the history ordered.")
    queue.enqueue(purge.ORDERED, order.workflow.pk, queue="workflows")


def _restart_task(order: Order) -> None:
    """Begin a run at each chosen activity's last ended task, or at given tasks."""
    tasks = _chosen_tasks(order)
    workflow = order.workflow
    if workflow.state == State.PAUSED:
        _leave_none_failed(workflow, {task.run_id for task in tasks if task.run_id})
    begun = resuming.restart_from(workflow, tasks, order.at)
    for task, run in zip(tasks, begun, strict=True):
        journal.write(
            workflow,
            "Run %(number)s begins at %(name)s, again.",
            at=order.at,
            run=run,
            activity=task.activity,
            operator=order.command.author,
            number=run.pk,
            name=task.activity,
        )
    if workflow.state == State.PAUSED:
        lifecycle.resume(workflow, at=order.at, operator=order.operator)
    elif workflow.state == State.FINISHED:
        workflow.failed = False
        workflow.simulation = False
        workflow.state = State.STARTED
        workflow.last_start = order.at
        workflow.started_by = order.operator
        workflow.save()


def _leave_none_failed(workflow: Workflow, chosen: set[int]) -> None:
    """Refuse to leave another failed run behind without a word."""
    others = workflow.runs.live().filter(status="failed").exclude(pk__in=chosen)
    if others.exists():
        numbers = ", ".join(str(pk) for pk in others.values_list("pk", flat=True))
        raise _fault(
            "tasks",
            _("Runs %(numbers)s failed too: choose their tasks as well, or resume.")
            % {"numbers": numbers},
        )


def _chosen_tasks(order: Order) -> list[Task]:
    ended = order.workflow.tasks.exclude(status=TaskStatus.ACTIVE).filter(
        run__isnull=False
    )
    numbers = order.parameters.get("tasks") or []
    names = order.parameters.get("activities") or []
    if not isinstance(numbers, list) or not isinstance(names, list):
        raise _fault("activities", _("Give a list."))
    if not numbers and not names:
        raise _fault("activities", _("Name the activities to begin at, or the tasks."))
    found = {
        task.pk: task
        for task in ended.filter(
            pk__in=[n for n in numbers if isinstance(n, int)]
        ).select_related("run")
    }
    missing = [str(n) for n in numbers if n not in found]
    for name in names:
        newest = ended.filter(activity=name).select_related("run").first()
        if newest is None:
            missing.append(str(name))
        else:
            found[newest.pk] = newest
    if missing:
        raise _fault(
            "tasks" if numbers else "activities",
            _("No ended task of: %(names)s.") % {"names": ", ".join(missing)},
        )
    _require_known(order.workflow, found.values())
    return list(found.values())


def _require_known(workflow: Workflow, tasks: Any) -> None:
    known = Graph.of(workflow.structure.graph).by_name if workflow.structure else {}
    gone = sorted({task.activity for task in tasks} - set(known))
    if gone:
        raise _fault(
            "activities",
            _("The structure no longer has: %(names)s.") % {"names": ", ".join(gone)},
        )


def _cancel_task(order: Order) -> None:
    """Ask a running task to end, cancel its SQL, or take it from its worker."""
    grade = order.parameters.get("grade", "ask")
    number = order.parameters.get("task")
    if grade not in GRADES:
        raise _fault(
            "grade", _("Use one of %(grades)s.") % {"grades": ", ".join(GRADES)}
        )
    task = (
        order.workflow.tasks.select_for_update(of=("self",))
        .filter(
            pk=number if isinstance(number, int) else 0,
            status=TaskStatus.ACTIVE,
            substate=Substate.RUNNING,
        )
        .select_related("run")
        .first()
    )
    if task is None:
        raise _fault("task", _("Give the number of a task that runs."))
    journal.write(
        order.workflow,
        "The end of %(name)s was ordered (%(grade)s).",
        at=order.at,
        level=Level.WARNING,
        run=task.run,
        task=task,
        operator=order.command.author,
        name=task.activity,
        grade=grade,
    )
    if grade == "force":
        _force(order, task)
        return
    task.cancel_asked_at = task.cancel_asked_at or order.at
    task.is_cancellable = task.is_cancellable and grade != "ask"
    task.save(update_fields=["cancel_asked_at", "is_cancellable"])
    if grade == "sql":
        transaction.on_commit(partial(cancelling.cancel_statement, task.pk))


def _force(order: Order, task: Task) -> None:
    """Fail the task now; what its worker still brings is refused."""
    task.epoch += 1
    message = _("Ended by force by %(operator)s.") % {"operator": order.command.author}
    failing.fail_task(order.workflow, task, Failure(message, ""), order.at)
    lifecycle.settle(order.workflow, order.at)
    transaction.on_commit(partial(cancelling.leave_behind, task.pk))


EFFECTS: dict[Effect, Callable[[Order], None]] = {
    Effect.BEGIN: _begin,
    Effect.BEGIN_AGAIN: _begin_again,
    Effect.RESUME: _resume,
    Effect.UNDO_PAUSE: _undo_pause,
    Effect.PAUSE: _pause,
    Effect.STOP: _stop,
    Effect.RESTART: _restart,
    Effect.KILL: _kill,
    Effect.WAKE: _wake,
    Effect.DRAIN: _drain,
    Effect.RESTART_TASK: _restart_task,
    Effect.SIMULATE: _simulate,
    Effect.PURGE: _purge,
    Effect.CANCEL_TASK: _cancel_task,
}
