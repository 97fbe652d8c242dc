"""Process again: what an operator may do for events that did not get through.

An event that waits after an error is due at once. One that ended as *Delivery error*
is recycled: a new event is made of it, once, and the old one keeps its status. Every
other event is refused with the reason (about-event-processing.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaign.access.models import Operator
from campaign.deliveries.models import BroadLog, LogStatus
from campaign.messagecenter.models import BatchEvent, EventStatus, EventType, RtEvent
from campaign.messagecenter.services.event_keys import RT, EventKey, read_id
from campaign.messagecenter.services.intake import WAKE_REALTIME, month_of
from campaign.messagecenter.services.reading import MODELS
from workflows import audit
from workflows.exceptions import Fault, InvalidInput, PermissionRefused
from workflows.models import Source
from workflows.queue import wake_clock

PROCESS_AGAIN = "messagecenter.process_again"
MOST = 500
_COPIED = (
    "type",
    "event_type_id",
    "wished_channel",
    "email",
    "mobile_phone",
    "registration_token",
    "language",
    "external_id",
    "origin",
    "ctx",
    "expiration",
    "operator_id",
)
_Row = RtEvent | BatchEvent

# Why an event is refused; by status where that alone decides.
_BY_STATUS: Mapping[int, str | Promise] = {
    EventStatus.PENDING_DELIVERY: gettext_lazy("its message is at the delivery"),
    EventStatus.SENT: gettext_lazy("its message was sent"),
    EventStatus.IGNORED: gettext_lazy("its address may not be used"),
    EventStatus.NOT_COVERED: gettext_lazy(
        "no template covered it: that is final, push it again"
    ),
    EventStatus.EXPIRED: gettext_lazy("it expired: push it again if still wanted"),
    EventStatus.PAUSED: gettext_lazy("its template is paused: resume that"),
    EventStatus.TARGETING_FAILED: gettext_lazy("its target was not found"),
}
_MISSING = gettext_lazy("it does not exist any more")
_DUE = gettext_lazy("it is due already")
_SCHEDULED = gettext_lazy("its caller scheduled it for later")
_RECYCLED = gettext_lazy("it was recycled already")
_UNKNOWN = gettext_lazy(
    "the outcome is unknown: it may have been sent, ask the log of the relay"
)
_OVER = gettext_lazy("its expiration date has passed")
_UNPUBLISHED = gettext_lazy("its event type is not published")


@dataclass(frozen=True, slots=True)
class Refused:
    """Events that are left alone for one reason."""

    reason: str
    events: tuple[str, ...]

    @property
    def count(self) -> int:
        """Return how many they are."""
        return len(self.events)


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """What becomes of the chosen events, by their ids.

    ``recycled`` pairs each with the new event's id, which is "" in a preview.
    """

    hastened: tuple[str, ...]
    recycled: tuple[tuple[str, str], ...]
    refused: tuple[Refused, ...]

    @property
    def taken(self) -> int:
        """Return how many events are processed again."""
        return len(self.hastened) + len(self.recycled)

    def document(self) -> dict[str, Any]:
        """Return it as the API and the command line answer."""
        return {
            "hastened": list(self.hastened),
            "recycled": [{"id": old, "new": new} for old, new in self.recycled],
            "refused": [
                {"reason": str(refused.reason), "ids": list(refused.events)}
                for refused in self.refused
            ],
        }

    def sentences(self) -> list[str]:
        """Return in words what is done, without what is refused."""
        told = []
        if self.hastened:
            told.append(
                ngettext(
                    "%(n)s event that waits after an error is processed at once.",
                    "%(n)s events that wait after an error are processed at once.",
                    len(self.hastened),
                )
                % {"n": len(self.hastened)}
            )
        if self.recycled:
            told.append(
                ngettext(
                    "%(n)s event with a delivery error is recycled as a new event.",
                    "%(n)s events with a delivery error are recycled as new events.",
                    len(self.recycled),
                )
                % {"n": len(self.recycled)}
            )
        return told


def read_ids(ids: Iterable[str]) -> list[EventKey]:
    """Return the keys of ids such as ``rt-42``, each once.

    Raises InvalidInput naming what is no id, and for none or too many.
    """
    texts = list(dict.fromkeys(ids))
    if not 1 <= len(texts) <= MOST:
        text = _("Choose from 1 to %(most)s events.") % {"most": MOST}
        raise InvalidInput(text, faults=[Fault("ids", text)])
    found = {text: read_id(text) for text in texts}
    faults = [
        Fault("ids", _("%(id)s is no id of an event.") % {"id": text[:64]})
        for text, key in found.items()
        if key is None
    ]
    if faults:
        raise InvalidInput(_("Some of the ids are none."), faults=faults)
    return [key for key in found.values() if key is not None]


def preview_again(
    *, keys: Sequence[EventKey], acting_operator: Operator | None, at: datetime
) -> Reprocessed:
    """Return what processing the events again would do. Changes nothing."""
    _require(acting_operator, keys)
    plan = _plan(keys, at, lock=False)
    return Reprocessed(
        tuple(str(key) for key, _event in plan.hastened),
        tuple((str(key), "") for key, _event in plan.recycled),
        plan.refusals(),
    )


def process_again(
    *,
    keys: Sequence[EventKey],
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Reprocessed:
    """Process the events again as far as that is allowed; audited one by one.

    Doing it twice does nothing more: an event is recycled once, one that is due is
    left alone. Raises PermissionRefused.
    """
    _require(acting_operator, keys)
    recycled: list[tuple[str, str]] = []
    with transaction.atomic():
        plan = _plan(keys, at, lock=True)
        for key, event in plan.hastened:
            event.process_on = at
            event.last_modified = at
            event.save(update_fields=["process_on", "last_modified"])
            _record("hastened", key, event, {}, acting_operator, source, reason, at)
        for key, event in plan.recycled:
            new = EventKey(key.kind, _recycle(event, at))
            recycled.append((str(key), str(new)))
            changes = {"recycled_as": ["", str(new)]}
            _record(
                "recycled", key, event, changes, acting_operator, source, reason, at
            )
        if any(key.kind == RT for key, _event in (*plan.hastened, *plan.recycled)):
            wake_clock(WAKE_REALTIME)
    return Reprocessed(
        tuple(str(key) for key, _event in plan.hastened),
        tuple(recycled),
        plan.refusals(),
    )


class _Plan:
    def __init__(self) -> None:
        self.hastened: list[tuple[EventKey, _Row]] = []
        self.recycled: list[tuple[EventKey, _Row]] = []
        self.refused: dict[str, list[str]] = defaultdict(list)

    def refusals(self) -> tuple[Refused, ...]:
        return tuple(
            Refused(reason, tuple(ids)) for reason, ids in self.refused.items()
        )


def _plan(keys: Sequence[EventKey], at: datetime, *, lock: bool) -> _Plan:
    """Sort the events by what can be done. Four queries a queue at most."""
    plan = _Plan()
    for kind, model in MODELS.items():
        wanted = [key for key in keys if key.kind == kind]
        if not wanted:
            continue
        rows = model.objects.filter(pk__in=[key.number for key in wanted])
        if lock:
            rows = rows.select_for_update()
        found: dict[int, _Row] = {row.pk: row for row in rows.order_by("pk")}
        failed = [e for e in found.values() if e.status == EventStatus.DELIVERY_ERROR]
        facts = _facts(model, failed)
        for key in wanted:
            event = found.get(key.number)
            refusal = _MISSING if event is None else _refusal(event, facts, at)
            if refusal or event is None:
                plan.refused[str(refusal)].append(str(key))
            elif event.status == EventStatus.PENDING:
                plan.hastened.append((key, event))
            else:
                plan.recycled.append((key, event))
    return plan


@dataclass(frozen=True, slots=True)
class _Facts:
    recycled: frozenset[int | None]
    in_doubt: frozenset[int]
    published: frozenset[int]


def _facts(model: type[RtEvent | BatchEvent], failed: Sequence[_Row]) -> _Facts:
    if not failed:
        return _Facts(frozenset(), frozenset(), frozenset())
    return _Facts(
        frozenset(
            model.objects.filter(recycled_from__in=[e.pk for e in failed]).values_list(
                "recycled_from", flat=True
            )
        ),
        frozenset(
            BroadLog.objects.filter(
                pk__in=[e.broadlog_id for e in failed if e.broadlog_id],
                status=LogStatus.UNKNOWN,
            ).values_list("pk", flat=True)
        ),
        frozenset(
            EventType.objects.filter(
                pk__in={e.event_type_id for e in failed},
                publication_state=EventType.PublicationState.PUBLISHED,
            ).values_list("pk", flat=True)
        ),
    )


def _refusal(event: _Row, facts: _Facts, at: datetime) -> str | Promise:
    """Return why an event is left alone, or ""."""
    if event.status in _BY_STATUS:
        return _BY_STATUS[event.status]
    if event.expiration is not None and event.expiration <= at:
        return _OVER
    if event.status == EventStatus.PENDING:
        if event.process_on <= at:
            return _DUE
        if event.scheduled is not None and event.scheduled > at:
            return _SCHEDULED
        return ""
    if event.pk in facts.recycled:
        return _RECYCLED
    if event.broadlog_id in facts.in_doubt:
        return _UNKNOWN
    if event.event_type_id not in facts.published:
        return _UNPUBLISHED
    return ""


def _recycle(event: _Row, at: datetime) -> int:
    new = type(event).objects.create(
        **{name: getattr(event, name) for name in _COPIED},
        part_month=month_of(at),
        status=EventStatus.PENDING,
        process_on=at,
        created_at=at,
        last_modified=at,
        recycled_from=event.pk,
    )
    return new.pk


def _require(operator: Operator | None, keys: Iterable[EventKey]) -> None:
    if operator is None:
        return
    views = {f"messagecenter.view_{MODELS[k.kind]._meta.model_name}" for k in keys}
    for permission in (PROCESS_AGAIN, *sorted(views)):
        if not operator.has_perm(permission):
            raise PermissionRefused(operator=operator, permission=permission)


def _record(
    verb: str,
    key: EventKey,
    event: _Row,
    changes: Mapping[str, list[str]],
    operator: Operator | None,
    source: Source,
    reason: str,
    at: datetime,
) -> None:
    audit.record(
        action=f"messagecenter.event.{verb}",
        object_type="messagecenter.event",
        object_id=str(key),
        object_label=f"{event.type} {key}",
        changes=changes,
        acting_operator=operator,
        source=source,
        reason=reason,
        at=at,
    )
