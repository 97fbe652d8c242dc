"""Audit entries in words: stored as data, told in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.engine.calendar import Schedule, ScheduleError
from workflows.engine.schedule_text import describe
from workflows.models import AuditEntry, Workflow

ACTIONS: dict[str, str | Promise] = {
    "workflows.workflow.kept_paused": gettext_lazy("Kept paused"),
    "workflows.workflow.properties_changed": gettext_lazy("Properties changed"),
    "workflows.workflow.schedule_changed": gettext_lazy("Schedule changed"),
    "workflows.workflow.structure_changed": gettext_lazy("Structure changed"),
    "workflows.workflow.structure_restored": gettext_lazy("Structure restored"),
    "workflows.workflow.structure_reset": gettext_lazy(
        "Structure reset to the built-in one"
    ),
    "workflows.workflow.imported": gettext_lazy("Imported"),
    "workflows.workflow.created": gettext_lazy("Created"),
    "workflows.workflow.duplicated": gettext_lazy("Duplicated"),
    "workflows.workflow.deleted": gettext_lazy("Deleted"),
}
FIELDS: dict[str, str | Promise] = {
    "schedule": gettext_lazy("Schedule"),
    "version": gettext_lazy("Structure version"),
    "activities": gettext_lazy("Activities"),
    "transitions": gettext_lazy("Transitions"),
    "copy_of": gettext_lazy("Copy of"),
}
LONGEST = 160


@dataclass(frozen=True, slots=True)
class Line:
    """One field before and after."""

    label: str
    before: str
    after: str


def told(entry: AuditEntry) -> str:
    """Return what was done; the code itself for one unknown here."""
    return str(ACTIONS.get(entry.action, entry.action))


def lines(entry: AuditEntry) -> list[Line]:
    """Return the changed fields with their values in words."""
    return [
        Line(_field(name), _value(name, pair[0]), _value(name, pair[1]))
        for name, pair in entry.changes.items()
        if isinstance(pair, list) and len(pair) == 2
    ]


def _field(name: str) -> str:
    if name in FIELDS:
        return str(FIELDS[name])
    try:
        field = Workflow._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    return str(getattr(field, "verbose_name", name))


def _value(name: str, value: Any) -> str:
    if value in (None, "", []):
        return _("empty")
    if name == "schedule" and isinstance(value, Mapping):
        try:
            return describe(Schedule.parse(value))
        except ScheduleError:
            return json.dumps(value)[:LONGEST]
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    try:
        field = Workflow._meta.get_field(name)
    except FieldDoesNotExist:
        return str(value)[:LONGEST]
    choices = dict(getattr(field, "flatchoices", ()))
    return str(choices.get(value, value))[:LONGEST]
