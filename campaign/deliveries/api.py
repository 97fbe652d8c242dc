"""Deliveries and delivery logs over HTTP, for reading."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from campaign.deliveries.models import BroadLog, Delivery, DeliveryState, LogStatus
from campaign.deliveries.services import steering
from campaign.platform.personal import REVEAL, mask_address, mask_text
from workflows.api.caller import EXECUTE, operator_with
from workflows.api.paging import keyset
from workflows.exceptions import Fault, InvalidInput, NotFound
from workflows.models import Source

router = Router(tags=["Deliveries"])
SCOPE = "event:read"


class DeliveryOut(Schema):
    """A delivery; ``state`` is its number, ``state_label`` its name."""

    id: int
    internal_name: str
    label: str
    channel: int
    execution_type: int
    state: int
    state_label: str
    part_month: date
    contact_date: datetime | None
    created_at: datetime
    modified_at: datetime


class LogOut(Schema):
    """A delivery log: one message to one target."""

    id: int
    delivery_id: int
    target_type: int
    target_id: int
    channel: int
    address: str
    status: int
    status_label: str
    failure_type: int
    failure_reason: int
    event_at: datetime
    valid_until: datetime
    attempt_at: datetime | None
    send_count: int
    next_retry_at: datetime | None
    message_id: str
    smtp_reply: str
    bytes: int
    language: str
    created_at: datetime
    last_modified: datetime


class DeliveryPage(Schema):
    items: list[DeliveryOut]
    next: str | None


class LogPage(Schema):
    items: list[LogOut]
    next: str | None


@router.get("/deliveries", response=DeliveryPage, url_name="delivery_list")
def list_deliveries(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
    state: int | None = None,
    channel: int | None = None,
    execution_type: int | None = None,
) -> dict[str, Any]:
    """List the deliveries, newest first; execution type 2 are technical ones."""
    operator_with(request, SCOPE, permission="deliveries.view_delivery")
    found = Delivery.objects.all()
    wanted = {"state": state, "channel": channel, "execution_type": execution_type}
    found = found.filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    page = keyset(found, limit=limit, cursor=cursor)
    return {"items": [_delivery_out(d) for d in page.items], "next": page.next}


@router.get(
    "/deliveries/{int:number}", response=DeliveryOut, url_name="delivery_detail"
)
def show_delivery(request: HttpRequest, number: int) -> DeliveryOut:
    """Show a delivery."""
    operator_with(request, SCOPE, permission="deliveries.view_delivery")
    delivery = Delivery.objects.filter(pk=number).first()
    if delivery is None:
        raise NotFound(_("There is no delivery %(number)s."), number=number)
    return _delivery_out(delivery)


class SteerIn(Schema):
    """Why, and the state that the caller saw; both may be left out."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"reason": "wrong subject", "expected_state": 55}]
        }
    }

    reason: str = Field("", max_length=512)
    expected_state: int | None = None


class SteerOut(Schema):
    """The delivery after the order; ``noop`` when it was so already.

    With ``preview=1`` the state it would have, ``effects`` in words, or ``refusal``.
    """

    id: int
    state: int
    state_label: str
    noop: bool = False
    effects: list[str] = []
    refusal: str = ""


@router.post(
    "/deliveries/{int:number}/{verb}", response=SteerOut, url_name="delivery_steer"
)
def steer(
    request: HttpRequest,
    number: int,
    verb: Literal["pause", "resume", "stop"],
    body: SteerIn,
    preview: bool = False,
) -> SteerOut:
    """Pause, resume or stop a delivery; its waiting messages follow.

    Doing it twice changes nothing. 409 when the state does not allow it or is not the
    expected one. With ``preview=1`` nothing is changed. The scope is workflow:execute,
    the right deliveries.operate_delivery.
    """
    operator: Any = operator_with(request, EXECUTE, permission=steering.OPERATE)
    if preview:
        told = steering.preview_steering(
            delivery_id=number, verb=verb, acting_operator=operator
        )
        return SteerOut(
            id=number,
            state=told.state_after,
            state_label=DeliveryState(told.state_after).name.lower(),
            noop=told.noop,
            effects=list(told.effects),
            refusal=told.refusal,
        )
    done = steering.steer_delivery(
        delivery_id=number,
        verb=verb,
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
        reason=body.reason,
        expected_state=body.expected_state,
    )
    return steered_document(done)


def steered_document(done: steering.Steered) -> SteerOut:
    """Return what the API and the command line answer."""
    state = DeliveryState(done.delivery.state)
    return SteerOut(
        id=done.delivery.pk,
        state=state,
        state_label=state.name.lower(),
        noop=done.noop,
    )


@router.get("/logs", response=LogPage, url_name="delivery_log_list")
def list_logs(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
    delivery_id: int | None = None,
    status: int | None = None,
    target_type: int | None = None,
    target_id: int | None = None,
) -> dict[str, Any]:
    """List the delivery logs, newest first.

    ``status`` narrows the logs of one delivery, ``target_type`` those of one
    ``target_id``: each needs the other to stay quick however many logs there are.
    Addresses are masked for a caller without the right
    deliveries.reveal_personal_data.
    """
    operator = operator_with(request, SCOPE, permission="deliveries.view_broadlog")
    _check_filters(delivery_id, status, target_type, target_id)
    wanted = {
        "delivery_id": delivery_id,
        "status": status,
        "target_type": target_type,
        "target_id": target_id,
    }
    found = BroadLog.objects.filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    page = keyset(found.defer("context"), limit=limit, cursor=cursor)
    is_open = operator.has_perm(REVEAL)
    items = [_log_out(log, is_open=is_open) for log in page.items]
    return {"items": items, "next": page.next}


@router.get("/logs/{int:number}", response=LogOut, url_name="delivery_log_detail")
def show_log(request: HttpRequest, number: int) -> LogOut:
    """Show a delivery log."""
    operator = operator_with(request, SCOPE, permission="deliveries.view_broadlog")
    log = BroadLog.objects.defer("context").filter(pk=number).first()
    if log is None:
        raise NotFound(_("There is no delivery log %(number)s."), number=number)
    return _log_out(log, is_open=operator.has_perm(REVEAL))


def _check_filters(
    delivery_id: int | None,
    status: int | None,
    target_type: int | None,
    target_id: int | None,
) -> None:
    faults = []
    if status is not None and status not in LogStatus.values:
        known = ", ".join(str(value) for value in LogStatus.values)
        faults.append(Fault("status", _("Use one of %(known)s.") % {"known": known}))
    if status is not None and delivery_id is None:
        faults.append(Fault("delivery_id", _("Name the delivery whose logs you want.")))
    if target_id is not None and target_type is None:
        faults.append(Fault("target_type", _("Name the type of the target.")))
    if target_type is not None and target_id is None:
        faults.append(Fault("target_id", _("Name the target.")))
    if faults:
        raise InvalidInput(_("The filters have faults."), faults=faults)


def _delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        **{
            name: getattr(delivery, name)
            for name in DeliveryOut.model_fields
            if name != "state_label"
        },
        state_label=delivery.get_state_display(),
    )


def _log_out(log: BroadLog, *, is_open: bool) -> LogOut:
    if not is_open:  # a copy for this answer; it is never saved
        log.address = mask_address(log.address)
        log.smtp_reply = mask_text(log.smtp_reply)
    return LogOut(
        **{
            name: getattr(log, name)
            for name in LogOut.model_fields
            if name != "status_label"
        },
        status_label=log.get_status_display(),
    )
