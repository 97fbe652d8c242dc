"""Workflows drawn by hand, from activities and ways between them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.workflows.samples import START
from workflows.actions import create_workflow, issue_command, save_structure
from workflows.models import Source, Workflow


def draw(
    activities: dict[str, Any], ways: str, *, name: str = "drawn", **properties: Any
) -> Workflow:
    """Return a workflow being edited.

    ``activities`` maps a name to a type, or to a type and its parameters, or to these
    and the common options; ``ways`` is like ``start.ok>end``, separated by spaces.
    """
    create_workflow(
        internal_name=name, acting_operator=None, source=Source.CLI, at=START
    )
    redraw(activities, ways, name=name)
    Workflow.objects.filter(internal_name=name).update(**properties)
    return Workflow.objects.get(internal_name=name)


def redraw(
    activities: dict[str, Any], ways: str, *, name: str = "drawn", at: datetime = START
) -> None:
    """Give a workflow another structure."""
    save_structure(
        internal_name=name,
        graph=structure(activities, ways),
        expected_version=None,
        acting_operator=None,
        source=Source.CLI,
        at=at,
    )


def structure(activities: dict[str, Any], ways: str) -> dict[str, Any]:
    """Return the JSON of a structure."""
    return {
        "activities": [
            _activity(name, given if isinstance(given, tuple) else (given,))
            for name, given in activities.items()
        ],
        "transitions": [_way(text) for text in ways.split()],
    }


def _activity(name: str, given: tuple[Any, ...]) -> dict[str, Any]:
    kind, parameters, options = (*given, {}, {})[:3]
    return {
        "name": name,
        "type": kind,
        "label": name,
        "parameters": parameters,
        **options,
    }


def _way(text: str) -> dict[str, str]:
    source, destination = text.split(">")
    activity, output = source.split(".")
    return {"source": activity, "output": output, "destination": destination}


def command(
    verb: str, *, name: str = "drawn", at: datetime = START, **more: Any
) -> Workflow:
    """Order something; return the workflow after it."""
    return issue_command(
        internal_name=name,
        name=verb,
        acting_operator=None,
        source=Source.CLI,
        at=at,
        **more,
    ).workflow


def lines(workflow: Workflow) -> list[str]:
    """Return the journal, oldest line first."""
    return [entry.text for entry in workflow.journal.order_by("id")]


def passed(workflow: Workflow) -> list[str]:
    """Return the activities that were completed, in their order."""
    done = workflow.tasks.filter(status="completed").order_by("completed_at", "id")
    return list(done.values_list("activity", flat=True))
