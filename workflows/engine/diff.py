"""What differs between two structures: activities, their fields, transitions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from workflows.engine.graph import Edge, Graph, Node

LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an activity; ``field`` is dotted, None stands for not given."""

    activity: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class StructureDiff:
    """What an old structure lacks, has too much, and has otherwise than a new one."""

    added: tuple[Node, ...] = ()
    removed: tuple[Node, ...] = ()
    changed: tuple[FieldChange, ...] = ()
    transitions_added: tuple[Edge, ...] = ()
    transitions_removed: tuple[Edge, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether both structures are the same."""
        return not any(
            (
                self.added,
                self.removed,
                self.changed,
                self.transitions_added,
                self.transitions_removed,
            )
        )

    @property
    def touched(self) -> frozenset[str]:
        """Return the names of the activities added or changed."""
        return frozenset(
            [node.name for node in self.added]
            + [change.activity for change in self.changed]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the difference in JSON."""
        return {
            "activities": {
                "added": [_shown(node) for node in self.added],
                "removed": [_shown(node) for node in self.removed],
                "changed": [
                    {
                        "activity": change.activity,
                        "field": change.field,
                        "before": change.before,
                        "after": change.after,
                    }
                    for change in self.changed
                ],
            },
            "transitions": {
                "added": [_way(edge) for edge in self.transitions_added],
                "removed": [_way(edge) for edge in self.transitions_removed],
            },
        }

    def as_changes(self) -> dict[str, list[Any]]:
        """Return the difference as the audit trail keeps it: field to both values."""
        changes: dict[str, list[Any]] = {
            f"{change.activity}.{change.field}": [change.before, change.after]
            for change in self.changed
        }
        if self.added or self.removed:
            changes["activities"] = [
                [node.name for node in self.removed],
                [node.name for node in self.added],
            ]
        if self.transitions_added or self.transitions_removed:
            changes["transitions"] = [
                [_arrow(edge) for edge in self.transitions_removed],
                [_arrow(edge) for edge in self.transitions_added],
            ]
        return changes

    def sentences(self) -> list[str]:
        """Return one sentence for each difference, in the reader's language."""
        return [
            *(
                _("Activity %(name)s (%(type)s) is added.")
                % {"name": node.name, "type": node.type}
                for node in self.added
            ),
            *(
                _("Activity %(name)s (%(type)s) is removed.")
                % {"name": node.name, "type": node.type}
                for node in self.removed
            ),
            *(
                _("%(activity)s: %(field)s changes from %(before)s to %(after)s.")
                % {
                    "activity": change.activity,
                    "field": change.field,
                    "before": _value(change.before),
                    "after": _value(change.after),
                }
                for change in self.changed
            ),
            *(
                _("Transition %(way)s is added.") % {"way": _arrow(edge)}
                for edge in self.transitions_added
            ),
            *(
                _("Transition %(way)s is removed.") % {"way": _arrow(edge)}
                for edge in self.transitions_removed
            ),
        ]


def compare(old: Graph, new: Graph) -> StructureDiff:
    """Return what changed from ``old`` to ``new``; the order says nothing."""
    return StructureDiff(
        added=tuple(n for n in new.nodes if n.name not in old.by_name),
        removed=tuple(n for n in old.nodes if n.name not in new.by_name),
        changed=tuple(
            change
            for node in new.nodes
            if node.name in old.by_name
            for change in _changes(old.by_name[node.name], node)
        ),
        transitions_added=tuple(e for e in new.edges if e not in set(old.edges)),
        transitions_removed=tuple(e for e in old.edges if e not in set(new.edges)),
    )


def _changes(old: Node, new: Node) -> list[FieldChange]:
    before, after = _fields(old), _fields(new)
    return [
        FieldChange(new.name, field, before.get(field), after.get(field))
        for field in sorted(before.keys() | after.keys())
        if before.get(field) != after.get(field)
    ]


def _fields(node: Node) -> dict[str, Any]:
    return _flat(
        {
            "type": node.type,
            "label": node.label,
            "parameters": node.parameters,
            **node.extras,
        }
    )


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves by dotted path; lists of plain values are leaves."""
    if isinstance(value, Mapping) and value:
        parts = list(value.items())
    elif isinstance(value, list) and any(isinstance(v, dict | list) for v in value):
        parts = [(str(index), item) for index, item in enumerate(value)]
    else:
        return {path: value}
    return {
        field: leaf
        for key, item in parts
        for field, leaf in _flat(item, f"{path}.{key}" if path else str(key)).items()
    }


def _shown(node: Node) -> dict[str, str]:
    return {"name": node.name, "type": node.type, "label": node.label}


def _way(edge: Edge) -> dict[str, str]:
    return {
        "source": edge.source,
        "output": edge.output,
        "destination": edge.destination,
    }


def _arrow(edge: Edge) -> str:
    return f"{edge.source}.{edge.output} → {edge.destination}"


def _value(value: Any) -> str:
    if value in (None, "", [], {}):
        return _("empty")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
