"""Lists of parameters: validating them all, reading them, describing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from workflows.activities.kinds import Parameter, Unfit, is_empty
from workflows.activities.references import Reference
from workflows.exceptions import ConfigurationError, Fault

MOST_ITEMS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Parameter):
    """Records, each with the same parameters."""

    fields: tuple[Parameter, ...] = ()
    default: Any = ()
    kind: ClassVar[str] = "list"
    json_type: ClassVar[str] = "array"

    def validate(self, value: Any) -> tuple[Any, list[Fault]]:
        if is_empty(value):
            return Parameter.validate(self, value)
        if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
            message = _("Give a list of at most %(most)s.") % {"most": MOST_ITEMS}
            return value, [Fault(self.name, message)]
        records: list[Any] = []
        faults: list[Fault] = []
        for index, item in enumerate(value):
            clean, wrong = validate(self.fields, item)
            records.append(clean)
            faults += _below(f"{self.name}.{index}", wrong)
        return records, faults

    def limits(self) -> dict[str, Any]:
        return {"items": schema_of(self.fields), "maxItems": MOST_ITEMS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(Parameter):
    """Plain values, each of the same kind."""

    item: Parameter
    default: Any = ()
    kind: ClassVar[str] = "values"
    json_type: ClassVar[str] = "array"

    def validate(self, value: Any) -> tuple[Any, list[Fault]]:
        if is_empty(value):
            return Parameter.validate(self, value)
        if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
            message = _("Give a list of at most %(most)s.") % {"most": MOST_ITEMS}
            return value, [Fault(self.name, message)]
        read: list[Any] = []
        faults: list[Fault] = []
        for index, item in enumerate(value):
            try:
                read.append(self.item.read(item))
            except Unfit as unfit:
                faults.append(Fault(f"{self.name}.{index}", str(unfit)))
        return read, faults

    def limits(self) -> dict[str, Any]:
        return {"items": self.item.as_schema(), "maxItems": MOST_ITEMS}


def _below(place: str, faults: Sequence[Fault]) -> list[Fault]:
    return [
        Fault(f"{place}.{fault.field}" if fault.field else place, fault.message)
        for fault in faults
    ]


def validate(
    declared: Sequence[Parameter], given: Any
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the given values as they are stored, and everything wrong with them.

    What was not given is left out.
    """
    if not isinstance(given, Mapping):
        return {}, [Fault("", _("Give an object."))]
    known = {parameter.name: parameter for parameter in declared}
    faults = [
        Fault(
            str(name),
            _("It has no parameter of this name; remove it. It has: %(known)s.")
            % {"known": ", ".join(known) or "-"},
        )
        for name in given
        if name not in known
    ]
    clean: dict[str, Any] = {}
    for name, parameter in known.items():
        value, wrong = parameter.validate(given.get(name))
        faults += wrong
        if name in given and not is_empty(given[name]):
            clean[name] = value
    return clean, faults


def values_of(
    declared: Sequence[Parameter], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return every declared parameter by name, with its default where none is given.

    Raises ConfigurationError naming the first fault.
    """
    found: dict[str, Any] = {}
    for parameter in declared:
        value, faults = parameter.validate(given.get(parameter.name))
        for fault in faults:
            raise ConfigurationError(
                "The parameter %(field)s is wrong: %(fault)s",
                field=fault.field,
                fault=fault.message,
            )
        found[parameter.name] = value
    return found


def missing_references(
    declared: Sequence[Parameter], given: Mapping[str, Any]
) -> list[Fault]:
    """Return which named things do not exist. One query for each that is named."""
    return [
        Fault(parameter.name, message)
        for parameter in declared
        if isinstance(parameter, Reference)
        and isinstance(name := given.get(parameter.name), str)
        and name
        and (message := parameter.missing(name))
    ]


def schema_of(declared: Sequence[Parameter]) -> dict[str, Any]:
    """Return the JSON schema (2020-12) of an object with these parameters."""
    return {
        "type": "object",
        "properties": {p.name: p.as_schema() for p in declared},
        "required": [p.name for p in declared if p.required],
        "additionalProperties": False,
    }
