"""What an activity sees while it runs, and how it is told to end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from workflows import conf, queue
from workflows.engine import journal
from workflows.engine.graph import Node
from workflows.exceptions import TaskCancelled
from workflows.models import JournalEntry, Level, Run, State, Task, Workflow

ENDING = (State.STOP_REQUESTED, State.RESTART_REQUESTED, State.FINISHED)
HEARTBEAT_SECONDS = 5.0


class BaseContext:
    """Names and values of the current activation."""

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
        self.variables: Mapping[str, Any] = {
            "vars": dict(variables),
            "instance": workflow.variables,
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
        self.task_id = task.pk
        self.lines_dropped = 0
        self._task = task
        self._deadline = deadline
        self._state = State(workflow.state)
        self._beat_at = time.monotonic()
        self._lines: list[JournalEntry] = []
        self._lines_left: int | None = None  # counted when the first one comes

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
                    " RETURNING w.state",
                    [self._task.pk, self._task.epoch],
                )
                self._beat_at = time.monotonic()
            else:
                cursor.execute(
                    "SELECT w.state FROM workflows_task t"
                    " JOIN workflows_workflow w ON w.id = t.workflow_id"
                    " WHERE t.id = %s AND t.epoch = %s AND t.substate = 'running'",
                    [self._task.pk, self._task.epoch],
                )
            row = cursor.fetchone()
        if row is None or row[0] in ENDING:
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

    def flush(self) -> None:
        """Write the lines kept so far."""
        JournalEntry.objects.bulk_create(self._lines)
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
