"""Commands: what is sent and answered, and what a preview tells."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, ConfigDict

from workflows.api.structure_schemas import EffectOut
from workflows.models import CommandName

_COMMANDS: dict[str, Any] = {"enum": CommandName.values}


class CommandParameters(Schema):
    """What goes with a command; each takes its own, others are refused."""

    model_config = ConfigDict(extra="forbid")

    variables: dict[str, Any] | None = Field(
        None, description="start, simulate: variables of the instance"
    )
    clear_variables: bool | None = Field(
        None, description="restart: begin without the variables of the instance"
    )
    same_user: bool | None = Field(
        None, description="restart: keep the account of the last start"
    )
    until: AwareDatetime | None = Field(
        None, description="pause: resume by itself at this instant"
    )
    remind_at: AwareDatetime | None = Field(
        None, description="pause: remind the supervisors at this instant"
    )
    activity: str | None = Field(
        None,
        max_length=64,
        description="wake: only the pending task of this activity",
    )
    activities: list[str] | None = Field(
        None,
        max_length=100,
        description="restart_task: activities whose last ended task is repeated",
    )
    tasks: list[int] | None = Field(
        None, max_length=100, description="restart_task: ended tasks by number"
    )
    task: int | None = Field(None, description="cancel_task: a task that runs")
    grade: Literal["ask", "sql", "force"] | None = Field(
        None,
        description=(
            "cancel_task: ask it to end at its next checkpoint, cancel its SQL, or"
            " take it from its worker"
        ),
    )


class CommandIn(Schema):
    """A command; `expected_state` refuses it when the state has changed since."""

    command: str = Field(
        description=", ".join(CommandName.values), json_schema_extra=_COMMANDS
    )
    expected_state: str = Field("", max_length=20)
    reason: str = Field("", max_length=512)
    parameters: CommandParameters | None = None


class CommandAccepted(Schema):
    """The answer to a command."""

    commandId: int
    PKey: str
    internal_name: str
    command: str
    status: str
    state: str
    requestedState: str
    statusUrl: str
    noop: bool = False
    warning: str | None = None


class CommandPreview(Schema):
    """What a command would do; nothing has been changed, the ledger included."""

    command: str
    state: str
    state_after: str
    effects: list[EffectOut]


class SignalIn(Schema):
    """A signal to an external-signal activity."""

    source: str = Field("", max_length=64, description="Where it comes from; needed")
    parameters: dict[str, Any] = {}
    complete: bool = Field(
        False, description="End the waiting of the activity with this signal"
    )


class SignalAccepted(Schema):
    """The answer to a signal; it begins a run as soon as the clock sees it."""

    PKey: str
    activity: str
    status: str
    warning: str | None = None
