"""The buttons of a workflow: what may be pressed, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.actions import allowed_commands
from workflows.models import CommandName, State, Workflow

OPERATE = "workflows.operate_technical"
KILL = "workflows.kill"


@dataclass(frozen=True, slots=True)
class Button:
    """How a command looks, and whether it asks before it acts."""

    name: str
    label: str | Promise
    icon: str
    permission: str = OPERATE
    asks: bool = False
    is_danger: bool = False
    key: str = ""


START = Button(CommandName.START, CommandName.START.label, "player-play", key="s")
PAUSE = Button(CommandName.PAUSE, CommandName.PAUSE.label, "player-pause", key="p")
STOP = Button(CommandName.STOP, CommandName.STOP.label, "player-stop", asks=True)
RESTART = Button(
    CommandName.RESTART, CommandName.RESTART.label, "refresh", asks=True, key="r"
)
KILL_BUTTON = Button(
    CommandName.KILL,
    CommandName.KILL.label,
    "hand-stop",
    permission=KILL,
    asks=True,
    is_danger=True,
)
WAKE = Button(
    CommandName.WAKE,
    gettext_lazy("Execute pending tasks now"),
    "player-skip-forward",
    asks=True,
)
STOP_AFTER_RUN = Button(
    CommandName.STOP_AFTER_RUN, CommandName.STOP_AFTER_RUN.label, "flag", asks=True
)
SIMULATE = Button(CommandName.SIMULATE, CommandName.SIMULATE.label, "eye", asks=True)
RESTART_TASK = Button(
    CommandName.RESTART_TASK, CommandName.RESTART_TASK.label, "arrow-back-up", asks=True
)
CANCEL_TASK = Button(
    CommandName.CANCEL_TASK,
    CommandName.CANCEL_TASK.label,
    "circle-x",
    asks=True,
    is_danger=True,
)
PURGE = Button(
    CommandName.PURGE, CommandName.PURGE.label, "trash", asks=True, is_danger=True
)
# Those of a row in the list; the page of the workflow has all.
ROW = (START, PAUSE, STOP, RESTART, KILL_BUTTON, WAKE)
MENU = (
    WAKE,
    SIMULATE,
    RESTART_TASK,
    STOP_AFTER_RUN,
    CANCEL_TASK,
    PURGE,
    KILL_BUTTON,
)
BUTTONS = {b.name: b for b in (*ROW, *MENU)}
BULK = (START, PAUSE, STOP, RESTART)


@dataclass(frozen=True, slots=True)
class Offer:
    """A button for one workflow and one reader; ``reason`` says why it is off."""

    button: Button
    workflow: Workflow
    label: str
    reason: str

    @property
    def is_open(self) -> bool:
        """Return whether it may be pressed."""
        return not self.reason

    @property
    def url(self) -> str:
        """Return where it posts to; a GET there shows the confirmation."""
        return reverse(
            "workflows:command", args=[self.workflow.internal_name, self.button.name]
        )

    @property
    def confirm_url(self) -> str:
        """Return the page that asks, for the state that is shown."""
        return f"{self.url}?expected_state={self.workflow.state}"


def offers(
    request: HttpRequest,
    workflow: Workflow,
    buttons: Iterable[Button] = tuple(BUTTONS.values()),
) -> dict[str, Offer]:
    """Return the buttons of a workflow by command name, as this reader finds them.

    No SQL but the operator's rights, which are read once.
    """
    reasons = allowed_commands(workflow, request.user)
    return {
        button.name: Offer(
            button,
            workflow,
            _label(workflow, button),
            reasons[CommandName(button.name)],
        )
        for button in buttons
    }


def main_command(workflow: Workflow) -> str:
    """Return the one command that a row shows first."""
    if workflow.state in (State.STARTED, State.START_PENDING, State.START_ASAP):
        return CommandName.PAUSE
    if workflow.state in (State.STOP_REQUESTED, State.RESTART_REQUESTED):
        return CommandName.STOP
    return CommandName.START


def _label(workflow: Workflow, button: Button) -> str:
    if button is START and workflow.state in (State.PAUSED, State.PAUSE_REQUESTED):
        return _("Start (resume)")
    return str(button.label)


def effect(workflow: Workflow, button: Button) -> str:
    """Return in words what a command that asks first will do."""
    effects = {
        CommandName.STOP: _(
            "Running work is ended at its next checkpoint and its position is lost."
            " Nothing starts until the workflow is started again from the beginning."
        ),
        CommandName.RESTART: _(
            "The workflow is stopped and begins again. Running work is ended at its"
            " next checkpoint; what it has done already stays. Instance variables"
            " are kept."
        ),
        CommandName.KILL: _(
            "The workflow is set to Finished at once, without waiting for any worker."
            " Use it when Stop does not take effect; work still running elsewhere is"
            " cut off from its result."
        ),
        CommandName.STOP_AFTER_RUN: _(
            "What runs goes on to its end, no new run begins, then the workflow is"
            " finished."
        ),
        CommandName.SIMULATE: _(
            "Activities with an effect are not executed, nor what follows them; each"
            " that can tells what it would do. The result stays in the journal."
        ),
        CommandName.RESTART_TASK: _(
            "A new run begins at the chosen activities, with the variables that they"
            " had; the activities before them are not done again."
        ),
        CommandName.CANCEL_TASK: _(
            "Try the mildest way first. A task that is asked ends at its next"
            " checkpoint; by force it fails at once and its workflow follows its error"
            " policy."
        ),
    }
    return effects.get(CommandName(button.name), "")
