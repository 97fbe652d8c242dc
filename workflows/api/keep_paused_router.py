"""Keeping a workflow paused until a date."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import AwareDatetime, ConfigDict

from workflows.actions import keep_paused
from workflows.api import rows
from workflows.api.bodies import require_small
from workflows.api.caller import EXECUTE, operator_with
from workflows.models import Source

router = Router(tags=["Commands"])


class KeepPausedIn(Schema):
    """Until when it is nobody's concern that the workflow is paused."""

    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime = Field(description="Within a year from now")
    reason: str = Field("", max_length=512)


class KeptPausedOut(Schema):
    """A paused workflow, and until when it is kept so."""

    internal_name: str
    state: str
    paused_at: datetime | None
    snoozed_until: datetime | None


@router.post(
    "/{internal_name}/keep-paused",
    response=KeptPausedOut,
    url_name="workflow_keep_paused",
)
def post_keep_paused(
    request: HttpRequest, internal_name: str, body: KeepPausedIn
) -> KeptPausedOut:
    """Keep a paused workflow paused until a date: no notice, no stop before it.

    Afterwards the days are counted anew. 409 when the workflow is not paused.
    """
    require_small(request)
    operator = operator_with(request, EXECUTE, permission="workflows.view")
    workflow = keep_paused(
        internal_name=rows.find_workflow(internal_name).internal_name,
        until=body.until.astimezone(UTC),
        reason=body.reason,
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
    )
    return KeptPausedOut(
        internal_name=workflow.internal_name,
        state=workflow.state,
        paused_at=workflow.paused_at,
        snoozed_until=workflow.snoozed_until,
    )
