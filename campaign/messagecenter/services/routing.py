"""From event to message: the routing of due events, a batch per transaction.

The rows themselves stay in the database: what comes here of an event is its key and
what decides its way; logs are written by one statement for the whole batch.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from campaign.deliveries.models import Lane
from campaign.deliveries.services.sending import wake_senders
from campaign.messagecenter.models import EventStatus, MessageTemplate
from campaign.messagecenter.services import locks, routing_statements
from campaign.messagecenter.services.executions import (
    Execution,
    find_executions,
    make_execution,
)
from campaign.messagecenter.services.options import BATCH_SIZE, MAX_TRIES
from workflows.exceptions import AppError
from workflows.registry import Again, Done, Result, RunContext

logger = logging.getLogger(__name__)

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
EXPIRED = gettext_noop("The expiration date passed before the event was processed.")
TRIES_USED_UP = gettext_noop("Processing failed too often: the event is void.")
UNKNOWN_TYPE = gettext_noop("The event type does not exist any more.")
NO_TEMPLATE = gettext_noop(
    "No message template is published for this type and channel."
)
ON_HOLD = gettext_noop("The message template is paused; the event waits for it.")
NOT_STORED = gettext_noop("The message could not be written to the delivery logs.")


@dataclass(frozen=True, slots=True)
class Due:
    """What decides the way of a due event."""

    id: int
    event_type_id: int | None
    channel: int
    error_count: int
    is_expired: bool
    has_address: bool


@dataclass(frozen=True, slots=True)
class Route:
    """The template of an event type and channel."""

    template_id: int
    version_id: int
    is_paused: bool


@dataclass(slots=True)
class Routed:
    """What became of a batch; ``read`` is their sum."""

    read: int = 0
    routed: int = 0
    excluded: int = 0
    expired: int = 0
    paused: int = 0
    not_covered: int = 0
    deferred: int = 0

    def add(self, other: Routed) -> None:
        """Add the figures of another batch."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class _Plan:
    """Where each event of a batch goes."""

    messages: dict[Execution, list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    exclusions: dict[Execution, list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    closed: dict[tuple[EventStatus, str], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    failed: dict[str, list[Due]] = field(default_factory=lambda: defaultdict(list))

    def figures(self) -> Routed:
        by_status: dict[EventStatus, int] = defaultdict(int)
        for (status, _reason), ids in self.closed.items():
            by_status[status] += len(ids)
        figures = Routed(
            routed=sum(map(len, self.messages.values())),
            excluded=sum(map(len, self.exclusions.values())),
            expired=by_status[EventStatus.EXPIRED],
            paused=by_status[EventStatus.PAUSED],
            not_covered=by_status[EventStatus.NOT_COVERED],
            deferred=sum(map(len, self.failed.values())),
        )
        figures.read = sum(getattr(figures, name) for name in Routed.__slots__)
        return figures


def drain(run: RunContext, kind: str) -> Result:
    """Route due events of a kind until none is left or the run's time is up."""
    total = Routed()
    limit = BATCH_SIZE.get()
    while True:
        run.checkpoint()
        if run.seconds_left <= 0:
            return Again(
                count=total.routed,
                read=total.read,
                written=total.routed,
                rejected=_rejected(total),
            )
        routed = route_batch(kind=kind, at=timezone.now(), limit=limit)
        if routed.read == 0:
            break
        total.add(routed)
    if total.not_covered:
        run.warning(
            gettext_noop("%(count)s events are covered by no message template."),
            count=total.not_covered,
        )
    if total.deferred:
        run.warning(
            gettext_noop("%(count)s events could not be processed; they wait."),
            count=total.deferred,
        )
    return Done(
        count=total.routed,
        read=total.read,
        written=total.routed,
        rejected=_rejected(total),
        is_idle=total.read == 0,
    )


def route_batch(*, kind: str, at: datetime, limit: int) -> Routed:
    """Route up to ``limit`` due events in one transaction.

    When the database refuses the batch, each of its events is routed by itself, so
    that the one at fault is put off and the others go their way. Safe to run twice
    and beside itself.
    """
    try:
        with transaction.atomic():
            return _route(kind, at, limit)
    except OperationalError:
        raise
    except DatabaseError:
        logger.exception("A batch of events could not be routed at once")
    total = Routed()
    for event_id in routing_statements.due_ids(kind, at, limit):
        total.add(_route_alone(kind, at, event_id))
    return total


def _route_alone(kind: str, at: datetime, event_id: int) -> Routed:
    try:
        with transaction.atomic():
            return _route(kind, at, 1, only=event_id)
    except OperationalError:
        raise
    except DatabaseError:
        logger.exception("Event %s-%s could not be routed", kind, event_id)
    plan = _Plan()
    with transaction.atomic():
        for due in _claim(kind, at, 1, only=event_id):
            _put_off(plan, due, NOT_STORED, MAX_TRIES.get())
        _write(kind, at, plan)
    return plan.figures()


def _route(kind: str, at: datetime, limit: int, *, only: int | None = None) -> Routed:
    locks.hold_templates_shared()
    due = _claim(kind, at, limit, only=only)
    if not due:
        return Routed()
    plan = _Plan()
    to_send: dict[Route, list[Due]] = defaultdict(list)
    routes = _find_routes(due)
    for event in due:
        route = routes.get((event.event_type_id or 0, event.channel))
        verdict = _verdict(event, route)
        if verdict is not None:
            plan.closed[verdict].append(event.id)
        elif route is not None:
            to_send[route].append(event)
    _assign(plan, to_send, at)
    _write(kind, at, plan)
    routing_statements.note_last_event(
        {event.event_type_id for event in due if event.event_type_id}, at
    )
    if plan.messages:
        wake_senders(Lane.TRANSACTIONAL)
    return plan.figures()


def _claim(
    kind: str, at: datetime, limit: int, *, only: int | None = None
) -> Sequence[Due]:
    return [Due(*row) for row in routing_statements.claim(kind, at, limit, only=only)]


def _verdict(event: Due, route: Route | None) -> tuple[EventStatus, str] | None:
    """Return the status that ends or stops the way of the event here, and why."""
    if event.is_expired:
        return EventStatus.EXPIRED, EXPIRED
    if event.event_type_id is None:
        return EventStatus.NOT_COVERED, UNKNOWN_TYPE
    if route is None:
        return EventStatus.NOT_COVERED, NO_TEMPLATE
    if route.is_paused:
        return EventStatus.PAUSED, ON_HOLD
    return None


def _find_routes(due: Iterable[Due]) -> Mapping[tuple[int, int], Route]:
    """Return the template of each type and channel. One query.

    The one published last wins; one that is published wins over one on hold.
    """
    state = MessageTemplate.PublicationState
    rows = (
        MessageTemplate.objects.filter(
            event_type__in={event.event_type_id for event in due},
            publication_state__in=(state.PUBLISHED, state.PAUSED),
            published_version__isnull=False,
        )
        .order_by("published_at", "pk")
        .values_list(
            "event_type_id",
            "channel",
            "pk",
            "published_version_id",
            "publication_state",
        )
    )
    routes: dict[tuple[int, int], Route] = {}
    for type_id, channel, template_id, version_id, publication in rows:
        is_paused = publication == state.PAUSED
        present = routes.get((type_id, channel))
        if present is None or present.is_paused or not is_paused:
            routes[type_id, channel] = Route(template_id, version_id, is_paused)
    return routes


def _assign(plan: _Plan, to_send: Mapping[Route, Sequence[Due]], at: datetime) -> None:
    """Give each event its execution delivery; put off those that can have none now."""
    executions = find_executions({route.version_id for route in to_send}, at)
    for route, events in to_send.items():
        try:
            execution = executions.get(route.version_id) or _make(route, at)
        except AppError as error:
            most = MAX_TRIES.get()
            for event in events:
                _put_off(plan, event, error.message, most)
            continue
        for event in events:
            places = plan.messages if event.has_address else plan.exclusions
            places[execution].append(event.id)


def _make(route: Route, at: datetime) -> Execution:
    with transaction.atomic():
        return make_execution(route.template_id, at)


def _put_off(plan: _Plan, event: Due, reason: str, most: int) -> None:
    if event.error_count >= most:
        plan.closed[EventStatus.EXPIRED, TRIES_USED_UP].append(event.id)
    else:
        plan.failed[reason].append(event)


def _write(kind: str, at: datetime, plan: _Plan) -> None:
    if plan.messages:
        routing_statements.write_messages(kind, at, plan.messages)
    if plan.exclusions:
        routing_statements.write_exclusions(kind, at, plan.exclusions)
    for (status, reason), ids in plan.closed.items():
        routing_statements.set_status(kind, at, ids, status, reason)
    for reason, events in plan.failed.items():
        pauses = [
            BACK_OFF[min(event.error_count, len(BACK_OFF) - 1)] for event in events
        ]
        routing_statements.put_off(
            kind, at, [event.id for event in events], pauses, reason
        )


def _rejected(total: Routed) -> int:
    return total.read - total.routed
