"""Pages by key, bounded counts, periods as bounds of the key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from campaign.platform import listing
from workflows.models import AuditEntry, Source

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def write(count: int) -> list[int]:
    """Write so many audit entries, an hour apart; return their keys."""
    AuditEntry.objects.all().delete()
    rows = [
        AuditEntry(
            action="tests.entry",
            object_type="entry",
            object_id=str(number),
            object_label="",
            source=Source.CONSOLE,
            at=NOON + timedelta(hours=number),
        )
        for number in range(count)
    ]
    return [row.pk for row in AuditEntry.objects.bulk_create(rows)]


def keys_of(page: listing.KeyPage[Any]) -> list[int]:
    return [row.pk for row in page.rows]


def test_first_page_has_the_newest() -> None:
    keys = write(5)

    page = listing.key_page(AuditEntry.objects.all(), {}, size=2)

    assert keys_of(page) == [keys[4], keys[3]]
    assert (page.newer, page.older) == (None, keys[3])
    assert page.is_first


def test_last_page_has_no_older() -> None:
    keys = write(5)

    page = listing.key_page(AuditEntry.objects.all(), {"after": str(keys[1])}, size=2)

    assert keys_of(page) == [keys[0]]
    assert (page.newer, page.older) == (keys[0], None)


def test_newer_leads_back_by_the_same_steps() -> None:
    keys = write(5)

    page = listing.key_page(AuditEntry.objects.all(), {"before": str(keys[2])}, size=2)

    assert keys_of(page) == [keys[4], keys[3]]
    assert (page.newer, page.older) == (None, keys[3])


@pytest.mark.parametrize("text", ["", "x", "-1", "٣", "9" * 30])
def test_nonsense_in_the_address_shows_the_first_page(text: str) -> None:
    keys = write(3)

    page = listing.key_page(AuditEntry.objects.all(), {"after": text}, size=2)

    assert keys_of(page) == [keys[2], keys[1]]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (0, 5, [0, 1, 2, 3, 4]),
        (2, 3, [2]),
        (-5, 1, [0]),
        (4, 99, [4]),
        (50, 60, []),
        (-9, -5, []),
    ],
)
def test_period_becomes_bounds_of_the_key(
    since: int, until: int, expected: list[int]
) -> None:
    keys = write(5)

    rows = listing.between(
        AuditEntry.objects.all(),
        NOON + timedelta(hours=since),
        NOON + timedelta(hours=until),
        field="at",
    )

    assert sorted(row.pk for row in rows) == [keys[place] for place in expected]


def test_period_finds_its_way_over_gaps_in_the_keys() -> None:
    keys = write(200)
    AuditEntry.objects.filter(pk__in=keys[::3]).delete()

    rows = listing.between(
        AuditEntry.objects.all(),
        NOON + timedelta(hours=100),
        NOON + timedelta(hours=103),
        field="at",
    )

    assert sorted(row.pk for row in rows) == [keys[100], keys[101]]


def test_empty_table_has_no_period() -> None:
    write(0)

    rows = listing.between(AuditEntry.objects.all(), NOON, NOON, field="at")

    assert list(rows) == []


def test_counts_stop_at_their_bound() -> None:
    write(7)

    counts = listing.bounded_count(AuditEntry.objects.all(), cap=5)

    assert str(counts) == "5+"
    assert str(listing.bounded_count(AuditEntry.objects.all(), cap=7)) == "7"


def test_what_takes_too_long_is_given_up_with_advice() -> None:
    def wait() -> None:
        with listing.bounded_time(1), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    with pytest.raises(listing.TooSlow, match="narrow it"):
        wait()
