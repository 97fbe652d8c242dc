"""The form of an activity, made from the parameters that its type declares.

Names of fields are paths: ``parameters.url``, ``parameters.outputs.0.name``,
``options.retries``; so a fault of the action finds its field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from workflows.activities import find_type
from workflows.activities.kinds import (
    Boolean,
    Choice,
    Document,
    Duration,
    Integer,
    LongText,
    Parameter,
    SchedulePlan,
    Text,
    Unfit,
    is_empty,
)
from workflows.activities.parameters import COMMON
from workflows.activities.records import ListOf, Values
from workflows.engine.graph import Node
from workflows.exceptions import Fault

LABEL, PARAMETERS, OPTIONS = "label", "parameters", "options"
_LONGEST_LABEL = 128


class ActivityForm(forms.Form):
    """Label, parameters and options of one activity.

    Bound, it is read with :meth:`values`; the caller judges those and gives the
    faults back with :meth:`show`. Lists grow by ``more``: a path to the number of
    empty rows that are shown besides the filled ones.
    """

    def __init__(
        self,
        node: Node,
        data: QueryDict | None = None,
        *,
        more: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(data)
        self.node = node
        self.kind = find_type(node.type)
        self._more = more or {}
        self.fields[LABEL] = forms.CharField(
            label=_("Label"),
            max_length=_LONGEST_LABEL,
            initial=node.label,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        for parameter in self.kind.parameters:
            self._add(PARAMETERS, parameter, node.parameters.get(parameter.name))
        for parameter in COMMON:
            self._add(OPTIONS, parameter, node.extras.get(parameter.name))

    @property
    def lists(self) -> list[tuple[str, Any]]:
        """Return name and label of the parameters that are lists of rows."""
        return [
            (parameter.name, parameter.label)
            for parameter in self.kind.parameters
            if isinstance(parameter, ListOf)
        ]

    @property
    def has_options(self) -> bool:
        """Return whether anything but the usual is set for the activity."""
        names = {parameter.name for parameter in COMMON}
        return bool(names & self.node.extras.keys()) or self.is_bound

    @property
    def parameter_fields(self) -> list[Any]:
        """Return the fields of the type's own parameters."""
        return self._below(PARAMETERS)

    @property
    def option_fields(self) -> list[Any]:
        """Return the fields of what every activity may carry."""
        return self._below(OPTIONS)

    def values(self) -> dict[str, Any]:
        """Return what was filled in as an edit of the activity takes it."""
        given = self.kind.parameters
        return {
            LABEL: (self.data.get(LABEL) or "").strip()[:_LONGEST_LABEL]
            or self.node.label,
            PARAMETERS: self._read(PARAMETERS, given),
            OPTIONS: {
                parameter.name: self._read(OPTIONS, [parameter]).get(parameter.name)
                for parameter in COMMON
            },
        }

    def show(self, faults: Sequence[Fault]) -> None:
        """Put each fault at its field, or above the form."""
        self.is_valid()
        for fault in faults:
            for above in (PARAMETERS, OPTIONS):
                name = self._nearest(f"{above}.{fault.field}")
                if name:
                    self.add_error(name, fault.message)
                    break
            else:
                self.add_error(None, f"{fault.field}: {fault.message}")

    def _below(self, above: str) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith(f"{above}.")]

    def _nearest(self, path: str) -> str:
        """Return the field of a path, or the one that stands for it."""
        while path and path not in self.fields:
            path = path.rpartition(".")[0]
        return path

    def _add(self, above: str, parameter: Parameter, value: Any) -> None:
        path = f"{above}.{parameter.name}"
        if isinstance(parameter, ListOf):
            rows = list(value or ())
            count = max(len(rows), self._rows(path)) + self._more.get(path, 0)
            for index in range(max(count, 1)):
                row = rows[index] if index < len(rows) else {}
                for part in parameter.fields:
                    self._add(f"{path}.{index}", part, row.get(part.name))
            return
        self.fields[path] = _field(parameter, value)

    def _rows(self, path: str) -> int:
        """Return how many rows of a list were filled in."""
        indices = [
            int(rest[0])
            for name in (self.data or ())
            if name.startswith(f"{path}.")
            and (rest := name[len(path) + 1 :].split("."))[0].isdecimal()
            and len(rest[0]) < 4
        ]
        return max(indices, default=-1) + 1

    def _read(self, above: str, declared: Sequence[Parameter]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for parameter in declared:
            path = f"{above}.{parameter.name}"
            if isinstance(parameter, ListOf):
                rows = [
                    row
                    for index in range(self._rows(path))
                    if (row := self._read(f"{path}.{index}", parameter.fields))
                ]
                if rows:
                    found[parameter.name] = rows
                continue
            value = _given(parameter, self.data.get(path, ""))
            if not is_empty(value):
                found[parameter.name] = value
        return found


def _field(parameter: Parameter, value: Any) -> forms.Field:
    """Return the widget of one parameter with its present value."""
    common: dict[str, Any] = {
        "label": parameter.label or parameter.name,
        "help_text": parameter.help_text,
        "required": False,
    }
    shown = parameter.default if is_empty(value) else value
    if isinstance(parameter, Boolean):
        return forms.BooleanField(**common, initial=bool(shown))
    if isinstance(parameter, Choice):
        empty = [] if parameter.default or parameter.required else [("", "—")]
        return forms.ChoiceField(
            **common, initial=shown, choices=[*empty, *parameter.choices]
        )
    text = _text(parameter, value)
    lines = _lines_of(parameter, text)
    widget: forms.Widget = forms.TextInput(attrs={"autocomplete": "off"})
    if lines:
        widget = forms.Textarea(attrs={"rows": lines, "spellcheck": "false"})
    elif isinstance(parameter, Integer):
        widget.attrs["inputmode"] = "numeric"
    if not is_empty(parameter.default):
        widget.attrs["placeholder"] = _text(parameter, parameter.default)
    return forms.CharField(**common, initial=text, widget=widget, strip=False)


def _lines_of(parameter: Parameter, text: str) -> int:
    """Return how many lines a field has; 0 is one that takes no more than one."""
    long = isinstance(parameter, LongText | Document | SchedulePlan | Values)
    return min(max(text.count("\n") + 2, 3), 14) if long else 0


def _text(parameter: Parameter, value: Any) -> str:
    """Return a stored value as a person writes it."""
    if is_empty(value):
        return ""
    if isinstance(parameter, Values):
        return "\n".join(str(item) for item in value)
    if isinstance(parameter, Duration):
        try:
            return parameter.span(value).shown
        except Unfit:
            return str(value)
    if isinstance(value, str) and isinstance(parameter, Text):
        return value
    if isinstance(parameter, Document | SchedulePlan):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value)


def _given(parameter: Parameter, text: Any) -> Any:
    """Return what a person wrote as the parameter reads it."""
    if isinstance(parameter, Boolean):
        return text in ("on", "true", True)
    text = str(text).replace("\r\n", "\n")
    if not isinstance(parameter, LongText):
        text = text.strip()
    if isinstance(parameter, Values):
        return [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(parameter, Document | SchedulePlan) and text:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
