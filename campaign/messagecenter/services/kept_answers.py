"""The first answers of keyed orders that the engine's ledger does not hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaign.messagecenter.models import IdempotencyKey


class KeptAnswers:
    """Keeps them beside the keys of events; the daily purge takes both.

    A key serves one operator for events and signals together.
    """

    def find(self, operator: Any, key: str, since: datetime) -> dict[str, Any] | None:
        """Return the answer kept since an instant; that of an event is none of ours."""
        row = IdempotencyKey.objects.filter(
            operator=operator, key=key, created_at__gte=since
        ).first()
        if row is None:
            return None
        if isinstance(row.answer, dict) and "fingerprint" in row.answer:
            return row.answer
        return {"fingerprint": ""}  # used for an event: equal to no request

    def keep(
        self, operator: Any, key: str, answer: dict[str, Any], at: datetime
    ) -> None:
        """Remember an answer in the caller's transaction; an older one goes."""
        IdempotencyKey.objects.update_or_create(
            operator=operator,
            key=key,
            defaults={
                "request_digest": answer["fingerprint"],
                "event_kind": "",
                "event_id": None,
                "answer": answer,
                "created_at": at,
            },
        )
