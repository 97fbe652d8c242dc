"""What every activity may carry beside its parameters: is it well formed?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from workflows.engine.graph import Execution, OnError
from workflows.exceptions import Fault

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "execution": tuple(Execution),
    "error_policy": tuple(OnError),
    "behavior": ("several", "exclusive"),
}
_LOWEST = {"max_seconds": 1, "retries": 0, "retry_after": 1}
_TEXTS = ("affinity", "comment")
_VARIABLE = re.compile(r"(vars|task|instance)\.[A-Za-z_][A-Za-z0-9_]*")


def option_faults(extras: Mapping[str, Any]) -> list[Fault]:
    """Return what is wrong with the options; an empty one counts as not given."""
    return [*_choices(extras), *_numbers(extras), *_others(extras)]


def _choices(extras: Mapping[str, Any]) -> Iterator[Fault]:
    for name, values in _CHOICES.items():
        if (given := extras.get(name)) and given not in values:
            yield Fault(name, _("Use one of %(known)s.") % {"known": ", ".join(values)})


def _numbers(extras: Mapping[str, Any]) -> Iterator[Fault]:
    for name, lowest in _LOWEST.items():
        given = extras.get(name)
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int) or given < lowest:
            yield Fault(
                name, _("Give it a whole number from %(lowest)s.") % {"lowest": lowest}
            )


def _others(extras: Mapping[str, Any]) -> Iterator[Fault]:
    for name in _TEXTS:
        if not isinstance(extras.get(name, ""), str | None):
            yield Fault(name, _("Give it a text."))
    if not isinstance(extras.get("process_errors", False), bool | None):
        yield Fault("process_errors", _("Give it true or false."))
    steps = extras.get("init") or ()
    if not isinstance(steps, list | tuple):
        yield Fault("init", _("Give it a list of name and expression."))
        return
    for index, step in enumerate(steps):
        if (
            not isinstance(step, Mapping)
            or not _VARIABLE.fullmatch(str(step.get("name", "")))
            or not step.get("expression")
        ):
            yield Fault(
                f"init.{index}",
                _(
                    "Give it the name of a variable (vars.x, task.x or instance.x) and"
                    " an expression."
                ),
            )
