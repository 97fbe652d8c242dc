"""The parameters of a signal: checked and converted by their declared types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from workflows.api import problems
from workflows.exceptions import Fault, InvalidInput

SIGNAL_FAULT = "RST-360011"
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})


class ParameterFaults(InvalidInput):
    """The call has faults."""

    code = SIGNAL_FAULT

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults=faults)

    def response(self) -> HttpResponse:
        """Return the answer, with every fault in ``details`` as the original has it."""
        return problems.problem(
            self.status,
            self.code,
            self.message,
            faults=self.faults,
            details=[
                {"code": self.code, "parameter": f.field, "message": f.message}
                for f in self.faults
            ],
        )


def coerce(body: Mapping[str, Any], declared: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables of a signal, in JSON's types.

    ``declared`` maps a name to string, number, boolean, date or datetime. Instants
    come out in UTC. A declared parameter may be missing. Raises ParameterFaults
    naming every fault.
    """
    faults = []
    source = body.get("source")
    if not isinstance(source, str) or not source.strip():
        faults.append(Fault("source", _("Say where the signal comes from.")))
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict):
        faults.append(Fault("parameters", _("Send an object of names and values.")))
        parameters = {}
    variables: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in declared:
            faults.append(
                Fault(
                    name,
                    _("The parameter %(name)s isn't defined in the signal activity.")
                    % {"name": name},
                )
            )
            continue
        try:
            variables[name] = _convert(value, declared[name])
        except (ValueError, TypeError, InvalidOperation):
            faults.append(
                Fault(
                    name,
                    _("The parameter %(name)s has to be of type %(type)s.")
                    % {"name": name, "type": declared[name]},
                )
            )
    if faults:
        raise ParameterFaults(faults)
    return variables


def _convert(value: Any, wanted: str) -> Any:
    if isinstance(value, dict | list) or value is None:
        raise TypeError(value)
    match wanted:
        case "string":
            return value if isinstance(value, str) else _as_text(value)
        case "number":
            return _as_number(value)
        case "boolean":
            return _as_boolean(value)
        case "date":
            return date.fromisoformat(str(value).strip()).isoformat()
        case _:
            return _as_instant(str(value).strip())


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, int | float):
        return value
    number = Decimal(str(value).strip())
    if not number.is_finite():
        raise ValueError(value)
    return int(number) if number == number.to_integral_value() else float(number)


def _as_boolean(value: Any) -> bool:
    text = _as_text(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(value)


def _as_instant(text: str) -> str:
    """Return an instant in UTC; one without a zone is taken as UTC."""
    instant = datetime.fromisoformat(text)
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
