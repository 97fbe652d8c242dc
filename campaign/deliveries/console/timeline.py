"""The way of one message, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from campaign.deliveries.console import looks
from campaign.deliveries.models import BroadLog, FailureReason, LogStatus
from workflows.console.appearance import Look


@dataclass(frozen=True, slots=True)
class Step:
    """One step for ``components/timeline.html``."""

    look: Look
    title: str
    at: datetime | None = None
    text: str = ""
    url: str = ""


def of_log(log: BroadLog) -> list[Step]:
    """Return the steps of a delivery log, oldest first. No SQL."""
    return list(_steps(log))


def _steps(log: BroadLog) -> Iterator[Step]:
    yield Step(
        Look("", "file-text"),
        _("Written by the delivery"),
        log.created_at,
        log.delivery.label,
        log.delivery.get_absolute_url(),
    )
    if log.attempt_at:
        number = _("Attempt %(count)s") % {"count": max(log.send_count, 1)}
        yield Step(Look("", "send", "run"), number, log.attempt_at)
    look = looks.of_log(log)
    if log.status != LogStatus.PENDING:
        yield Step(look, str(look.label), log.event_at, outcome(log))
    if log.next_retry_at:
        yield Step(
            Look("", "clock", "pending"),
            _("Next attempt"),
            log.next_retry_at,
            outcome(log) if log.status == LogStatus.PENDING else "",
        )
    elif log.status == LogStatus.PENDING:
        yield Step(look, _("Waits for a sender"))


def outcome(log: BroadLog) -> str:
    """Return why a message has its status: the reason, then the relay's words."""
    parts = []
    if log.failure_reason != FailureReason.NOT_DEFINED:
        parts.append(str(log.get_failure_reason_display()))
    if log.smtp_reply:
        parts.append(log.smtp_reply)
    return " · ".join(parts)
