"""A freeze of the whole instance."""

from __future__ import annotations

from datetime import UTC

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from workflows.actions import freeze_instance, thaw_instance
from workflows.api.bodies import require_small
from workflows.api.caller import EXECUTE, operator_with, reader
from workflows.api.state_schemas import DrainOut, FreezeIn, FreezeOut
from workflows.engine import freezing
from workflows.models import Freeze, Source

router = Router(tags=["Supervision"])
ADDRESS = "/instance/freeze"


@router.get(ADDRESS, response=FreezeOut, url_name="freeze")
def show_freeze(request: HttpRequest) -> FreezeOut:
    """Tell whether the instance is frozen, and how far it has come to rest."""
    reader(request)
    freeze = freezing.current()
    return _freeze_out(freeze) if freeze else FreezeOut(is_frozen=False)


@router.post(ADDRESS, response={201: FreezeOut}, url_name="freeze")
def post_freeze(request: HttpRequest, body: FreezeIn) -> Status[FreezeOut]:
    """Freeze the instance: nothing begins, what runs goes on to its end.

    Each workflow keeps its own state. 409 when it is frozen already.
    """
    require_small(request)
    operator = operator_with(request, EXECUTE, permission="workflows.view")
    freeze = freeze_instance(
        reason=body.reason,
        until=body.until.astimezone(UTC) if body.until else None,
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
    )
    return Status(201, _freeze_out(freeze))


@router.delete(ADDRESS, response=FreezeOut, url_name="freeze")
def delete_freeze(request: HttpRequest) -> FreezeOut:
    """End the freeze; passed instants follow each schedule's policy for a resume.

    409 when the instance is not frozen.
    """
    operator = operator_with(request, EXECUTE, permission="workflows.view")
    return _freeze_out(
        thaw_instance(acting_operator=operator, source=Source.API, at=timezone.now())
    )


def _freeze_out(freeze: Freeze) -> FreezeOut:
    is_frozen = freeze.ended_at is None
    return FreezeOut(
        is_frozen=is_frozen,
        reason=freeze.reason,
        author=freeze.author,
        source=freeze.source,
        started_at=freeze.started_at,
        until=freeze.until,
        ended_at=freeze.ended_at,
        ended_by=freeze.ended_by,
        progress=_progress() if is_frozen else None,
    )


def _progress() -> DrainOut:
    found = freezing.progress(timezone.now())
    return DrainOut(
        running=found.running,
        queued=found.queued,
        due=found.due,
        is_drained=found.is_drained,
    )
