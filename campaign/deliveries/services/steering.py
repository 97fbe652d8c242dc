"""Pause, resume and stop a delivery; senders ask its state with every claim.

*Paused*: what is on its way ends, everything else waits; messages that a sender meets
meanwhile are put aside (*Prepared*). *Stopped*: what was not sent never will be. The
state changes there and then; the messages follow in the queue, a thousand a
transaction, and a delivery of any size is steered as quickly as a small one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaign.access.models import Operator
from campaign.deliveries.models import (
    BroadLog,
    Delivery,
    DeliveryState,
    Lane,
    LogStatus,
)
from campaign.deliveries.services.lanes import queue_of
from campaign.deliveries.services.sending import wake_senders
from campaign.deliveries.services.states import hold_states_alone
from workflows import audit, queue
from workflows.exceptions import (
    AppError,
    NotFound,
    PermissionRefused,
    StaleState,
)
from workflows.models import Source

OPERATE = "deliveries.operate_delivery"
RELEASE = "campaign.deliveries.services.steering.release_waiting"
PAUSE, RESUME, STOP = "pause", "resume", "stop"
VERBS = (PAUSE, RESUME, STOP)
#: Messages that a preview counts at most of each status.
COUNTED = 10_000
_STEP = 1_000

_State = DeliveryState
# Verb -> the states in which it is possible, and the state that it leads to.
_MOVES: dict[str, tuple[frozenset[int], int]] = {
    PAUSE: (frozenset({_State.IN_PROGRESS}), _State.PAUSED),
    RESUME: (frozenset({_State.PAUSED}), _State.IN_PROGRESS),
    STOP: (
        frozenset({_State.READY, _State.IN_PROGRESS, _State.PAUSED}),
        _State.STOPPED,
    ),
}
_PAST = {PAUSE: "paused", RESUME: "resumed", STOP: "stopped"}


class DeliveryRefused(AppError):
    """This is not possible while the delivery is in the state %(state)s."""

    code = "delivery_refused"
    status = 409


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages of a delivery that a change of state concerns, each up to a cap."""

    waiting: int
    retried: int
    sending: int

    @property
    def is_bounded(self) -> bool:
        """Return whether a count reached the cap."""
        return max(self.waiting, self.retried, self.sending) >= COUNTED


@dataclass(frozen=True, slots=True)
class Preview:
    """What a verb would do; ``refusal`` when it is not possible."""

    delivery: Delivery
    verb: str
    state_after: int
    counts: Counts
    effects: tuple[str, ...]
    refusal: str = ""
    noop: bool = False


@dataclass(frozen=True, slots=True)
class Steered:
    """A delivery after the order; ``noop`` when it was so already."""

    delivery: Delivery
    noop: bool


def possible(delivery: Delivery) -> tuple[str, ...]:
    """Return the verbs that the state of the delivery allows. No SQL."""
    return tuple(verb for verb in VERBS if delivery.state in _MOVES[verb][0])


def steer_delivery(
    *,
    delivery_id: int,
    verb: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
    reason: str = "",
    expected_state: int | None = None,
) -> Steered:
    """Pause, resume or stop a delivery, and have its messages follow.

    Doing it twice changes nothing. Raises NotFound, PermissionRefused, StaleState when
    the reader saw another state, and DeliveryRefused.
    """
    require_right(acting_operator)
    sources, aim = _MOVES[verb]
    with transaction.atomic():
        hold_states_alone()
        delivery = _find(delivery_id, lock=True)
        before = delivery.state
        if before == aim:
            return Steered(delivery, noop=True)
        if expected_state is not None and before != expected_state:
            raise StaleState(state=_label(before), expected=_label(expected_state))
        if before not in sources:
            raise DeliveryRefused(_refusal(delivery), state=_label(before))
        delivery.state = aim
        delivery.save(update_fields=["state", "modified_at"])
        audit.record(
            action=f"deliveries.delivery.{_PAST[verb]}",
            object_type="deliveries.delivery",
            object_id=delivery.pk,
            object_label=delivery.label,
            changes={"state": [before, aim]},
            acting_operator=acting_operator,
            source=source,
            reason=reason,
            at=at,
        )
        if verb != PAUSE:
            queue.enqueue(RELEASE, delivery.pk, queue=queue_of(Lane.NORMAL))
    return Steered(delivery, noop=False)


def preview_steering(
    *, delivery_id: int, verb: str, acting_operator: Operator | None
) -> Preview:
    """Return what a verb would do to a delivery. Three queries, nothing is changed.

    Raises NotFound and PermissionRefused.
    """
    require_right(acting_operator)
    delivery = _find(delivery_id)
    sources, aim = _MOVES[verb]
    counts = _count(delivery_id)
    noop = delivery.state == aim
    refusal = "" if noop or delivery.state in sources else _refusal(delivery)
    effects: tuple[str, ...] = ()
    if not noop and not refusal:
        effects = tuple(_EFFECTS[verb](counts))
    return Preview(delivery, verb, aim, counts, effects, refusal, noop)


def require_right(operator: Operator | None) -> None:
    """Raise PermissionRefused unless the operator may steer deliveries."""
    if operator is not None and not operator.has_perm(OPERATE):
        raise PermissionRefused(operator=operator, permission=OPERATE)


# What was put aside is pending again, what waits for a later try is due: the claim
# decides by the state that the delivery has now.
_RELEASE = """
UPDATE deliveries_broadlog AS log SET
    status = CASE log.status WHEN 8 THEN 6 ELSE log.status END,
    next_retry_at = CASE WHEN log.next_retry_at > %(at)s THEN %(at)s
        ELSE log.next_retry_at END,
    last_modified = clock_timestamp()
FROM (
    SELECT id, part_month FROM deliveries_broadlog
    WHERE delivery_id = %(delivery)s AND (status = 8
        OR (%(is_stopped)s AND status IN (2, 6) AND next_retry_at > %(at)s))
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AS held
WHERE log.id = held.id AND log.part_month = held.part_month
RETURNING log.lane
"""


def release_waiting(delivery_id: int) -> None:
    """Bring the waiting messages of a resumed or stopped delivery to the senders.

    A queue task; a thousand messages a transaction. Idempotent, and it does nothing
    for a delivery that was paused again meanwhile.
    """
    while _release_step(delivery_id, timezone.now()) == _STEP:
        pass


def _release_step(delivery_id: int, at: datetime) -> int:
    with transaction.atomic():
        delivery = Delivery.objects.filter(pk=delivery_id).first()
        if delivery is None or delivery.state == DeliveryState.PAUSED:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(
                _RELEASE,
                {
                    "delivery": delivery_id,
                    "is_stopped": delivery.state == DeliveryState.STOPPED,
                    "at": at,
                    "limit": _STEP,
                },
            )
            lanes = [lane for (lane,) in cursor.fetchall()]
        for lane in sorted(set(lanes)):
            wake_senders(lane)
    return len(lanes)


def _find(delivery_id: int, *, lock: bool = False) -> Delivery:
    deliveries = Delivery.objects.all()
    if lock:
        deliveries = deliveries.select_for_update()
    found = deliveries.filter(pk=delivery_id).first() if delivery_id < 2**63 else None
    if found is None:
        raise NotFound(_("There is no delivery %(number)s."), number=delivery_id)
    return found


def _label(state: int) -> str:
    return str(DeliveryState(state).label) if state in _State.values else str(state)


def _refusal(delivery: Delivery) -> str:
    verbs = possible(delivery)
    if delivery.state == DeliveryState.EDITING:
        return _("A delivery that is being edited sends nothing yet.")
    if not verbs:
        return _("A delivery in the state %(state)s has ended for good.") % {
            "state": _label(delivery.state)
        }
    return _(
        "This is not possible in the state %(state)s; possible are: %(verbs)s."
    ) % {"state": _label(delivery.state), "verbs": ", ".join(verbs)}


def _count(delivery_id: int) -> Counts:
    logs = BroadLog.objects.filter(delivery_id=delivery_id).order_by()
    held = logs.filter(status__in=(LogStatus.PENDING, LogStatus.PREPARED))
    again = logs.filter(status=LogStatus.FAILED, next_retry_at__isnull=False)
    sending = logs.filter(status=LogStatus.SENDING)
    return Counts(*(found[:COUNTED].count() for found in (held, again, sending)))


def _number(count: int) -> str:
    return f"{count}+" if count >= COUNTED else str(count)


def _pause_effects(counts: Counts) -> Iterable[str]:
    if not counts.waiting + counts.retried:
        yield _("No message waits at this moment.")
    else:
        yield ngettext(
            "%(n)s message that waits is kept back until the delivery is resumed.",
            "%(n)s messages that wait are kept back until the delivery is resumed.",
            counts.waiting + counts.retried,
        ) % {"n": _number(counts.waiting + counts.retried)}
    yield from _on_their_way(counts)
    yield _("New events are still taken; their messages wait as well.")
    yield _("Messages whose validity ends meanwhile are cancelled afterwards.")


def _resume_effects(counts: Counts) -> Iterable[str]:
    if not counts.waiting + counts.retried:
        yield _("No message waits at this moment.")
        return
    yield ngettext(
        "%(n)s message goes to the senders.",
        "%(n)s messages go to the senders.",
        counts.waiting + counts.retried,
    ) % {"n": _number(counts.waiting + counts.retried)}


def _stop_effects(counts: Counts) -> Iterable[str]:
    if counts.waiting:
        yield ngettext(
            "%(n)s message that waits is cancelled and never sent.",
            "%(n)s messages that wait are cancelled and never sent.",
            counts.waiting,
        ) % {"n": _number(counts.waiting)}
    elif not counts.retried:
        yield _("No message waits at this moment.")
    if counts.retried:
        yield ngettext(
            "%(n)s message that failed is not tried again.",
            "%(n)s messages that failed are not tried again.",
            counts.retried,
        ) % {"n": _number(counts.retried)}
    yield from _on_their_way(counts)
    yield _(
        "This cannot be undone. The next event of the template gets a new delivery:"
        " pause the template to hold its events."
    )


def _on_their_way(counts: Counts) -> Iterable[str]:
    if counts.sending:
        yield ngettext(
            "%(n)s message is on its way and ends by itself.",
            "%(n)s messages are on their way and end by themselves.",
            counts.sending,
        ) % {"n": _number(counts.sending)}


_EFFECTS: dict[str, Callable[[Counts], Iterable[str]]] = {
    PAUSE: _pause_effects,
    RESUME: _resume_effects,
    STOP: _stop_effects,
}
