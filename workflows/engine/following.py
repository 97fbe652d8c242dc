"""From an output to the tasks that follow it.

Every function here expects the workflow's row locked by the caller's transaction.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows import queue
from workflows.activities import ActivityType, find_type
from workflows.engine import joining, journal, limits
from workflows.engine.context import InstantContext
from workflows.engine.graph import Execution, Graph, Node, Options, outputs_of
from workflows.exceptions import AppError, ConfigurationError
from workflows.models import (
    Level,
    Run,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)
from workflows.registry import Done

DRAIN = "workflows.engine.executor.drain"
RUN_TASK = "workflows.engine.executor.run_task"
EVERY_OUTPUT = "*"
UNTERMINATED = "unterminated"
MAX_INSTANT_STEPS = 100
_gathered: ContextVar[Counter[str] | None] = ContextVar("gathered", default=None)


@dataclass(slots=True)
class Followed:
    """What an output led to.

    ``open_ends`` are the outputs of the source that lead nowhere, ``is_open`` says
    whether there is one.
    """

    open_ends: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(slots=True)
class _Walk:
    """One walk from a source along everything that needs no worker."""

    workflow: Workflow
    run: Run
    graph: Graph
    at: datetime
    steps: int = 0


def follow(
    workflow: Workflow,
    run: Run,
    graph: Graph,
    source: str,
    output: str,
    variables: Mapping[str, Any],
    at: datetime,
) -> Followed:
    """Activate what an output leads to; ``*`` stands for every output in order."""
    walk = _Walk(workflow, run, graph, at)
    followed = Followed()
    queued: list[tuple[Task, Node]] = []
    outputs = _outputs_taken(graph, source, output)
    followed.open_ends = tuple(o for o in outputs if not graph.after(source, o))
    followed.is_open = bool(followed.open_ends)
    ways = deque((source, taken, variables) for taken in outputs)
    while ways:
        name, taken, values = ways.popleft()
        for node in graph.after(name, taken):
            passed = _activate(walk, node, (name, taken), values, queued)
            ways.extend((node.name, o, v) for o, v in passed)
    _insert(queued)
    return followed


def _outputs_taken(graph: Graph, source: str, output: str) -> tuple[str, ...]:
    if output != EVERY_OUTPUT:
        return (output,) if output else ()
    return tuple(o for o in outputs_of(graph.by_name[source]) if o != "error")


def enter(
    workflow: Workflow,
    run: Run,
    graph: Graph,
    names: list[str],
    variables: Mapping[str, Any],
    at: datetime,
) -> Followed:
    """Activate the initial activities ``names``; one that would wait is passed."""
    walk = _Walk(workflow, run, graph, at)
    followed = Followed()
    queued: list[tuple[Task, Node]] = []
    for name in names:
        node = graph.by_name[name]
        if find_type(node.type).is_persistent:
            passed = [("ok", variables)]
        else:
            passed = _activate(walk, node, ("", ""), variables, queued)
        for output, values in passed:
            further = follow(workflow, run, graph, name, output, values, at)
            followed.is_open |= further.is_open
    _insert(queued)
    return followed


def _activate(
    walk: _Walk,
    node: Node,
    way: tuple[str, str],
    variables: Mapping[str, Any],
    queued: list[tuple[Task, Node]],
) -> list[tuple[str, Mapping[str, Any]]]:
    """Activate one activity; return the outputs it passes on at once."""
    walk.steps += 1
    if walk.steps > MAX_INSTANT_STEPS:
        raise ConfigurationError(
            "More than %(limit)s activities follow each other at once;"
            " the structure loops.",
            limit=MAX_INSTANT_STEPS,
        )
    kind = find_type(node.type)
    options = Options.of(node)
    if options.execution is Execution.OFF:
        _keep_skipped(walk, node, way, variables)
        return []
    if kind.is_collecting:
        merged = joining.collect(
            walk.workflow, walk.run, walk.graph, node, way, variables, walk.at
        )
        if merged is None:
            return []
        variables = merged
    if options.execution is Execution.NORMAL and kind.passes_at_once(node.parameters):
        if walk.run.is_simulation and kind.has_effect(node.parameters):
            _keep_skipped(walk, node, way, variables)
            return []
        passed = _try_to_pass(walk, node, kind, way, variables)
        if passed is not None:
            return passed
    task = new_task(walk.workflow, walk.run, node, variables, walk.at, source=way[0])
    if options.execution is Execution.HOLD:
        task.substate = Substate.HELD
        journal.write(
            walk.workflow,
            "%(name)s is set not to execute; its task is held.",
            at=walk.at,
            level=Level.WARNING,
            run=walk.run,
            activity=node.name,
            name=node.name,
        )
    queued.append((task, node))
    return []


def _try_to_pass(
    walk: _Walk,
    node: Node,
    kind: ActivityType,
    way: tuple[str, str],
    variables: Mapping[str, Any],
) -> list[tuple[str, Mapping[str, Any]]] | None:
    """Execute an instant activity; return None for one that needs a worker.

    An instant activity at fault needs one too: there it fails like any other, with
    its workflow in error, instead of undoing what brought it about. So does one that
    stops the workflow, or may pause it because it leads nowhere.
    """
    if kind.ends_workflow(node.parameters) or any(
        not walk.graph.after(node.name, o) for o in kind.outputs(node.parameters)
    ):
        return None
    context = InstantContext(walk.workflow, walk.run, node, variables, walk.at)
    try:
        result = kind.execute(context)
    except AppError:
        return None
    if not isinstance(result, Done):
        return None
    values = {**variables, **result.variables}
    task = _kept(walk, node, way, values, TaskStatus.COMPLETED)
    task.output = result.output
    task.result_label = result.label
    task.save(force_insert=True)
    taken = _outputs_taken(walk.graph, node.name, result.output)
    return [(output, values) for output in taken]


def _keep_skipped(
    walk: _Walk, node: Node, way: tuple[str, str], variables: Mapping[str, Any]
) -> None:
    """Keep that an activity which is not enabled was reached."""
    task = _kept(walk, node, way, variables, TaskStatus.SKIPPED)
    task.is_simulated = walk.run.is_simulation
    task.save(force_insert=True)


def _kept(
    walk: _Walk,
    node: Node,
    way: tuple[str, str],
    variables: Mapping[str, Any],
    status: TaskStatus,
) -> Task:
    return Task(
        workflow=walk.workflow,
        run=walk.run,
        activity=node.name,
        activity_type=node.type,
        status=status,
        substate=Substate.NONE,
        source=way[0],
        created_at=walk.at,
        started_at=walk.at,
        completed_at=walk.at,
        variables=dict(variables),
    )


def new_task(
    workflow: Workflow,
    run: Run,
    node: Node,
    variables: Mapping[str, Any],
    at: datetime,
    *,
    source: str = "",
) -> Task:
    """Return the queued task of an activity, unsaved."""
    kind, options = find_type(node.type), Options.of(node)
    limit = kind.time_limit(node.parameters)
    return Task(
        workflow=workflow,
        run=run,
        activity=node.name,
        activity_type=node.type,
        substate=Substate.QUEUED,
        queue=options.affinity or workflow.affinity or kind.queue(node.parameters),
        source=source,
        created_at=at,
        enqueued_at=at,
        process_at=at,
        variables=dict(variables),
        is_exclusive=options.is_exclusive,
        is_cancellable=kind.is_cancellable(node.parameters),
        is_simulated=run.is_simulation and kind.has_effect(node.parameters),
        limit_seconds=int(limit.total_seconds()) if limit else limits.hard_limit(),
    )


def _insert(queued: list[tuple[Task, Node]]) -> None:
    """Save the queued tasks and wake as many workers as can take them."""
    if not queued:
        return
    Task.objects.bulk_create([task for task, _node in queued])
    wakes: Counter[str] = Counter()
    for task, node in queued:
        if task.substate != Substate.QUEUED:
            continue
        if find_type(node.type).is_long(node.parameters):
            queue.enqueue(RUN_TASK, task.pk, queue=task.queue)
        else:
            wakes[task.queue] += 1
    for name, count in wakes.items():
        wake(name, count)


def announce(task: Task, graph: Graph) -> None:
    """Have a worker take the queued task."""
    node = graph.by_name[task.activity]
    if find_type(node.type).is_long(node.parameters):
        queue.enqueue(RUN_TASK, task.pk, queue=task.queue)
    else:
        wake(task.queue)


def wake(name: str, count: int = 1) -> None:
    """Have up to ``count`` workers of a queue look for queued tasks."""
    gathered = _gathered.get()
    if gathered is not None:
        gathered[name] += count
        return
    for _ in range(min(count, queue.worker_count(name))):
        queue.enqueue(DRAIN, name, queue=name)


@contextmanager
def gathered_wakes() -> Iterator[None]:
    """Wake each queue once for all that is queued within; a few drains take it."""
    counts: Counter[str] = Counter()
    token = _gathered.set(counts)
    try:
        yield
    finally:
        _gathered.reset(token)
    for name, count in counts.items():
        wake(name, count)


def note_unterminated(
    workflow: Workflow, task: Task, open_ends: list[str], at: datetime
) -> None:
    """Warn that a task reached a transition without destination."""
    journal.write(
        workflow,
        "The output %(output)s of %(name)s leads nowhere; the workflow is paused."
        " Connect it, then resume.",
        at=at,
        level=Level.WARNING,
        run=task.run,
        task=task,
        output=", ".join(open_ends),
        name=task.activity,
    )
