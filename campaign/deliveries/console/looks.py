"""How states of deliveries and statuses of their logs look, and what they mean."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.models import BroadLog, DeliveryState, LogStatus
from workflows.console.appearance import UNKNOWN, Look

DELIVERIES: dict[int, Look] = {
    DeliveryState.EDITING: Look(DeliveryState.EDITING.label, "pencil", border="dashed"),
    DeliveryState.READY: Look(DeliveryState.READY.label, "hourglass", "pending"),
    DeliveryState.IN_PROGRESS: Look(DeliveryState.IN_PROGRESS.label, "send", "run"),
    DeliveryState.PAUSED: Look(DeliveryState.PAUSED.label, "player-pause", "warn"),
    DeliveryState.STOPPED: Look(DeliveryState.STOPPED.label, "player-stop"),
    DeliveryState.FAILED: Look(
        DeliveryState.FAILED.label, "alert-octagon", "bad", "outlined"
    ),
    DeliveryState.FINISHED: Look(DeliveryState.FINISHED.label, "circle-check"),
}

LOGS: dict[int, Look] = {
    LogStatus.PENDING: Look(LogStatus.PENDING.label, "clock"),
    LogStatus.PREPARED: Look(LogStatus.PREPARED.label, "hourglass", "pending"),
    LogStatus.SENDING: Look(LogStatus.SENDING.label, "loader-2", "run", turns=True),
    LogStatus.SENT: Look(LogStatus.SENT.label, "check", "ok"),
    LogStatus.PROVIDER_ACCEPTED: Look(LogStatus.PROVIDER_ACCEPTED.label, "send", "run"),
    LogStatus.PROVIDER_SENT: Look(LogStatus.PROVIDER_SENT.label, "send", "run"),
    LogStatus.MOBILE_RECEIVED: Look(
        LogStatus.MOBILE_RECEIVED.label, "device-mobile", "ok"
    ),
    LogStatus.FAILED: Look(LogStatus.FAILED.label, "alert-octagon", "bad", "outlined"),
    LogStatus.IGNORED: Look(LogStatus.IGNORED.label, "circle-minus", border="dashed"),
    LogStatus.CANCELLED: Look(LogStatus.CANCELLED.label, "circle-x", border="dashed"),
    LogStatus.UNKNOWN: Look(LogStatus.UNKNOWN.label, "help-circle", "warn", "dashed"),
    LogStatus.NOT_APPLICABLE: Look(
        LogStatus.NOT_APPLICABLE.label, "circle-minus", border="dashed"
    ),
}
RETRY = Look(_("Failed, to be tried again"), "clock-exclamation", "warn")

_MEANINGS: dict[int, Promise] = {
    LogStatus.PENDING: _("The message waits for a sender."),
    LogStatus.PREPARED: _(
        "The message is put aside: its delivery is paused. It goes on when that is"
        " resumed, and is cancelled when that is stopped."
    ),
    LogStatus.SENDING: _(
        "The attempt is recorded and the message is being handed to the relay."
    ),
    LogStatus.SENT: _(
        "The relay has taken the message and is responsible for it now. A bounce may"
        " still come later."
    ),
    LogStatus.FAILED: _("The message could not be sent and is not tried again."),
    LogStatus.IGNORED: _("The message was not sent, because its address may not be."),
    LogStatus.CANCELLED: _("The message was not sent and never will be."),
    LogStatus.UNKNOWN: _(
        "The sender ended, or the connection broke, after the message was handed to"
        " the relay and before its answer was recorded. The message may have gone out"
        " or not. It is never sent again by itself, so that nobody gets it twice: look"
        " for the Message-ID in the log of the relay, and push the event again if the"
        " relay does not know it."
    ),
}
_RETRY_MEANING = _(
    "The relay refused the message for now; it is tried again while it is valid."
)


def of_delivery(state: int) -> Look:
    """Return the look of a delivery's state."""
    return DELIVERIES.get(state) or Look(str(state), UNKNOWN)


def of_status(status: int) -> Look:
    """Return the look of a log's status."""
    return LOGS.get(status) or Look(str(status), UNKNOWN)


def of_log(log: BroadLog) -> Look:
    """Return the look of a log: a failure that is tried again is none yet."""
    if log.status == LogStatus.FAILED and log.next_retry_at:
        return RETRY
    return of_status(log.status)


def meaning(log: BroadLog) -> str:
    """Return what the status of a log means for its message."""
    if log.status == LogStatus.FAILED and log.next_retry_at:
        return str(_RETRY_MEANING)
    return str(_MEANINGS.get(log.status, ""))
