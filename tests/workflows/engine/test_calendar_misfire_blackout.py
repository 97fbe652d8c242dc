"""What fires after an outage when blackout windows skip some of the instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.engine.calendar import (
    Blackout,
    Decision,
    Schedule,
    Skipped,
    SkipReason,
    Stretch,
    occurrences,
    plan,
    stretches,
)

UTC_ZONE = ZoneInfo("UTC")
HOURLY = {"kind": "several_times_a_day", "every": "PT1H"}
POLICIES = ["fire_once", "skip", "fire_all"]
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def windows(*spans: str, policy: str = "skip") -> tuple[Blackout, ...]:
    """Return windows such as ``22:00-06:00`` of every day."""
    return Blackout.parse_all(
        [
            {
                "name": span,
                "from": span.partition("-")[0],
                "until": span.partition("-")[2],
                "policy": policy,
            }
            for span in spans
        ]
    )


def decide(
    due: str, now: str, blackouts: tuple[Blackout, ...], **schedule: Any
) -> Decision:
    return plan(
        Schedule.parse({**HOURLY, **schedule}),
        at(due),
        at(now),
        zone=UTC_ZONE,
        blackouts=blackouts,
    )


def skipped(first: str, last: str, count: int, reason: SkipReason) -> Skipped:
    return Skipped(at(first), at(last), count, reason)


@pytest.mark.parametrize("misfire", POLICIES)
def test_instant_in_a_window_fires_under_no_policy(misfire: str) -> None:
    decision = decide(
        "2026-05-20T23:00", "2026-05-20T23:00", windows("22:00-06:00"), misfire=misfire
    )

    assert (decision.fire, decision.missed_count) == ((), 0)
    assert decision.skipped == (
        skipped("2026-05-20T23:00", "2026-05-20T23:00", 1, SkipReason.BLACKOUT),
    )
    assert decision.next == at("2026-05-21T00:00")


def test_one_firing_after_an_outage_is_the_latest_that_no_window_skips() -> None:
    decision = decide("2026-05-20T21:00", "2026-05-21T05:30", windows("22:00-06:00"))

    assert (decision.fire, decision.missed_count) == ((at("2026-05-20T21:00"),), 1)
    assert decision.skipped == (
        skipped("2026-05-20T22:00", "2026-05-21T05:00", 8, SkipReason.BLACKOUT),
    )
    assert decision.next == at("2026-05-21T06:00")


def test_stretches_about_a_window_keep_their_own_reasons() -> None:
    decision = decide("2026-05-20T20:00", "2026-05-21T08:30", windows("22:00-06:00"))

    assert decision.fire == (at("2026-05-21T08:00"),)
    assert decision.missed_count == 5
    assert decision.skipped == (
        skipped("2026-05-20T20:00", "2026-05-20T21:00", 2, SkipReason.COVERED),
        skipped("2026-05-20T22:00", "2026-05-21T05:00", 8, SkipReason.BLACKOUT),
        skipped("2026-05-21T06:00", "2026-05-21T07:00", 2, SkipReason.COVERED),
    )


def test_fire_all_counts_its_limit_outside_the_windows() -> None:
    decision = decide(
        "2026-05-20T12:00",
        "2026-05-22T11:30",
        windows("22:00-06:00"),
        misfire="fire_all",
    )

    assert len(decision.fire) == 24
    assert decision.fire[-1] == at("2026-05-21T19:00")
    assert decision.due_count == 48


def test_window_that_defers_skips_nothing() -> None:
    decision = decide(
        "2026-05-20T23:00",
        "2026-05-20T23:00",
        windows("22:00-06:00", policy="defer"),
    )

    assert decision.fire == (at("2026-05-20T23:00"),)


def test_last_firing_of_a_counted_schedule_is_not_used_up_by_a_window() -> None:
    one = {"type": "count", "value": 1}

    decision = decide(
        "2026-05-20T22:00", "2026-05-21T05:30", windows("22:00-06:00"), expiry=one
    )

    assert decision.next == at("2026-05-21T06:00")


def test_time_is_cut_where_windows_begin_and_end() -> None:
    found = list(
        stretches(
            windows("22:00-06:00", "05:00-07:30"),
            at("2026-05-20T12:00"),
            at("2026-05-21T12:00"),
            zone=UTC_ZONE,
        )
    )

    assert [each.is_blacked_out for each in found] == [False, True, False]
    assert [each.first for each in found] == [
        at("2026-05-20T12:00"),
        at("2026-05-20T22:00"),
        at("2026-05-21T07:30"),
    ]


SPANS = st.sampled_from(
    [
        "22:00-06:00",
        "22:30-23:30",
        "23:30-01:00",
        "00:30-02:00",
        "01:30-02:30",
        "02:15-02:45",
        "02:30-04:00",
    ]
)
# A day or so before the clock changes of a zone.
PLACES = st.sampled_from(
    [
        ("Europe/Paris", "2026-03-28T00:00"),
        ("Europe/Paris", "2026-10-24T00:00"),
        ("America/Santiago", "2026-04-04T00:00"),
        ("America/Santiago", "2026-09-05T00:00"),
        ("Australia/Lord_Howe", "2026-10-02T12:00"),
        ("Asia/Kolkata", "2026-05-20T00:00"),
    ]
)


@given(st.lists(SPANS, min_size=1, unique=True), PLACES, st.integers(1, 60))
def test_stretches_join_and_cut_exactly_where_coverage_changes(
    spans: list[str], place: tuple[str, str], hours: int
) -> None:
    blackouts, low, zone = windows(*spans), at(place[1]), ZoneInfo(place[0])
    high = low + hours * HOUR

    found = list(stretches(blackouts, low, high, zone=zone))

    assert (found[0].first, found[-1].last) == (low, high)
    assert [each.first for each in found[1:]] == [
        each.last + SECOND for each in found[:-1]
    ]
    assert [covered_minutes(blackouts, each, zone) for each in found] == [
        {each.is_blacked_out} for each in found
    ]


def covered_minutes(
    blackouts: tuple[Blackout, ...], stretch: Stretch, zone: ZoneInfo
) -> set[bool]:
    """Return what the wall clock says in each minute of a stretch."""
    count = (stretch.last - stretch.first) // MINUTE + 1
    return {
        is_black(blackouts, stretch.first + index * MINUTE, zone)
        for index in range(count)
    }


def is_black(
    blackouts: tuple[Blackout, ...], instant: datetime, zone: ZoneInfo
) -> bool:
    wall = instant.astimezone(zone)
    return any(item.covers(wall) for item in blackouts)


@given(
    st.lists(SPANS, max_size=3, unique=True),
    PLACES,
    st.sampled_from(POLICIES),
    st.integers(0, 60 * 60),
    st.sampled_from([None, "PT3H"]),
    st.sampled_from(["PT1H", "PT35M"]),
)
def test_every_planned_instant_is_accounted_for_once_and_never_fires_in_a_window(
    spans: list[str],
    place: tuple[str, str],
    misfire: str,
    minutes: int,
    max_lateness: str | None,
    every: str,
) -> None:
    spec = {"kind": "several_times_a_day", "every": every, "misfire": misfire}
    start, zone = at(place[1]), ZoneInfo(place[0])
    schedule = Schedule.parse({**spec, "max_lateness": max_lateness})
    due = occurrences(schedule, start, 1, zone=zone)[0]
    now = due + timedelta(minutes=minutes)
    planned = [due, *occurrences(schedule, due, 130, zone=zone)]
    planned = [item for item in planned if item <= now]
    blackouts = windows(*spans)

    decision = plan(schedule, due, now, zone=zone, blackouts=blackouts)

    black = [item for item in planned if is_black(blackouts, item, zone)]
    told = sum(
        each.count for each in decision.skipped if each.reason is SkipReason.BLACKOUT
    )
    assert decision.due_count == len(planned)
    assert told == len(black)
    assert not set(decision.fire) & set(black)
