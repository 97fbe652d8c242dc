"""What the command lines that give orders share: options, operators, refusals."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, OutputWrapper
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from workflows.actions import Effects
from workflows.actions.command_parameters import PARAMETERS, given_parameters
from workflows.actions.effects import GRADES
from workflows.exceptions import (
    AppError,
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionRefused,
    StaleState,
)
from workflows.models import CommandName

EXIT_NOT_FOUND = 3
EXIT_REFUSED = 4
EXIT_NO_RIGHT = 5
_CODES: dict[type[AppError], int] = {
    NotFound: EXIT_NOT_FOUND,
    CommandRefused: EXIT_REFUSED,
    StaleState: EXIT_REFUSED,
    InvalidInput: EXIT_REFUSED,
    PermissionRefused: EXIT_NO_RIGHT,
}


def instant(text: str) -> datetime:
    """Return an instant of ISO 8601 with its offset; an option's type."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ArgumentTypeError(
            _("give an instant with its offset, such as 2026-01-05T10:00:00Z")
        )
    return found


def document(text: str) -> dict[str, Any]:
    """Return a JSON object; an option's type."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ArgumentTypeError(_("give a JSON object of names and values"))
    return found


def _options() -> dict[str, dict[str, Any]]:
    """Return how each parameter of a command is written as an option."""
    return {
        "variables": {
            "type": document,
            "metavar": "JSON",
            "help": _("variables of the instance"),
        },
        "clear_variables": {
            "action": "store_true",
            "help": _("begin without the variables of the instance"),
        },
        "same_user": {
            "action": "store_true",
            "help": _("keep the account of the last start"),
        },
        "until": {
            "type": instant,
            "metavar": "ISO",
            "help": _("resume by itself at this instant"),
        },
        "remind_at": {
            "type": instant,
            "metavar": "ISO",
            "help": _("remind the supervisors at this instant"),
        },
        "activity": {
            "metavar": "NAME",
            "help": _("only the pending task of this activity"),
        },
        "activities": {
            "nargs": "+",
            "metavar": "NAME",
            "help": _("activities whose last ended task is repeated"),
        },
        "tasks": {
            "nargs": "+",
            "type": int,
            "metavar": "NUMBER",
            "help": _("ended tasks to repeat"),
        },
        "task": {
            "type": int,
            "metavar": "NUMBER",
            "help": _("the task that runs, see the verb stuck"),
        },
        "grade": {
            "choices": GRADES,
            "help": _(
                "ask it to end at its next checkpoint, cancel its SQL, or take it"
                " from its worker by force"
            ),
        },
    }


def add_parameters(parser: ArgumentParser, name: CommandName) -> None:
    """Declare the options of a command, by the table of its parameters."""
    options = _options()
    for parameter in PARAMETERS[name]:
        flag = "--" + parameter.replace("_", "-")
        parser.add_argument(flag, dest=parameter, **options[parameter])


def add_author(parser: ArgumentParser) -> None:
    """Declare on whose behalf an order is given."""
    parser.add_argument("--operator", metavar="NAME", help=_("on whose behalf"))


def parameters_of(name: CommandName, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters given as options, as the ledger keeps them."""
    return given_parameters(name, {key: options[key] for key in PARAMETERS[name]})


def find_operator(name: str | None) -> Any:
    """Return the operator; None is the server's own command line."""
    if name is None:
        return None
    operator = get_user_model().objects.filter(username=name).first()
    if operator is None or not operator.is_active:
        raise CommandError(
            _("No active operator is named %(name)s.") % {"name": name},
            returncode=EXIT_NOT_FOUND,
        )
    return operator


def obeyed(stdout: OutputWrapper, act: Callable[[], Any], *, as_json: bool) -> Any:
    """Return what ``act()`` does; a refusal is told and ends with its exit status."""
    try:
        return act()
    except AppError as error:
        _refuse(stdout, error, as_json=as_json)


def _refuse(stdout: OutputWrapper, error: AppError, *, as_json: bool) -> NoReturn:
    if as_json:
        fields = {k: v for k, v in error.fields.items() if k in ("state", "allowed")}
        faults = [{"field": f.field, "message": f.message} for f in error.faults]
        told = {"error_code": error.code, "message": error.message, **fields}
        print_json(stdout, {**told, "errors": faults} if faults else told)
    allowed = error.fields.get("allowed")
    advice = (
        " " + _("Possible now: %(allowed)s.") % {"allowed": ", ".join(allowed)}
        if allowed
        else ""
    )
    faults_text = "".join(f" {fault.field}: {fault.message}" for fault in error.faults)
    raise CommandError(
        f"{error.message}{faults_text}{advice}",
        returncode=_CODES.get(type(error), 1),
    ) from error


def print_effects(
    stdout: OutputWrapper, name: str, effects: Effects, *, as_json: bool
) -> None:
    """Print what an order would do, in sentences or as the API answers it."""
    if as_json:
        print_json(
            stdout,
            {
                "command": name,
                "state": effects.state_before,
                "state_after": effects.state_after,
                "effects": [
                    {
                        "code": line.code,
                        "text": line.text,
                        "parameters": dict(line.parameters),
                    }
                    for line in effects.lines
                ],
            },
        )
        return
    stdout.write(f"{effects.state_before} -> {effects.state_after}")
    for sentence in effects.sentences():
        stdout.write(f"- {sentence}")


def print_json(stdout: OutputWrapper, told: Any) -> None:
    """Print a document, its instants in UTC."""
    stdout.write(json.dumps(told, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else str(value)


def iso(value: datetime | None) -> str | None:
    """Return an instant as ISO 8601 in UTC."""
    return value.isoformat().replace("+00:00", "Z") if value else None
