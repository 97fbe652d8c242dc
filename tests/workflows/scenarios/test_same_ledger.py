"""The same commands through console, API and command line leave the same ledger.

Each order is given to a workflow in the same situation by each surface in turn, each
time by an operator of the same rights; the rows are compared whole, refusals included.
Scenario 27 of the specification as well: every command has its row.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from tests.workflows.samples import nothing, sample_workflow
from workflows.actions import issue_command
from workflows.models import (
    Command,
    CommandName,
    Run,
    RunStatus,
    RunTrigger,
    Source,
    State,
    Substate,
    Task,
    TaskStatus,
    Workflow,
)

BACKEND = "django.contrib.auth.backends.ModelBackend"
COMPARED = (
    "name",
    "status",
    "parameters",
    "expected_state",
    "state_before",
    "state_after",
    "author",
    "reason",
    "message",
)


@dataclass(frozen=True)
class Order:
    """A command with what goes with it, in the situation that ``first`` makes."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    expected_state: str = ""
    reason: str = ""


def by_console(operator: Operator, order: Order) -> None:
    """Give the order as a browser does."""
    client = Client()
    client.force_login(operator, BACKEND)
    typed = {
        key: json.dumps(value) if isinstance(value, dict) else value
        for key, value in order.parameters.items()
        if value is not False
    }
    for key in ("until", "remind_at"):
        if key in typed:
            typed[key] = typed[key].removesuffix(":00Z")  # the console's zone is UTC
    response = client.post(
        f"/workflows/sample/commands/{order.name}/",
        {**typed, "expected_state": order.expected_state, "reason": order.reason},
    )
    assert response.status_code == 302


def by_api(operator: Operator, order: Order) -> None:
    """Give the order as a program does."""
    made = tokens.create_token(
        name=f"of {operator}", operator=operator, scopes=[Scope.WORKFLOW_EXECUTE]
    )
    tokens.forget_cached()
    response = Client(headers={"authorization": f"Bearer {made.secret}"}).post(
        "/api/v1/workflows/sample/commands",
        {
            "command": order.name,
            "expected_state": order.expected_state,
            "reason": order.reason,
            "parameters": order.parameters,
        },
        content_type="application/json",
    )
    assert response.status_code in {200, 202, 400, 403, 409}


def by_command_line(operator: Operator, order: Order) -> None:
    """Give the order as a person on the server does."""
    words = ["--operator", operator.username]
    if order.expected_state:
        words += ["--expected-state", order.expected_state]
    if order.reason:
        words += ["--reason", order.reason]
    for key, value in order.parameters.items():
        words.append("--" + key.replace("_", "-"))
        if isinstance(value, dict):
            words.append(json.dumps(value))
        elif isinstance(value, list):
            words += [str(one) for one in value]
        elif value is not True:
            words.append(str(value))
    with suppress(CommandError):  # a refusal, which the ledger tells
        call_command("workflow", order.name, "sample", *words, stdout=io.StringIO())


SURFACES: dict[Source, Callable[[Operator, Order], None]] = {
    Source.CONSOLE: by_console,
    Source.API: by_api,
    Source.CLI: by_command_line,
}
AT_REST = ("stop",)
ORDERS = [
    Order("start", first=AT_REST, reason="after the repair"),
    Order("start", {"variables": {"day": "2026-01-05"}}, first=AT_REST),
    Order("start"),
    Order("start", {"variables": {"day": "2026-01-05"}}, first=("pause",)),
    Order("pause", reason="relay under repair"),
    Order("pause", {"until": "2099-01-05T10:00:00Z"}),
    Order(
        "pause",
        {"until": "2099-01-05T10:00:00Z", "remind_at": "2099-01-05T09:00:00Z"},
    ),
    Order("pause", {"until": "2020-01-05T10:00:00Z"}),
    Order("pause", first=("pause",)),
    Order("pause", first=AT_REST),
    Order("pause", expected_state="paused"),
    Order("stop"),
    Order("stop", first=AT_REST),
    Order("restart"),
    Order("restart", {"clear_variables": True, "same_user": True}, first=AT_REST),
    Order("kill"),
    Order("kill", first=AT_REST),
    Order("wake"),
    Order("wake", {"activity": "scheduler"}),
    Order("wake", {"activity": "process"}),
    Order("wake", first=("pause",)),
    Order("stop_after_run"),
    Order("stop_after_run", first=("pause",)),
    Order("restart_task", {"activities": ["process"]}),
    Order("restart_task", {"activities": ["nowhere"]}),
    Order("restart_task"),
    Order("simulate", first=AT_REST),
    Order("simulate", {"variables": {"day": "2026-01-05"}}, first=AT_REST),
    Order("simulate"),
    Order("purge"),
    Order("purge", first=AT_REST),
    Order("cancel_task", {"task": "running", "grade": "ask"}),
    Order("cancel_task", {"task": "running", "grade": "force"}),
    Order("cancel_task", {"task": 0, "grade": "sql"}),
    Order("cancel_task", first=AT_REST),
]


def described(order: Order) -> str:
    """Return the name of a case."""
    words = [order.name, *order.parameters, *(f"after {c}" for c in order.first)]
    return " ".join([*words, order.expected_state]).strip()


@contextmanager
def forgotten() -> Iterator[None]:
    """Undo at the end whatever was done within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def prepared(order: Order, workflow: Workflow) -> Order:
    """Bring the workflow into the situation of the order."""
    now = workflow.created_at
    ended = {"status": TaskStatus.COMPLETED, "substate": Substate.NONE}
    running = {"status": TaskStatus.ACTIVE, "substate": Substate.RUNNING}
    made = []
    for state in [ended, *([running] if "task" in order.parameters else [])]:
        is_live = state is running
        run = Run.objects.create(
            workflow=workflow,
            structure=workflow.structure,
            trigger=RunTrigger.COMMAND,
            status=RunStatus.RUNNING if is_live else RunStatus.FINISHED,
            created_at=now,
            started_at=now,
            ended_at=None if is_live else now,
        )
        made.append(
            Task.objects.create(
                workflow=workflow,
                run=run,
                activity="process",
                activity_type="script",
                created_at=now,
                started_at=now,
                **state,
            )
        )
    for name in order.first:
        issue_command(
            internal_name="sample",
            name=name,
            acting_operator=None,
            source=Source.ENGINE,
            at=now,
        )
    if order.parameters.get("task") == "running":
        parameters = {**order.parameters, "task": made[-1].pk}
        return Order(order.name, parameters, order.first)
    return order


def rows_left(order: Order, source: Source, operator: Operator) -> list[Any]:
    """Return the ledger rows that one surface leaves, and what became of the state."""
    with forgotten():
        workflow = Workflow.objects.get(internal_name="sample")
        asked = prepared(order, workflow)
        before = Command.objects.count()
        SURFACES[source](operator, asked)
        rows = Command.objects.filter(source=source)
        assert Command.objects.count() == before + rows.count()
        workflow.refresh_from_db()
        left = [_comparable(row, asked) for row in rows]
        return [*left, (workflow.state, workflow.failed, workflow.variables)]


def _comparable(row: Command, order: Order) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in COMPARED}
    if "task" in row.parameters:
        # Each surface had its own task, made for it alone.
        found["parameters"] = {**row.parameters, "task": "its own"}
    return found


@pytest.fixture
def operators(db: None, supervisor: Operator, outsider: Operator) -> dict[str, Any]:
    """Return who gives the orders: with all rights, without kill, without any."""
    shift = Operator.objects.create_user("shift")
    shift.user_permissions.set(supervisor.user_permissions.exclude(codename="kill"))
    outsider.user_permissions.set(
        supervisor.user_permissions.filter(
            codename="view", content_type__model="workflow"
        )
    )
    return {"all": supervisor, "no kill": shift, "view only": outsider}


@pytest.mark.parametrize("rights", ["all", "no kill", "view only"])
@pytest.mark.parametrize("order", ORDERS, ids=described)
def test_scenario_27_each_surface_leaves_the_same_row(
    order: Order, rights: str, operators: dict[str, Operator]
) -> None:
    with sample_workflow(nothing):
        ledgers = {
            source: rows_left(order, source, operators[rights]) for source in SURFACES
        }

    assert len(ledgers[Source.API]) == 2  # one row, and the state after it
    assert ledgers[Source.CONSOLE] == ledgers[Source.API] == ledgers[Source.CLI]


def test_scenario_27_every_command_but_resume_is_among_the_orders() -> None:
    assert {order.name for order in ORDERS} == set(CommandName) - {CommandName.RESUME}


def test_scenario_27_resume_is_the_same_by_program_and_by_hand(
    operators: dict[str, Operator],
) -> None:
    order = Order("resume", first=("pause",))
    with sample_workflow(nothing):
        ledgers = [
            rows_left(order, source, operators["all"])
            for source in (Source.API, Source.CLI)
        ]

    assert ledgers[0] == ledgers[1]
    assert ledgers[0][1][0] == State.STARTED
