"""What every activity may carry beside its own parameters (activity-properties.md).

Declared like them, so that form, validation and documentation are made the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.activities.kinds import (
    Boolean,
    Choice,
    Expression,
    Integer,
    LongText,
    Parameter,
    Seconds,
    Text,
)
from workflows.activities.records import ListOf, validate
from workflows.exceptions import Fault

COMMON: tuple[Parameter, ...] = (
    Choice(
        name="execution",
        label=gettext_lazy("Execution"),
        help_text=gettext_lazy(
            "Whether it is executed; while held, its tasks wait; off, its branch ends."
        ),
        choices=(
            ("normal", gettext_lazy("Normal")),
            ("hold", gettext_lazy("Enable but do not execute")),
            ("off", gettext_lazy("Do not enable")),
        ),
        default="normal",
    ),
    Text(
        name="affinity",
        label=gettext_lazy("Affinity"),
        help_text=gettext_lazy("The queue whose workers execute it. Empty: any."),
        longest=32,
    ),
    Seconds(
        name="max_seconds",
        label=gettext_lazy("Max. execution period"),
        help_text=gettext_lazy("Longer raises an alarm, as in 30s or 1h; no more."),
        lowest=1,
    ),
    Choice(
        name="behavior",
        label=gettext_lazy("Behavior"),
        help_text=gettext_lazy(
            "Whether a second task of it may run beside the first or waits for it."
        ),
        choices=(
            ("several", gettext_lazy("Several tasks authorized")),
            ("exclusive", gettext_lazy("The current task has priority")),
        ),
        default="several",
    ),
    Choice(
        name="error_policy",
        label=gettext_lazy("In case of error"),
        choices=(
            ("inherit", gettext_lazy("As the workflow")),
            ("stop", gettext_lazy("Suspend the process")),
            ("ignore", gettext_lazy("Ignore")),
            ("abort", gettext_lazy("Abort the process")),
        ),
        default="inherit",
    ),
    Boolean(
        name="process_errors",
        label=gettext_lazy("Process errors"),
        help_text=gettext_lazy(
            "Adds an output error, for faults of files, network and database."
        ),
    ),
    Integer(
        name="retries",
        label=gettext_lazy("Retries"),
        help_text=gettext_lazy("How often such a fault is tried again first."),
        lowest=0,
        highest=20,
    ),
    Seconds(
        name="retry_after",
        label=gettext_lazy("Retry after"),
        help_text=gettext_lazy("The first pause between two tries; it doubles."),
        default=30,
        lowest=1,
    ),
    ListOf(
        name="init",
        label=gettext_lazy("Initialization"),
        help_text=gettext_lazy("Variables that are set before each task."),
        fields=(
            Text(
                name="name",
                label=gettext_lazy("Variable"),
                help_text=gettext_lazy("vars.x, task.x or instance.x"),
                required=True,
                longest=80,
            ),
            Expression(
                name="expression", label=gettext_lazy("Expression"), required=True
            ),
        ),
    ),
    LongText(name="comment", label=gettext_lazy("Comment"), longest=2_048),
)
_VARIABLE_SCOPES = ("vars", "task", "instance")


def option_faults(extras: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with the common options among what an activity carries.

    Other things, such as its position, are not judged.
    """
    names = {option.name for option in COMMON}
    given = {name: value for name, value in extras.items() if name in names}
    clean, faults = validate(COMMON, given)
    steps = [] if faults else clean.get("init", [])
    for index, step in enumerate(steps):
        scope, _dot, name = step["name"].partition(".")
        if scope not in _VARIABLE_SCOPES or not name.isidentifier():
            faults.append(
                Fault(
                    f"init.{index}.name",
                    _("Name a variable: vars.x, task.x or instance.x."),
                )
            )
    return faults


def clean_options(extras: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an activity carries with its common options in stored form."""
    names = {option.name for option in COMMON}
    given = {name: value for name, value in extras.items() if name in names}
    clean, _faults = validate(COMMON, given)
    return {**{k: v for k, v in extras.items() if k not in names}, **clean}
