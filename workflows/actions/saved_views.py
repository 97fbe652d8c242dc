"""Views of a list that operators keep: for themselves, or for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from workflows import audit
from workflows.exceptions import Fault, InvalidInput, NotFound, PermissionRefused
from workflows.models import SavedView, Source

#: So many views one operator keeps of one list.
MOST = 50
_OBJECT = "workflows.saved_view"
LABEL_LENGTH, QUERY_LENGTH = 64, 1_024


def visible_views(operator: Any, listing: str) -> QuerySet[SavedView]:
    """Return the operator's views of a list and those that others share."""
    return (
        SavedView.objects.filter(listing=listing)
        .filter(Q(owner=operator) | Q(is_shared=True))
        .select_related("owner")
        .order_by("label", "pk")
    )


def save_view(
    *,
    listing: str,
    label: str,
    query: str,
    is_shared: bool,
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> SavedView:
    """Keep a list under a name; the operator's own view of that name is replaced.

    Raises InvalidInput for a name that is empty or too long, a query that is too
    long, and when the operator has MOST views of that list.
    """
    name = label.strip()
    faults = []
    if not 0 < len(name) <= LABEL_LENGTH:
        faults.append(
            Fault(
                "label",
                _("Give the view a name of 1 to %(most)s characters.")
                % {"most": LABEL_LENGTH},
            )
        )
    if len(query) > QUERY_LENGTH:
        faults.append(Fault("query", _("These filters are too long to be kept.")))
    with transaction.atomic():
        mine = SavedView.objects.select_for_update().filter(
            owner=acting_operator, listing=listing
        )
        present = mine.filter(label=name).first()
        if present is None and mine.count() >= MOST:
            faults.append(
                Fault(
                    "label",
                    _("You keep %(most)s views of this list: delete one first.")
                    % {"most": MOST},
                )
            )
        if faults:
            raise InvalidInput(_("The view cannot be kept."), faults=faults)
        before = _shown(present) if present else {}
        view = present or SavedView(
            owner=acting_operator, listing=listing, label=name, created_at=at
        )
        view.query, view.is_shared = query, is_shared
        view.save()
        audit.record(
            action="workflows.saved_view.saved",
            object_type=_OBJECT,
            object_id=view.pk,
            object_label=name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes=audit.changed(before, _shown(view)),
        )
    return view


def delete_view(
    *, number: int, acting_operator: Any, source: Source, at: datetime
) -> SavedView:
    """Delete one's own view; an administrator may delete shared ones of others.

    Raises NotFound for a view that the operator cannot see, and PermissionRefused.
    """
    with transaction.atomic():
        view = (
            SavedView.objects.select_for_update(of=("self",))
            .filter(Q(owner=acting_operator) | Q(is_shared=True), pk=number)
            .first()
        )
        if view is None:
            raise NotFound(_("There is no saved view %(number)s."), number=number)
        if view.owner_id != acting_operator.pk and not acting_operator.is_superuser:
            raise PermissionRefused(
                _("Only %(owner)s or an administrator may delete this view."),
                owner=view.owner.get_username(),
            )
        audit.record(
            action="workflows.saved_view.deleted",
            object_type=_OBJECT,
            object_id=number,
            object_label=view.label,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes=audit.changed(_shown(view), {}),
        )
        view.delete()
    return view


def _shown(view: SavedView) -> dict[str, Any]:
    return {"query": view.query, "is_shared": view.is_shared}
