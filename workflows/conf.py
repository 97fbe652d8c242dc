"""What the engine takes from its surroundings: limits, options, periodic duties.

Applications fill in what is theirs; the engine never imports them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:  # this module is imported before the models are
    from workflows.models import Notification

# A run hands over after this long, so that a worker serves others too.
BUDGET_SECONDS = 20.0
CLOCK_BEAT_SECONDS = 5
CANARY_SECONDS = 10
RESCUE_SECONDS = 15
# A clock or a queue silent for longer is reported as down.
SILENCE_SECONDS = 30
# A queued task that no worker took for this long is announced again.
UNCLAIMED_SECONDS = 30
MAX_ATTEMPTS = 5
JOURNAL_LINES_PER_RUN = 1_000
LATE_SECONDS = 5.0
# How long a process goes on with the options that it has read.
OPTIONS_KEPT_SECONDS = 5.0

# What administrators may change, with what counts while nobody did.
# WORKFLOW_MAX_ACTIVE: None stands for twice the number of workers.
OPTIONS: Mapping[str, Any] = {
    "WORKFLOW_MAX_ACTIVE": None,
    "WORKFLOW_MIN_INTERVAL": 600,
    "WORKFLOW_TASK_HARD_LIMIT": 21_600,
    "WORKFLOW_LONG_TASK_HOURS": 6,
    "WORKFLOW_HTTP_HOSTS": "",
    "WORKFLOW_HTTP_ALLOW_PRIVATE": 0,
    "XtkSecurity_FeatureFlag_SqlSensitive": 1,
    "XtkSecurity_SqlSensitive_Methods": "",
    "NmsServer_PausedWorkflowPeriod": 7,
    "WorkflowPausedMaxNotices": 4,
}

# Called with the names of OPTIONS; returns the values that differ from these.
OptionProvider = Callable[[Collection[str]], Mapping[str, Any]]

# Called with a notification; has it posted to whom it concerns, returns how many.
WebhookProvider = Callable[["Notification", datetime], int]


@dataclass(frozen=True, slots=True)
class Periodic:
    """A duty that the clock orders now and then, executed by a worker."""

    name: str
    function: str
    every_seconds: int
    queue: str


# Called with the name of an external account that activities may use; returns its
# settings and secrets, or None without an enabled one.
AccountReader = Callable[[str], Mapping[str, str] | None]
# Called with the name of any option; returns its value, or None without one.
OptionReader = Callable[[str], Any]

_periodic: dict[str, Periodic] = {}
_option_provider: OptionProvider | None = None
_webhook_provider: WebhookProvider | None = None
_option_reader: OptionReader | None = None
_account_reader: AccountReader | None = None
_options: Mapping[str, Any] = {}
_options_read_at: float | None = None


def register_periodic(
    name: str, function: str, every_seconds: int, *, queue: str = "workflows"
) -> None:
    """Have the clock order ``function`` (a dotted path) every so many seconds."""
    _periodic[name] = Periodic(name, function, every_seconds, queue)


def periodic() -> tuple[Periodic, ...]:
    """Return the registered duties."""
    return tuple(_periodic.values())


def server_zone() -> str:
    """Return the name of the server's time zone."""
    return settings.TIME_ZONE


def set_option_provider(provider: OptionProvider | None) -> None:
    """Provide the values of the options; called once by who keeps them."""
    global _option_provider
    _option_provider = provider
    forget_options()


def set_webhooks(provider: WebhookProvider | None) -> None:
    """Provide what posts notifications to other systems; called once."""
    global _webhook_provider
    _webhook_provider = provider


def order_webhooks(notification: Notification, at: datetime) -> int:
    """Have a notification posted to the webhooks; return how many there are."""
    if _webhook_provider is None:
        return 0
    return _webhook_provider(notification, at)


def forget_options() -> None:
    """Have the options read anew: one of them was changed by this process."""
    global _options, _options_read_at
    _options, _options_read_at = {}, None


def option(name: str) -> Any:
    """Return the value of one of OPTIONS; raises KeyError for another name.

    At most one query in OPTIONS_KEPT_SECONDS, however many options are asked for.
    """
    global _options, _options_read_at
    default = OPTIONS[name]
    now = time.monotonic()
    if _option_provider is not None and (
        _options_read_at is None or now - _options_read_at > OPTIONS_KEPT_SECONDS
    ):
        _options = _option_provider(tuple(OPTIONS))
        _options_read_at = now
    return _options.get(name, default)


def set_option_reader(reader: OptionReader | None) -> None:
    """Provide the values of all options of the platform, for expressions."""
    global _option_reader
    _option_reader = reader


def any_option(name: str) -> Any:
    """Return the value of an option of the platform; None when there is none."""
    if name in OPTIONS:
        return option(name)
    return _option_reader(name) if _option_reader is not None else None


def set_account_reader(reader: AccountReader | None) -> None:
    """Provide the external accounts that activities may use."""
    global _account_reader
    _account_reader = reader


def account(name: str) -> Mapping[str, str] | None:
    """Return settings and secrets of an external account; None without such a one."""
    return _account_reader(name) if _account_reader is not None else None
