"""What answers of a relay mean, and when to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from campaign.deliveries.models import FailureReason, FailureType, LogStatus
from campaign.deliveries.services import outcomes
from campaign.deliveries.services.outcomes import Outcome, RetryPolicy
from campaign.deliveries.services.smtp import Reply

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = RetryPolicy(5, timedelta(hours=1), AT + timedelta(days=5))


@pytest.mark.parametrize(
    ("code", "text", "failure_type", "reason"),
    [
        (550, "5.1.1 no such user", FailureType.HARD, FailureReason.USER_UNKNOWN),
        (550, "no", FailureType.HARD, FailureReason.REFUSED),
        (550, "5.1.2 bad", FailureType.HARD, FailureReason.INVALID_DOMAIN),
        (550, "5.2.1 off", FailureType.HARD, FailureReason.ACCOUNT_DISABLED),
        (452, "4.2.2 full", FailureType.SOFT, FailureReason.MAILBOX_FULL),
        (452, "no room", FailureType.SOFT, FailureReason.MAILBOX_FULL),
        (451, "4.7.1 greylisted", FailureType.SOFT, FailureReason.REFUSED),
        (451, "4.4.1 no route", FailureType.SOFT, FailureReason.UNREACHABLE),
        (421, "busy", FailureType.SOFT, FailureReason.UNREACHABLE),
        (599, "?", FailureType.HARD, FailureReason.NOT_DEFINED),
    ],
)
def test_refusals_are_qualified(
    code: int, text: str, failure_type: FailureType, reason: FailureReason
) -> None:
    found = outcomes.of_reply(
        Reply(code, text), size=10, send_count=1, policy=POLICY, at=AT
    )

    assert (found.status, found.failure_type) == (LogStatus.FAILED, failure_type)
    assert found.failure_reason == reason
    assert (found.retry_at is None) == (failure_type == FailureType.HARD)


def test_a_message_is_tried_five_times_on_the_first_day_and_daily_after() -> None:
    at, tries = AT, [AT]
    while (planned := POLICY.next_try(send_count=len(tries), at=at)) is not None:
        at = planned
        tries.append(at)

    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == [timedelta(hours=1)] * 4 + [timedelta(days=1)] * 4
    assert tries[-1] < POLICY.valid_until


def test_an_outcome_goes_through_the_journal_unchanged() -> None:
    outcome = outcomes.unreached("gone", at=AT)

    assert Outcome.from_json(outcome.as_json()) == outcome
