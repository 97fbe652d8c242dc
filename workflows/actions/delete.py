"""Deleting a workflow with its history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workflows import audit, registry
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.actions.rehearsal import COUNTED, EffectLine, Effects
from workflows.actions.structure import AT_REST, require_version
from workflows.engine import deletion, surroundings
from workflows.engine.states import accepted_commands
from workflows.exceptions import AppError, CommandRefused
from workflows.models import Run, Source, State, Workflow


class StillNeeded(AppError):
    """The workflow %(name)s cannot be deleted."""

    code = "still_needed"
    status = 409


def delete_workflow(
    *,
    internal_name: str,
    expected_version: int | None,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> None:
    """Delete a workflow that is being edited or finished, with all its history.

    The name is free at once; a worker deletes the history, which may be millions of
    rows, afterwards. The audit trail stays. Raises NotFound, PermissionRefused,
    StaleVersion, CommandRefused in any other state, and StillNeeded for a workflow
    that a package brings, that others call, or whose structure runs of others show.
    """
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        rights.require(acting_operator, rights.EDIT_STRUCTURE)
        require_version(workflow, expected_version)
        if workflow.state not in AT_REST:
            raise CommandRefused(
                _(
                    "A workflow in the state %(state)s cannot be deleted: stop it"
                    " first."
                ),
                command="delete",
                state=workflow.state,
                allowed=[name.value for name in accepted_commands(workflow.state)],
            )
        _require_unneeded(workflow)
        version = workflow.structure.number if workflow.structure else 0
        audit.record(
            action="workflows.workflow.deleted",
            object_type="workflows.workflow",
            object_id=workflow.internal_name,
            object_label=workflow.label,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={"version": [version, None]},
            reason=reason,
        )
        deletion.mark(workflow)


def preview_deletion(*, internal_name: str, **order: Any) -> Effects:
    """Return what deleting would do; raises whatever it raises. Changes nothing."""
    with transaction.atomic():
        workflow = lock_workflow(internal_name)
        lines = tuple(_lost(workflow))
        state = State(workflow.state)
        delete_workflow(internal_name=internal_name, **order)
        transaction.set_rollback(True)
    return Effects(state, state, lines)


def _lost(workflow: Workflow) -> Iterator[EffectLine]:
    yield EffectLine(
        "deleted",
        gettext_noop(
            "%(name)s is deleted for good, with its %(versions)s structure versions;"
            " the audit trail stays."
        ),
        {"name": workflow.internal_name, "versions": workflow.versions.count()},
    )
    runs = workflow.runs.all()[:COUNTED].count()
    yield EffectLine(
        "history_deleted",
        gettext_noop("%(count)s runs go with it, with their tasks and journal lines."),
        {"count": f"> {COUNTED - 1}" if runs >= COUNTED else runs},
    )


def _require_unneeded(workflow: Workflow) -> None:
    name = workflow.internal_name
    if name in registry.declarations():
        raise StillNeeded(
            _(
                "%(name)s belongs to the package %(package)s, which would bring it"
                " back: keep it stopped, or remove the package."
            ),
            name=name,
            package=registry.package_label(workflow.package),
        )
    if callers := surroundings.callers_of(name):
        raise StillNeeded(
            _("%(name)s is called by %(callers)s: change those first."),
            name=name,
            callers=", ".join(callers),
        )
    shown = (
        Run.objects.filter(structure__workflow=workflow)
        .exclude(workflow=workflow)
        .values_list("workflow__internal_name", flat=True)
    )
    if callers := sorted(set(shown[:100])):
        raise StillNeeded(
            _(
                "Past runs of %(callers)s show its structure: purge their history"
                " first."
            ),
            name=name,
            callers=", ".join(callers),
        )
