"""Freezing and thawing the whole instance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from workflows import audit, queue
from workflows.actions import rights
from workflows.engine import freezing
from workflows.exceptions import Fault, InvalidInput, StaleState
from workflows.models import Freeze, Source


def freeze_instance(
    *,
    reason: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    until: datetime | None = None,
) -> Freeze:
    """Hold all workflows: nothing begins, what runs goes on to its end.

    Each workflow keeps its own state. Raises PermissionRefused, InvalidInput for a
    missing reason or an ``until`` that is past, StaleState when frozen already.
    """
    rights.require(acting_operator, rights.FREEZE)
    faults = []
    if not reason.strip():
        faults.append(Fault("reason", _("Say why, for those who find it frozen.")))
    if until is not None and until <= at:
        faults.append(Fault("until", _("Give an instant that is still to come.")))
    if faults:
        raise InvalidInput(_("The freeze has faults."), faults=faults)
    author = acting_operator.get_username() if acting_operator else source.value
    try:
        with transaction.atomic():
            freeze = Freeze.objects.create(
                reason=reason[:512],
                author=author,
                source=source,
                started_at=at,
                until=until,
            )
            _record("frozen", freeze, acting_operator, source, at)
            queue.wake_clock()
    except IntegrityError as error:
        raise StaleState(state="frozen", expected="running") from error
    return freeze


def thaw_instance(*, acting_operator: Any, source: Source, at: datetime) -> Freeze:
    """End the freeze; passed instants follow each schedule's policy for a resume.

    Raises PermissionRefused, and StaleState when the instance is not frozen.
    """
    rights.require(acting_operator, rights.FREEZE)
    with transaction.atomic():
        freeze = Freeze.objects.select_for_update().filter(ended_at=None).first()
        if freeze is None:
            raise StaleState(state="running", expected="frozen")
        author = acting_operator.get_username() if acting_operator else source.value
        freezing.thaw(freeze, at=at, author=author)
        _record("thawed", freeze, acting_operator, source, at)
    return freeze


def _record(
    verb: str, freeze: Freeze, operator: Any, source: Source, at: datetime
) -> None:
    audit.record(
        action=f"workflows.instance.{verb}",
        object_type="workflows.freeze",
        object_id=freeze.pk,
        acting_operator=operator,
        source=source,
        at=at,
        changes={"frozen": [verb != "frozen", verb == "frozen"]},
        reason=freeze.reason,
    )
