"""What each address of the event API does, on the own and on the Standard face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaign.access.models import Scope
from campaign.messagecenter.intake_calls import Answer, Call
from campaign.messagecenter.models import BatchEvent, EventStatus, RtEvent
from campaign.messagecenter.services import intake, reading
from campaign.messagecenter.services.event_body import (
    MAX_EVENT_BYTES,
    OWN_FIELDS,
    STANDARD_FIELDS,
    NewEvent,
    read_event,
)
from campaign.messagecenter.services.event_keys import EventKey, read_id, read_pkey
from campaign.messagecenter.services.event_rules import EventRules, find_rules
from campaign.platform.personal import REVEAL
from workflows.exceptions import AppError, Fault, InvalidInput, NotFound

MAX_BATCH = 1000
MAX_BATCH_BYTES = 8 * 1024 * 1024
PROBLEM_TYPE = "application/problem+json"
PUSH = Scope.EVENT_PUSH.value
READ = Scope.EVENT_READ.value
_ITEM_FIELDS = {**OWN_FIELDS, "type": "type"}


class UnknownEventType(NotFound):
    """No event type %(type)s is published: nothing was stored."""

    code = "unknown_event_type"


class UnknownEvent(NotFound):
    """No event has this id."""

    code = "unknown_event"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A stored event; ``new`` is None when an earlier answer was found by its key."""

    key: EventKey
    new: NewEvent | None
    body: Any


def push_own(call: Call, event_type: str) -> Answer:
    """Store one event: ``POST /api/v1/events/{type}``."""
    pushed = _push(call, event_type, "own", OWN_FIELDS)
    document = reading.accepted_document(pushed.key, event_type)
    return Answer(HTTPStatus.ACCEPTED, document, {"Location": document["href"]})


def push_standard(call: Call, event_type: str) -> Answer:
    """Store one event: ``POST /{org}/campaign/mc{org}/{type}``."""
    pushed = _push(call, event_type, "standard", STANDARD_FIELDS)
    new = pushed.new
    if new is None:
        event = _found(pushed.key)
        document = _standard_of(event, EventStatus.PENDING)
    else:
        document = reading.standard_document(
            key=pushed.key,
            event_type=event_type,
            status=EventStatus.PENDING,
            ctx=pushed.body["ctx"],
            addresses={
                "email": new.email,
                "mobile_phone": new.mobile_phone,
                "registration_token": new.registration_token,
            },
            scheduled=new.scheduled,
            expiration=new.expiration,
        )
    return Answer(HTTPStatus.CREATED, document)


def push_batch(call: Call) -> Answer:
    """Store many events: ``POST /api/v1/events:batch``; one result per index."""
    principal = call.principal(PUSH)
    body = call.json(MAX_BATCH_BYTES)
    items = _batch_items(body)
    caller = call.caller(principal, "batch", body)
    if not caller.key:
        results = _push_items(items, caller)
    else:
        with transaction.atomic():
            if intake.reserve_key(caller):
                results = _push_items(items, caller)
                intake.keep_answer(caller, results)
            else:
                first = intake.find_first_answer(caller)
                if first is None or first.results is None:
                    raise intake.IdempotencyConflict
                results = first.results
    stored = sum("id" in result for result in results)
    document = {
        "stored": stored,
        "refused": len(results) - stored,
        "results": results,
    }
    return Answer(HTTPStatus.ACCEPTED, document)


def read_own(call: Call, event_id: str) -> Answer:
    """Show one event: ``GET /api/v1/events/{id}``.

    Its personal data is masked for a caller who neither pushed it nor has the right.
    """
    principal = call.principal(READ)
    key = read_id(event_id)
    if key is None:
        raise UnknownEvent
    event = _found(key)
    document = reading.own_document(event)
    is_own = event.operator_id == principal.operator_id
    if not is_own and not principal.operator().has_perm(REVEAL):
        document = reading.masked_document(document)
    return Answer(HTTPStatus.OK, document)


def read_standard(call: Call, event_type: str, pkey: str) -> Answer:
    """Show one event: ``GET /{org}/campaign/mc{org}/{type}/{PKey}``."""
    call.principal(READ)
    key = read_pkey(pkey, event_type)
    if key is None:
        raise UnknownEvent
    event = _found(key)
    return Answer(HTTPStatus.OK, _standard_of(event, event.status))


def problem(error: AppError, extra: Mapping[str, str] | None = None) -> Answer:
    """Return an error in the form of the own face (RFC 9457)."""
    return Answer(
        error.status,
        problem_document(error),
        {**_headers_of(error), **(extra or {})},
        PROBLEM_TYPE,
    )


def problem_document(error: AppError) -> dict[str, Any]:
    """Return what the own face says of an error; every fault is named."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "error_code": error.code,
    }
    if error.faults:
        document["errors"] = [
            {"field": fault.field, "message": fault.message} for fault in error.faults
        ]
    return document


def standard_error(error: AppError, extra: Mapping[str, str] | None = None) -> Answer:
    """Return an error in the form of the Standard face; every fault is named."""
    code = "RST-360011" if error.status == HTTPStatus.BAD_REQUEST else error.code
    document: dict[str, Any] = {"error_code": code, "message": error.message}
    if error.faults:
        document["details"] = [
            {"code": code, "parameter": fault.field, "message": fault.message}
            for fault in error.faults
        ]
    return Answer(error.status, document, {**_headers_of(error), **(extra or {})})


def _headers_of(error: AppError) -> dict[str, str]:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="campaign"'}
    if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"Allow": str(error.fields.get("allowed", ""))}
    return {}


def _found(key: EventKey) -> RtEvent | BatchEvent:
    event = reading.find_event(key)
    if event is None:
        raise UnknownEvent
    return event


def _standard_of(event: RtEvent | BatchEvent, status: int) -> dict[str, Any]:
    return reading.standard_document(
        key=reading.key_of(event),
        event_type=event.type,
        status=status,
        ctx=event.ctx,
        addresses={
            "email": event.email,
            "mobile_phone": event.mobile_phone,
            "registration_token": event.registration_token,
        },
        scheduled=event.scheduled,
        expiration=event.expiration,
    )


def _push(call: Call, event_type: str, face: str, fields: Mapping[str, str]) -> Pushed:
    principal = call.principal(PUSH)
    body = call.json(MAX_EVENT_BYTES)
    caller = call.caller(principal, f"{face} {event_type}", body)
    try:
        return _push_checked(event_type, body, fields, caller)
    except (UnknownEventType, InvalidInput):
        # The event type may have changed since the first request with this key.
        first = intake.find_first_answer(caller) if caller.key else None
        if first is None or first.event is None:
            raise
        return Pushed(first.event, None, body)


def _push_checked(
    event_type: str, body: Any, fields: Mapping[str, str], caller: intake.Caller
) -> Pushed:
    """Check with the rules at hand; before refusing, with those now stored."""
    for is_last in (False, True):
        rules = find_rules(event_type, fresh=is_last)
        if rules is None:
            break
        read = read_event(body, rules, fields)
        if isinstance(read, NewEvent):
            try:
                return Pushed(intake.push(read, caller), read, body)
            except intake.StaleRules:
                if is_last:
                    raise
        elif is_last:
            raise InvalidInput(_("The event has faults."), faults=read)
    raise UnknownEventType(type=event_type[:64])


def _batch_items(body: Any) -> list[Any]:
    items = body.get("events") if isinstance(body, dict) else None
    if not isinstance(items, list) or len(body) != 1:
        raise InvalidInput(
            faults=[Fault("events", _("Give an object with the list events alone."))]
        )
    if not 1 <= len(items) <= MAX_BATCH:
        text = _("Give from 1 to %(count)s events.") % {"count": MAX_BATCH}
        raise InvalidInput(faults=[Fault("events", text)])
    return items


def _push_items(items: list[Any], caller: intake.Caller) -> list[dict[str, Any]]:
    """Store the valid items; return a result for each, in their order."""
    results: dict[int, dict[str, Any]] = {}
    open_indexes: list[int] = list(range(len(items)))
    for is_last in (False, True):
        find = _fresh_finder() if is_last else find_rules
        refused: dict[int, dict[str, Any]] = {}
        events: list[tuple[int, NewEvent]] = []
        for index in open_indexes:
            try:
                events.append((index, _read_item(items[index], find)))
            except AppError as error:
                refused[index] = {"index": index, "error": problem_document(error)}
        stored = intake.push_many(events, caller) if events else {}
        for index, event in events:
            key = stored.get(index)
            if key is not None:
                accepted = reading.accepted_document(key, event.rules.event_id)
                results[index] = {"index": index, **accepted}
        open_indexes = [index for index in open_indexes if index not in results]
        if not open_indexes:
            break
    for index in open_indexes:
        results[index] = refused.get(index) or {
            "index": index,
            "error": problem_document(intake.StaleRules()),
        }
    return [results[index] for index in range(len(items))]


def _read_item(item: Any, find: Callable[[str], EventRules | None]) -> NewEvent:
    name = item.get("type") if isinstance(item, dict) else None
    if not isinstance(name, str):
        raise InvalidInput(faults=[Fault("type", _("Give the id of the event type."))])
    rules = find(name)
    if rules is None:
        raise UnknownEventType(type=name[:64])
    read = read_event(item, rules, _ITEM_FIELDS)
    if isinstance(read, NewEvent):
        return read
    raise InvalidInput(_("The event has faults."), faults=read)


def _fresh_finder() -> Callable[[str], EventRules | None]:
    """Return a finder that looks each event type up once."""
    found: dict[str, EventRules | None] = {}

    def find(name: str) -> EventRules | None:
        if name not in found:
            found[name] = find_rules(name, fresh=True)
        return found[name]

    return find
