"""Finding the workflow that an order is about, and holding it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from workflows.exceptions import NotFound
from workflows.models import Workflow


def lock_workflow(internal_name: str) -> Workflow:
    """Return the workflow, its row locked until the transaction ends.

    Raises NotFound, for one that is being deleted too.
    """
    workflow = (
        Workflow.objects.visible()
        .select_for_update(of=("self",))
        .select_related("structure")
        .filter(internal_name=internal_name)
        .first()
    )
    if workflow is None:
        raise NotFound(
            _("There is no workflow %(name)s; see the list of technical workflows."),
            name=internal_name,
        )
    return workflow
