"""What a relay's answer means for a delivery log."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from campaign.deliveries.models import FailureReason, FailureType, LogStatus
from campaign.deliveries.services.smtp import Reply

MOST_REPLY = 512
#: How long a message waits when its relay could not be reached.
UNREACHED_SECONDS = 10
_ONE_DAY = timedelta(days=1)
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REASONS = {
    (1, 0): FailureReason.USER_UNKNOWN,
    (1, 1): FailureReason.USER_UNKNOWN,
    (1, 2): FailureReason.INVALID_DOMAIN,
    (1, 3): FailureReason.USER_UNKNOWN,
    (1, 6): FailureReason.USER_UNKNOWN,
    (1, 10): FailureReason.INVALID_DOMAIN,
    (2, 1): FailureReason.ACCOUNT_DISABLED,
    (2, 2): FailureReason.MAILBOX_FULL,
    (4, 4): FailureReason.INVALID_DOMAIN,
}
_SUBJECTS = {
    3: FailureReason.REFUSED,
    4: FailureReason.UNREACHABLE,
    7: FailureReason.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt, as it is written to its log.

    ``retry_at`` is set while another attempt is planned. ``is_counted`` is False for
    an attempt that ended before the relay had a say.
    """

    status: int
    failure_type: int = FailureType.UNDEFINED
    failure_reason: int = FailureReason.NOT_DEFINED
    reply: str = ""
    size: int = 0
    retry_at: datetime | None = None
    is_counted: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return it for the journal."""
        values = asdict(self)
        values["retry_at"] = self.retry_at and self.retry_at.isoformat()
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Outcome:
        """Read it from the journal."""
        retry_at = values["retry_at"]
        planned = datetime.fromisoformat(retry_at) if retry_at else None
        return cls(**{**values, "retry_at": planned})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried: several times on the first day, then daily.

    Source: communication-channels.md.
    """

    tries: int
    period: timedelta
    valid_until: datetime

    def next_try(self, *, send_count: int, at: datetime) -> datetime | None:
        """Return when to try again after so many attempts; None after the validity."""
        pause = self.period if send_count < self.tries else max(_ONE_DAY, self.period)
        planned = at + pause
        return planned if planned < self.valid_until else None


def of_reply(
    reply: Reply, *, size: int, send_count: int, policy: RetryPolicy, at: datetime
) -> Outcome:
    """Return the outcome of a message that the relay answered."""
    told = str(reply)[:MOST_REPLY]
    if reply.is_accepted:
        return Outcome(LogStatus.SENT, reply=told, size=size)
    is_lasting = reply.code >= 500
    return Outcome(
        LogStatus.FAILED,
        FailureType.HARD if is_lasting else FailureType.SOFT,
        _reason(reply),
        told,
        size=size,
        retry_at=None if is_lasting else policy.next_try(send_count=send_count, at=at),
    )


def unreached(reason: str, *, at: datetime) -> Outcome:
    """Return the outcome of a message that never came to its relay: pending again."""
    return Outcome(
        LogStatus.PENDING,
        failure_reason=FailureReason.UNREACHABLE,
        reply=reason[:MOST_REPLY],
        retry_at=at + timedelta(seconds=UNREACHED_SECONDS),
        is_counted=False,
    )


def not_begun() -> Outcome:
    """Return the outcome of a claimed message that was never begun."""
    return Outcome(LogStatus.PENDING, is_counted=False)


def unknown(reason: str, *, size: int = 0) -> Outcome:
    """Return the outcome of a message that was handed over without an answer."""
    return Outcome(LogStatus.UNKNOWN, reply=reason[:MOST_REPLY], size=size)


def impossible(
    reason: str, *, failure: FailureReason = FailureReason.NOT_DEFINED
) -> Outcome:
    """Return the outcome of a message that cannot be made or addressed."""
    return Outcome(LogStatus.FAILED, FailureType.HARD, failure, reason[:MOST_REPLY])


def _reason(reply: Reply) -> FailureReason:
    """Qualify by the enhanced code (RFC 3463), else by the code alone."""
    found = _ENHANCED.search(reply.text)
    if found is not None:
        subject, detail = int(found[2]), int(found[3])
        precise = _REASONS.get((subject, detail))
        return precise or _SUBJECTS.get(subject, FailureReason.NOT_DEFINED)
    if reply.code in {452, 552}:
        return FailureReason.MAILBOX_FULL
    if reply.code in {550, 551, 553, 554}:
        return FailureReason.REFUSED
    return FailureReason.UNREACHABLE if reply.code < 500 else FailureReason.NOT_DEFINED
