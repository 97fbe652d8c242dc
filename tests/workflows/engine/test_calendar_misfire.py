"""What fires after downtime, and that every planned instant has one outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.engine.calendar import (
    Decision,
    Policy,
    Schedule,
    SkipReason,
    jittered,
    missed,
    next_after,
    plan,
)

PARIS = ZoneInfo("Europe/Paris")
DUE = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
HOURLY = Schedule.parse({"kind": "several_times_a_day", "every": "PT1H"})
HOUR = timedelta(hours=1)


def decide(
    policy: str, outage: timedelta, schedule: Schedule = HOURLY, count: int = 0
) -> Decision:
    return plan(
        schedule,
        DUE,
        DUE + outage,
        zone=PARIS,
        policy=Policy(policy),
        count_so_far=count,
    )


@pytest.mark.parametrize("policy", list(Policy))
def test_instant_on_time_fires_under_every_policy(policy: str) -> None:
    decision = decide(policy, timedelta(milliseconds=40))

    assert decision == Decision((DUE,), (), 0, DUE + HOUR)


@pytest.mark.parametrize(
    ("policy", "fired"), [("fire_once", 1), ("skip", 0), ("fire_all", 9)]
)
def test_nine_hours_down(policy: str, fired: int) -> None:
    decision = decide(policy, 8.5 * HOUR)

    assert len(decision.fire) == fired
    assert decision.missed_count == 9
    assert decision.due_count == 9
    assert decision.next == DUE + 9 * HOUR


def test_fire_once_fires_the_latest_for_all() -> None:
    decision = decide("fire_once", 8.5 * HOUR)

    (covered,) = decision.skipped
    assert decision.fire == (DUE + 8 * HOUR,)
    assert (covered.first, covered.last, covered.count) == (DUE, DUE + 7 * HOUR, 8)
    assert covered.reason is SkipReason.COVERED


def test_skip_still_fires_the_instant_that_is_on_time() -> None:
    decision = decide("skip", 8 * HOUR + timedelta(seconds=5))

    assert decision.fire == (DUE + 8 * HOUR,)
    assert decision.missed_count == 8
    assert decision.skipped[0].reason is SkipReason.MISFIRE


def test_fire_all_is_oldest_first_and_capped() -> None:
    decision = decide("fire_all", 99.5 * HOUR)

    (over,) = decision.skipped
    assert decision.fire == tuple(DUE + n * HOUR for n in range(24))
    assert (over.first, over.last, over.count) == (
        DUE + 24 * HOUR,
        DUE + 99 * HOUR,
        76,
    )
    assert over.reason is SkipReason.OVER_LIMIT


def test_fire_all_keeps_the_instant_on_time_beyond_the_cap() -> None:
    decision = decide("fire_all", 99 * HOUR)

    assert len(decision.fire) == 25
    assert decision.fire[-1] == DUE + 99 * HOUR
    assert decision.due_count == 100


@pytest.mark.parametrize(
    ("policy", "fired", "reasons"),
    [
        ("fire_once", [8], ["too_late", "covered"]),
        ("skip", [], ["too_late", "misfire"]),
        ("fire_all", [6, 7, 8], ["too_late"]),
    ],
)
def test_max_lateness_skips_the_stale(
    policy: str, fired: list[int], reasons: list[str]
) -> None:
    schedule = replace(HOURLY, max_lateness_seconds=9_000)

    decision = decide(policy, 8.5 * HOUR, schedule)

    assert decision.fire == tuple(DUE + n * HOUR for n in fired)
    assert [item.reason for item in decision.skipped] == reasons
    assert decision.skipped[0].count == 6
    assert decision.due_count == 9


def test_all_too_late_fires_nothing() -> None:
    schedule = Schedule.parse(
        {"kind": "daily", "time": "02:00", "max_lateness": "PT2H"}
    )

    decision = decide("fire_once", 5 * HOUR, schedule)

    assert decision.fire == ()
    assert decision.missed_count == 1
    assert [item.reason for item in decision.skipped] == [SkipReason.TOO_LATE]
    assert decision.next == DUE + 24 * HOUR


def test_lateness_of_exactly_the_maximum_still_fires() -> None:
    schedule = replace(HOURLY, max_lateness_seconds=600)

    assert decide("fire_once", timedelta(seconds=600), schedule).fire == (DUE,)
    assert decide("fire_once", timedelta(seconds=600.2), schedule).fire == ()


@pytest.mark.parametrize("policy", list(Policy))
def test_call_before_its_time_decides_nothing(policy: str) -> None:
    decision = decide(policy, timedelta(seconds=-1))

    assert decision == Decision((), (), 0, DUE)


def test_resume_policy_falls_back_on_misfire() -> None:
    assert replace(HOURLY, misfire=Policy.SKIP).resume_policy is Policy.SKIP
    assert replace(HOURLY, on_resume=Policy.FIRE_ALL).resume_policy is Policy.FIRE_ALL


@pytest.mark.parametrize(
    ("policy", "fired", "is_over"),
    [("fire_once", 1, False), ("fire_all", 3, True), ("skip", 0, False)],
)
def test_expiry_by_count_bounds_what_fires(
    policy: str, fired: int, is_over: bool
) -> None:
    schedule = Schedule.parse(
        {**HOURLY.as_dict(), "expiry": {"type": "count", "value": 5}}
    )

    decision = decide(policy, 8.5 * HOUR, schedule, count=2)

    assert len(decision.fire) == fired
    assert (decision.next is None) == is_over


def test_exhausted_schedule_fires_nothing() -> None:
    schedule = Schedule.parse(
        {**HOURLY.as_dict(), "expiry": {"type": "count", "value": 5}}
    )

    assert decide("fire_all", 9 * HOUR, schedule, count=5) == Decision((), (), 0, None)


def test_outage_past_the_end_of_the_schedule() -> None:
    schedule = Schedule.parse(
        {**HOURLY.as_dict(), "expiry": {"type": "date", "value": "2026-06-01"}}
    )

    decision = decide("fire_once", timedelta(days=3), schedule)

    assert decision.fire == (datetime(2026, 6, 1, 21, tzinfo=UTC),)
    assert decision.due_count == 22
    assert decision.next is None


def test_due_instant_of_an_older_schedule_is_accounted_for() -> None:
    odd = DUE + timedelta(minutes=7)

    decision = plan(HOURLY, odd, DUE + 2.5 * HOUR, zone=PARIS, policy=Policy.SKIP)

    assert decision.skipped[0].first == odd
    assert decision.due_count == 3


def test_month_of_seconds_is_a_range_not_a_list() -> None:
    schedule = Schedule.parse({"kind": "several_times_a_day", "every": "PT1S"})

    decision = decide("fire_once", timedelta(days=30), schedule)

    assert decision.fire == (DUE + timedelta(days=30),)
    assert decision.due_count == 30 * 86_400 + 1
    assert len(decision.skipped) == 1


def test_jitter_is_fixed_bounded_and_differs_by_seed() -> None:
    schedule = replace(HOURLY, jitter_seconds=300)

    delays = {jittered(DUE, schedule, f"workflow-{n}") - DUE for n in range(50)}

    assert jittered(DUE, schedule, "a") == jittered(DUE, schedule, "a")
    assert len(delays) > 40
    assert min(delays) >= timedelta(0)
    assert max(delays) <= timedelta(seconds=300)
    assert jittered(DUE, HOURLY, "a") == DUE


def test_jitter_holds_the_newest_instant_back() -> None:
    schedule = replace(HOURLY, jitter_seconds=300)
    newest = DUE + 3 * HOUR
    start = jittered(newest, schedule, "seed")

    early = plan(
        schedule, DUE, start - timedelta(milliseconds=1), zone=PARIS, seed="seed"
    )
    right = plan(schedule, DUE, start, zone=PARIS, seed="seed")

    assert early.fire == (DUE + 2 * HOUR,)
    assert early.next == newest
    assert right.fire == (newest,)


SCHEDULES = st.sampled_from(
    [
        HOURLY,
        Schedule.parse({"kind": "daily", "time": "02:30"}),
        Schedule.parse({"kind": "several_times_a_day", "times": ["02:10", "02:40"]}),
        Schedule.parse({"kind": "several_times_a_day", "every": "7m"}),
        Schedule.parse({"kind": "weekly", "weekdays": [1, 4], "time": "00:00"}),
    ]
)


@given(
    schedule=SCHEDULES,
    policy=st.sampled_from(Policy),
    outage=st.integers(0, 20 * 86_400),
    offset=st.integers(0, 365 * 86_400),
    lateness=st.none() | st.integers(1, 3 * 86_400),
    jitter=st.sampled_from([0, 200]),
)
def test_every_planned_instant_has_exactly_one_outcome(
    schedule: Schedule,
    policy: Policy,
    outage: int,
    offset: int,
    lateness: int | None,
    jitter: int,
) -> None:
    schedule = replace(schedule, max_lateness_seconds=lateness, jitter_seconds=jitter)
    due = next_after(schedule, DUE + timedelta(seconds=offset), zone=PARIS)
    assert due is not None
    now = due + timedelta(seconds=outage, milliseconds=500)

    decision = plan(schedule, due, now, zone=PARIS, policy=policy, seed="x")

    assert decision.next is not None
    assert jittered(decision.next, schedule, "x") > now
    end = decision.next - timedelta(seconds=1)
    planned = missed(
        schedule, due - timedelta(seconds=1), end, zone=PARIS, limit=100_000
    )
    outcomes = list(decision.fire)
    for stretch in decision.skipped:
        found = missed(
            schedule,
            stretch.first - timedelta(seconds=1),
            stretch.last,
            zone=PARIS,
            limit=100_000,
        )
        assert (found.first, found.last) == (stretch.first, stretch.last)
        assert found.count == stretch.count
        outcomes.extend(found.instants)
    assert sorted(outcomes) == list(planned.instants)
    assert list(decision.fire) == sorted(set(decision.fire))
