"""A workflow as a document: what is written to a file, what is read from one.

The document holds label, description, properties and one structure. It never holds
variables, history or secrets: activities name external accounts, whose secrets stay
where they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from workflows.activities import activity_types
from workflows.activities.parameters import COMMON
from workflows.activities.records import schema_of
from workflows.engine import validation
from workflows.engine.graph import Graph
from workflows.exceptions import Fault, InvalidInput
from workflows.models import (
    ErrorPolicy,
    OverlapPolicy,
    Severity,
    StructureVersion,
    Workflow,
)

FORMAT = 1
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "owner": {"type": "string", "maxLength": 128},
    "runbook": {"type": "string", "maxLength": 512},
    "on_error": {"type": "string", "maxLength": 4000},
    "severity": {"enum": [name.name.lower() for name in Severity]},
    "history_days": {"type": "integer", "minimum": 0},
    "error_policy": {"enum": list(ErrorPolicy.values)},
    "max_consecutive_errors": {"type": "integer", "minimum": 0},
    "auto_restart": {"type": "boolean"},
    "overlap_policy": {"enum": list(OverlapPolicy.values)},
    "parallel_branches": {"type": "boolean"},
    "blackouts": {"type": "array", "items": {"type": "object"}},
    "affinity": {"type": "string", "maxLength": 32},
    "expected_seconds": {"type": ["integer", "null"], "minimum": 0},
    "deadline_seconds": {"type": ["integer", "null"], "minimum": 0},
    "backlog_max_rows": {"type": ["integer", "null"], "minimum": 0},
    "backlog_max_seconds": {"type": ["integer", "null"], "minimum": 0},
    "time_zone": {"type": "string", "maxLength": 64},
}
_PARTS = ("internal_name", "label", "description", "properties", "structure")
_TEXTS = ("label", "description")


@dataclass(frozen=True, slots=True)
class Document:
    """What a document describes; ``values`` are properties as the model has them."""

    internal_name: str
    values: Mapping[str, Any]
    graph: Graph


def write(workflow: Workflow, version: StructureVersion) -> dict[str, Any]:
    """Return the document of a workflow with one of its structure versions."""
    properties = {name: getattr(workflow, name) for name in PROPERTIES}
    properties["severity"] = Severity(workflow.severity).name.lower()
    document = {
        "format": FORMAT,
        "internal_name": workflow.internal_name,
        "label": workflow.own_label,
        "description": workflow.description,
        "properties": properties,
        "structure": Graph.of(version.graph).as_dict(),
    }
    return {**document, "checksum": checksum(document)}


def checksum(document: Mapping[str, Any]) -> str:
    """Return the sum over everything in the document but itself."""
    counted = {name: document[name] for name in _PARTS if name in document}
    text = json.dumps(
        counted, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read(data: Any) -> Document:
    """Return what a document describes.

    Raises InvalidInput with every fault of its form; whether the structure can be
    executed is judged by who saves it.
    """
    if not isinstance(data, Mapping):
        raise _invalid([Fault("", _("A document is an object; give one."))])
    faults = [*_frame_faults(data), *_property_faults(data.get("properties", {}))]
    graph = None
    try:
        graph = validation.read(data.get("structure") or {})
    except InvalidInput as error:
        faults += [Fault(f"structure.{f.field}", f.message) for f in error.faults]
    if faults or graph is None:
        raise _invalid(faults)
    values = dict(data.get("properties", {}))
    if "severity" in values:
        values["severity"] = Severity[values["severity"].upper()]
    values["own_label"] = data.get("label", "")
    values["description"] = data.get("description", "")
    return Document(data["internal_name"], values, graph)


def name_fault(name: Any, field: str = "internal_name") -> list[Fault]:
    """Return what is wrong with the internal name of a workflow that users make."""
    if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name):
        return []
    return [
        Fault(
            field,
            _("Name it with up to 64 letters, digits and _, beginning with a letter."),
        )
    ]


def _invalid(faults: list[Fault]) -> InvalidInput:
    return InvalidInput(_("The document has faults."), faults=faults)


def _frame_faults(data: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(str(name), _("There is no such field; remove it."))
        for name in data
        if name not in (*_PARTS, "format", "checksum", "$schema")
    ]
    if data.get("format") != FORMAT:
        faults.append(
            Fault(
                "format",
                _("This version reads documents of format %(format)s only.")
                % {"format": FORMAT},
            )
        )
    faults += name_fault(data.get("internal_name"))
    faults += [
        Fault(name, _("Give it a text."))
        for name in _TEXTS
        if not isinstance(data.get(name, ""), str)
    ]
    if "checksum" in data and data["checksum"] != checksum(data):
        faults.append(
            Fault(
                "checksum",
                _(
                    "The document was changed after its export: remove the checksum to"
                    " import it as it is now."
                ),
            )
        )
    return faults


def _property_faults(properties: Any) -> list[Fault]:
    if not isinstance(properties, Mapping):
        return [Fault("properties", _("Give an object."))]
    faults = []
    for name, value in properties.items():
        rule = PROPERTIES.get(name)
        if rule is None:
            faults.append(
                Fault(f"properties.{name}", _("There is no such property; remove it."))
            )
        elif "enum" in rule and value not in rule["enum"]:
            faults.append(
                Fault(
                    f"properties.{name}",
                    _("Use one of %(known)s.") % {"known": ", ".join(rule["enum"])},
                )
            )
        elif "type" in rule and not _is_of(value, rule["type"]):
            faults.append(
                Fault(
                    f"properties.{name}",
                    _("Give it a value of type %(type)s.") % {"type": rule["type"]},
                )
            )
    return faults


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "boolean": (bool,),
    "string": (str,),
    "array": (list,),
    "null": (type(None),),
}


def _is_of(value: Any, types: str | list[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    if isinstance(value, bool) and "boolean" not in names:
        return False
    return any(isinstance(value, _JSON_TYPES[name]) for name in names)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a document, from the activity types."""
    return {
        "$schema": SCHEMA_ID,
        "title": "Workflow",
        "description": "A workflow as manage.py workflow_structure export writes it.",
        "type": "object",
        "required": ["format", "internal_name", "structure"],
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string"},
            "format": {"const": FORMAT},
            "internal_name": {"type": "string", "pattern": NAME_PATTERN},
            "label": {"type": "string", "maxLength": 128},
            "description": {"type": "string"},
            "properties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: dict(rule) for name, rule in PROPERTIES.items()},
            },
            "structure": {
                "type": "object",
                "required": ["activities", "transitions"],
                "properties": {
                    "activities": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/activity"},
                    },
                    "transitions": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/transition"},
                    },
                },
            },
            "checksum": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        },
        "$defs": {"activity": _activity_schema(), "transition": _transition_schema()},
    }


def _activity_schema() -> dict[str, Any]:
    types = dict(sorted(activity_types().items()))
    return {
        "type": "object",
        "required": ["name", "type"],
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
            "type": {"enum": list(types)},
            "label": {"type": "string", "maxLength": 128},
            "parameters": {"type": "object"},
            "position": {"type": "object"},
            **schema_of(COMMON)["properties"],
        },
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}},
                "then": {"properties": {"parameters": activity_type.as_schema()}},
            }
            for name, activity_type in types.items()
        ],
    }


def _transition_schema() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["source", "output", "destination"],
        "additionalProperties": False,
        "properties": {"source": text, "output": text, "destination": text},
    }
