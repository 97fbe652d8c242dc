"""What a schedule does on the days of clock changes, and old beside new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.engine.calendar import (
    Fate,
    OnChange,
    Schedule,
    change_effects,
    differences,
    occurrences,
)
from workflows.engine.change_text import describe_change, describe_effect

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2027, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe")
HOURLY = {"kind": "several_times_a_day", "every": "1h", "from": "00:00"}


def effects(
    spec: dict[str, Any], zone: ZoneInfo = PARIS
) -> tuple[tuple[OnChange, str], ...]:
    found = change_effects(Schedule.parse(spec), START, zone=zone)
    return tuple((each.effect, describe_effect(each, zone)) for each in found)


@pytest.mark.parametrize(
    ("spec", "spring", "autumn"),
    [
        (
            {"kind": "daily", "time": "02:30"},
            (
                OnChange.MOVED,
                "02:30 does not exist that day; it runs at 03:00, once.",
            ),
            (
                OnChange.FIRST_OF_TWO,
                "02:30 comes twice that day; it runs the first time only.",
            ),
        ),
        (
            {"kind": "daily", "time": "04:00"},
            (OnChange.NOTHING, "Nothing changes for this schedule."),
            (OnChange.NOTHING, "Nothing changes for this schedule."),
        ),
        (
            HOURLY,
            (OnChange.SLOTS, "23 runs that day instead of 24."),
            (OnChange.SLOTS, "25 runs that day instead of 24."),
        ),
        (
            {"kind": "weekly", "weekdays": [1], "time": "02:30"},
            (OnChange.NOT_THAT_DAY, "The schedule has no run on that day."),
            (OnChange.NOT_THAT_DAY, "The schedule has no run on that day."),
        ),
        (
            {"kind": "several_times_a_day", "times": ["02:10", "02:40"]},
            (
                OnChange.MOVED,
                "02:10 and 02:40 do not exist that day; it runs at 03:00, once.",
            ),
            (
                OnChange.FIRST_OF_TWO,
                "02:10 and 02:40 come twice that day; it runs the first time only.",
            ),
        ),
        (
            {"kind": "several_times_a_day", "every": "2d", "from": "04:00"},
            (
                OnChange.SHIFTED,
                "Its period counts elapsed time: it runs at 04:00 before the change and"
                " at 05:00 after it.",
            ),
            (
                OnChange.SHIFTED,
                "Its period counts elapsed time: it runs at 05:00 before the change and"
                " at 04:00 after it.",
            ),
        ),
    ],
)
def test_change_is_told_in_words(
    spec: dict[str, Any], spring: tuple[OnChange, str], autumn: tuple[OnChange, str]
) -> None:
    assert effects(spec) == (spring, autumn)


def test_change_names_day_zone_and_length() -> None:
    found = change_effects(Schedule.parse(HOURLY), START, zone=PARIS)

    text = describe_change(found[0], PARIS)
    assert text.endswith(
        "clocks in Europe/Paris go forward by 1 hour, from 02:00 to 03:00."
    )


def test_change_at_midnight_belongs_to_the_day_without_its_first_hour() -> None:
    santiago = ZoneInfo("America/Santiago")
    found = change_effects(
        Schedule.parse({"kind": "daily", "time": "00:15"}), START, zone=santiago
    )

    spring = next(each for each in found if each.is_forward)
    assert spring.effect is OnChange.MOVED
    assert spring.day == spring.change.instant.astimezone(santiago).date()


def test_zone_without_summer_time_has_no_change() -> None:
    assert effects(HOURLY, ZoneInfo("UTC")) == ()


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe"]),
)
def test_effect_agrees_with_the_instants_themselves(
    hour: int, minute: int, name: str
) -> None:
    zone = ZoneInfo(name)
    schedule = Schedule.parse({"kind": "daily", "time": f"{hour:02}:{minute:02}"})

    for found in change_effects(schedule, START, zone=zone):
        around = occurrences(
            schedule, found.change.instant - timedelta(days=2), 5, zone=zone
        )
        that_day = [at for at in around if at.astimezone(zone).date() == found.day]
        is_usual = [
            (at.astimezone(zone).hour, at.astimezone(zone).minute) for at in that_day
        ] == [(hour, minute)]
        assert len(that_day) == found.runs == 1
        assert (found.effect is OnChange.MOVED) == (not is_usual)


def compared(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    before, after = Schedule.parse(old), Schedule.parse(new)
    zone = ZoneInfo("UTC")
    found = differences(
        before,
        occurrences(before, START, 4, zone=zone),
        zone,
        after,
        occurrences(after, START, 4, zone=zone),
        zone,
    )
    return [each.value for each in found.old], [each.value for each in found.new]


def test_another_time_of_day_moves_each_run() -> None:
    old, new = compared(
        {"kind": "daily", "time": "04:00"}, {"kind": "daily", "time": "05:00"}
    )

    assert set(old) == set(new) == {Fate.MOVED}


def test_more_frequent_schedule_keeps_the_old_and_adds() -> None:
    old, new = compared({"kind": "daily", "time": "04:00"}, HOURLY)

    assert set(old) == {Fate.KEPT}
    assert new == ["added", "added", "added", "kept"]


def test_less_frequent_schedule_removes_what_it_leaves_out() -> None:
    old, new = compared(HOURLY, {"kind": "daily", "time": "04:00"})

    assert old == ["removed", "removed", "removed", "kept"]
    assert set(new) == {Fate.KEPT}


def test_equal_schedules_keep_everything() -> None:
    old, new = compared(HOURLY, HOURLY)

    assert set(old) == set(new) == {Fate.KEPT}
