"""What an activity sees while it runs, and how it is told to end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from workflows import conf, queue
from workflows.engine import conditions, journal
from workflows.engine.graph import JUMP_OUT, Node, Options
from workflows.exceptions import ConfigurationError, TaskCancelled
from workflows.models import (
    JournalEntry,
    Level,
    Run,
    State,
    Task,
    TaskStatus,
    Workflow,
)

ENDING = (State.STOP_REQUESTED, State.RESTART_REQUESTED, State.FINISHED)
HEARTBEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ChildResult:
    """How the run of a sub-workflow ended."""

    output: str
    variables: Mapping[str, Any]


class BaseContext:
    """Names and values of the current activation."""

    attempt = 1

    def __init__(
        self,
        workflow: Workflow,
        run: Run,
        node: Node,
        variables: Mapping[str, Any],
        at: datetime,
    ) -> None:
        self.workflow_id = workflow.pk
        self.workflow_name = workflow.internal_name
        self.run_id = run.pk
        self.label = node.label
        self.scheduled_for = run.scheduled_for
        self.started_at = at
        self.own: dict[str, Any] = {}
        self.variables: Mapping[str, Any] = {
            "vars": dict(variables),
            "instance": workflow.variables,
            "task": self.own,
            "activity": node.name,
            "workflow": workflow.internal_name,
        }
        self.parameters = node.parameters
        self._workflow = workflow
        self._run = run
        self._node = node


class InstantContext(BaseContext):
    """The context of an activity without work of its own."""

    task_id = 0
    seconds_left = 0.0

    def checkpoint(self) -> None:
        """Go on: there is no work that could be interrupted."""

    def begin_child(self, workflow_name: str, variables: Mapping[str, Any]) -> None:
        """Refuse: only a task of a worker can wait for another run."""
        raise ConfigurationError(
            "%(name)s cannot call %(workflow)s without a worker.",
            name=self._node.name,
            workflow=workflow_name,
        )

    def child_result(self) -> ChildResult | None:
        """Return None: there is no run that it began."""
        return None

    def info(self, message: str, **parameters: Any) -> None:
        """Write a journal line."""
        self._write(Level.INFO, message, parameters)

    def warning(self, message: str, **parameters: Any) -> None:
        """Write a journal line of level warning."""
        self._write(Level.WARNING, message, parameters)

    def _write(self, level: Level, message: str, parameters: dict[str, Any]) -> None:
        journal.write(
            self._workflow,
            message,
            at=self.started_at,
            level=level,
            run=self._run,
            activity=self._node.name,
            **parameters,
        )


class TaskContext(BaseContext):
    """The context of a task that a worker executes.

    Journal lines are kept until a checkpoint or the end, and at most
    ``JOURNAL_LINES_PER_RUN`` are written; the rest is counted in one line.
    """

    def __init__(
        self,
        workflow: Workflow,
        run: Run,
        node: Node,
        task: Task,
        *,
        deadline: float,
        at: datetime,
    ) -> None:
        super().__init__(workflow, run, node, task.variables, at)
        self.own.update(task.own_variables)
        self.task_id = task.pk
        self.attempt = task.attempt
        self.lines_dropped = 0
        self.instance_changes: dict[str, Any] = {}
        self.child: tuple[str, dict[str, Any]] | None = None
        self._initialize(node)
        self._task = task
        self._deadline = deadline
        self._state = State(workflow.state)
        self._beat_at = time.monotonic()
        self._lines: list[JournalEntry] = []
        self._lines_left: int | None = None  # counted when the first one comes

    def _initialize(self, node: Node) -> None:
        """Set the variables that the activity's initialization gives ."""
        scopes: dict[str, dict[str, Any]] = {
            "vars": dict(self.variables["vars"]),
            "task": self.own,
            "instance": dict(self.variables["instance"]),
        }
        for target, expression in Options.of(node).init:
            scope, _, name = target.partition(".")
            value = conditions.value_of(expression, {**self.variables, **scopes})
            scopes[scope][name] = value
            if scope == "instance":
                self.instance_changes[name] = value
        self.variables = {**self.variables, **scopes}

    def begin_child(self, workflow_name: str, variables: Mapping[str, Any]) -> None:
        """Ask for a run of another workflow's structure, begun when this call waits."""
        self.child = (workflow_name, dict(variables))

    def child_result(self) -> ChildResult | None:
        """Return how the run begun by this task ended; None while there is none.

        The last exit jump it passed names the output; without one it is ``ok``.
        """
        run = (
            Run.objects.filter(parent_task=self.task_id, ended_at__isnull=False)
            .order_by("-id")
            .first()
        )
        if run is None:
            return None
        done = run.tasks.filter(status=TaskStatus.COMPLETED).order_by("-id")
        leaving = done.filter(activity_type=JUMP_OUT).first()
        last = leaving or done.first()
        return ChildResult(
            leaving.activity if leaving else "ok", last.variables if last else {}
        )

    @property
    def seconds_left(self) -> float:
        """Return how long the handler may go on before it hands over.

        Zero when the workflow is to pause or the worker to end.
        """
        if self._state != State.STARTED or queue.is_stopping():
            return 0.0
        return max(0.0, self._deadline - time.monotonic())

    def checkpoint(self) -> None:
        """Give a sign of life; raise TaskCancelled when the task must end.

        Costs one statement. Call it between batches, outside a transaction.
        """
        beat = time.monotonic() - self._beat_at > HEARTBEAT_SECONDS
        with connection.cursor() as cursor:
            if beat:
                cursor.execute(
                    "UPDATE workflows_task t SET heartbeat_at = now()"
                    " FROM workflows_workflow w WHERE t.id = %s AND t.epoch = %s"
                    " AND t.substate = 'running' AND w.id = t.workflow_id"
                    " RETURNING w.state, t.cancel_asked_at",
                    [self._task.pk, self._task.epoch],
                )
                self._beat_at = time.monotonic()
            else:
                cursor.execute(
                    "SELECT w.state, t.cancel_asked_at FROM workflows_task t"
                    " JOIN workflows_workflow w ON w.id = t.workflow_id"
                    " WHERE t.id = %s AND t.epoch = %s AND t.substate = 'running'",
                    [self._task.pk, self._task.epoch],
                )
            row = cursor.fetchone()
        if row is None or row[0] in ENDING or row[1] is not None:
            raise TaskCancelled(self._task.pk)
        self._state = State(row[0])
        if beat:
            self.flush()

    def info(self, message: str, **parameters: Any) -> None:
        """Write a journal line."""
        self._note(Level.INFO, message, parameters)

    def warning(self, message: str, **parameters: Any) -> None:
        """Write a journal line of level warning."""
        self._note(Level.WARNING, message, parameters)

    def pending_lines(self) -> list[dict[str, Any]]:
        """Return the lines not written yet, for who writes them itself."""
        return [
            {
                "level": line.level,
                "message": line.message,
                "parameters": line.parameters,
                "at": line.at,
            }
            for line in self._lines
        ]

    def write_lines(self) -> None:
        """Write the lines kept so far; kept until that has committed."""
        JournalEntry.objects.bulk_create(self._lines)

    def flush(self) -> None:
        """Write the lines kept so far and forget them. Its own transaction."""
        self.write_lines()
        self._lines.clear()

    def _note(self, level: Level, message: str, parameters: dict[str, Any]) -> None:
        if self._lines_left is None:
            written = self._run.journal.count()
            self._lines_left = conf.JOURNAL_LINES_PER_RUN - written
        if self._lines_left <= 0:
            self.lines_dropped += 1
            return
        self._lines_left -= 1
        self._lines.append(
            JournalEntry(
                workflow_id=self.workflow_id,
                run_id=self.run_id,
                task_id=self.task_id,
                activity=self._task.activity,
                level=level,
                message=message,
                parameters=parameters,
                at=timezone.now(),
            )
        )
