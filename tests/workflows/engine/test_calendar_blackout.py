"""Blackout windows: what is stored, what they cover, and where they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workflows.engine.calendar import (
    Blackout,
    BlackoutPolicy,
    ScheduleError,
    covering,
    free_from,
)

MINUTE = timedelta(minutes=1)
PARIS = ZoneInfo("Europe/Paris")
UTC_ZONE = ZoneInfo("UTC")


def window(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Night",
        "weekdays": [],
        "from": "22:00",
        "until": "06:00",
        "policy": "defer",
        **changes,
    }


def parse(*stored: dict[str, Any]) -> tuple[Blackout, ...]:
    return Blackout.parse_all(list(stored))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


def faults(stored: object) -> dict[str, str]:
    with pytest.raises(ScheduleError) as caught:
        Blackout.parse_all(stored)
    return {fault.field: fault.message for fault in caught.value.faults}


def test_stored_shape_survives_a_round_trip() -> None:
    stored = [
        window(weekdays=[1, 5]),
        window(name="Fair", **{"from": "09:30", "until": "10:00"}, policy="skip"),
    ]

    blackouts = Blackout.parse_all(stored)

    assert [item.as_dict() for item in blackouts] == stored


@pytest.mark.parametrize("stored", [None, [], ""])
def test_nothing_stored_means_no_windows(stored: object) -> None:
    assert Blackout.parse_all(stored) == ()


def test_all_seven_weekdays_mean_every_day() -> None:
    assert parse(window(weekdays=[7, 1, 2, 3, 4, 5, 6]))[0].weekdays == ()


@pytest.mark.parametrize(
    ("stored", "field", "said"),
    [
        pytest.param({"from": "22:00"}, "blackouts", "[", id="no-list"),
        pytest.param(["22:00"], "blackouts.0", "name, weekdays", id="no-object"),
        pytest.param([window(name=" ")], "blackouts.0.name", "name", id="blank-name"),
        pytest.param([window(name="x" * 81)], "blackouts.0.name", "80", id="long-name"),
        pytest.param([window(name=7)], "blackouts.0.name", "text", id="name-no-text"),
        pytest.param([window(weekdays=[0])], "blackouts.0.weekdays", "1 to 7", id="0"),
        pytest.param(
            [window(weekdays="all")], "blackouts.0.weekdays", "list", id="days-no-list"
        ),
        pytest.param(
            [window(**{"from": "25:00"})], "blackouts.0.from", "HH:MM", id="from"
        ),
        pytest.param([window(until="")], "blackouts.0.until", "required", id="until"),
        pytest.param([window(policy="")], "blackouts.0.policy", "required", id="none"),
        pytest.param(
            [window(policy="wait")], "blackouts.0.policy", "skip, defer", id="policy"
        ),
        pytest.param([window(tz="UTC")], "blackouts.0.tz", "remove", id="foreign"),
        pytest.param(
            [window(), window(**{"from": "12:00", "until": "13:00"})],
            "blackouts.1.name",
            "“Night”",
            id="same-name",
        ),
        pytest.param(
            [window(name=str(index)) for index in range(51)],
            "blackouts",
            "50",
            id="too-many",
        ),
    ],
)
def test_fault_names_field_and_remedy(stored: object, field: str, said: str) -> None:
    assert said in faults(stored)[field]


def test_every_fault_is_named_at_once() -> None:
    stored = [window(policy="wait"), window(name="Two", until="6 o'clock")]

    assert set(faults(stored)) == {"blackouts.0.policy", "blackouts.1.until"}


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param([window(until="22:00")], id="a-whole-day-each-day"),
        pytest.param(
            [window(), window(name="Day", **{"from": "05:59", "until": "22:00"})],
            id="night-and-day",
        ),
        pytest.param(
            [
                window(weekdays=[1, 3, 5, 7], until="22:00"),
                window(name="Others", weekdays=[2, 4, 6], until="22:00"),
            ],
            id="whole-days-in-turn",
        ),
    ],
)
def test_windows_that_leave_no_time_are_refused(
    stored: list[dict[str, Any]],
) -> None:
    assert "leave no time" in faults(stored)["blackouts"]


def test_one_free_minute_a_week_is_enough() -> None:
    stored = [
        window(weekdays=[1, 2, 3, 4, 5, 6], **{"from": "00:00", "until": "00:00"}),
        window(name="Sunday", weekdays=[7], **{"from": "00:01", "until": "00:00"}),
    ]

    blackouts = Blackout.parse_all(stored)

    assert free_from(blackouts, at("2026-05-20T12:00"), UTC_ZONE) == at(
        "2026-05-24T00:00"
    )


@pytest.mark.parametrize(
    ("instant", "is_inside"),
    [
        ("2026-05-20T21:59:59", False),
        ("2026-05-20T22:00:00", True),
        ("2026-05-21T05:59:59.9", True),
        ("2026-05-21T06:00:00", False),
    ],
)
def test_window_holds_its_begin_but_not_its_end(instant: str, is_inside: bool) -> None:
    found = covering(parse(window()), at(instant), zone=UTC_ZONE)

    assert (found is not None) is is_inside


@pytest.mark.parametrize(
    ("instant", "is_inside"),
    [
        ("2026-05-22T23:00", True),  # a Friday
        ("2026-05-23T05:00", True),
        ("2026-05-23T23:00", False),
        ("2026-05-22T05:00", False),
    ],
)
def test_weekday_is_the_one_of_the_beginning(instant: str, is_inside: bool) -> None:
    found = covering(parse(window(weekdays=[5])), at(instant), zone=UTC_ZONE)

    assert (found is not None) is is_inside


def test_window_tells_its_stretch_in_utc() -> None:
    found = covering(parse(window()), local("2026-05-21 03:00"), zone=PARIS)

    assert found is not None
    assert (found.begins, found.ends) == (
        at("2026-05-20T20:00"),
        at("2026-05-21T04:00"),
    )


def test_windows_that_touch_make_one_stretch() -> None:
    blackouts = parse(
        window(until="00:00"),
        window(name="Backup", **{"from": "00:00", "until": "02:00"}),
        window(name="Import", **{"from": "01:30", "until": "03:15"}),
    )

    found = covering(blackouts, at("2026-05-20T23:00"), zone=UTC_ZONE)

    assert found is not None
    assert (found.begins, found.ends) == (
        at("2026-05-20T22:00"),
        at("2026-05-21T03:15"),
    )


def test_whole_days_in_a_row_make_one_stretch() -> None:
    weekend = window(weekdays=[6, 7], **{"from": "00:00", "until": "00:00"})

    found = covering(parse(weekend), at("2026-05-23T09:00"), zone=UTC_ZONE)

    assert found is not None
    assert (found.begins, found.ends) == (
        at("2026-05-23T00:00"),
        at("2026-05-25T00:00"),
    )


def test_skip_decides_where_skip_and_defer_overlap() -> None:
    blackouts = parse(window(), window(name="Fair", policy="skip", **{"from": "23:00"}))

    found = covering(blackouts, at("2026-05-20T23:30"), zone=UTC_ZONE)

    assert found is not None
    assert found.blackout.name == "Fair"


def test_defer_decides_outside_the_window_that_skips() -> None:
    blackouts = parse(window(), window(name="Fair", policy="skip", **{"from": "23:00"}))

    found = covering(blackouts, at("2026-05-20T22:30"), zone=UTC_ZONE)

    assert found is not None
    assert found.blackout.policy is BlackoutPolicy.DEFER


def test_first_of_equals_decides() -> None:
    blackouts = parse(window(), window(name="Backup"))

    found = covering(blackouts, at("2026-05-20T23:30"), zone=UTC_ZONE)

    assert found is not None
    assert found.blackout.name == "Night"


def test_free_instant_is_returned_as_it_is() -> None:
    instant = at("2026-05-20T12:00:00.25")

    assert free_from(parse(window()), instant, UTC_ZONE) == instant


def test_night_of_the_lost_hour_is_an_hour_shorter() -> None:
    found = covering(parse(window()), local("2026-03-29 01:00"), zone=PARIS)

    assert found is not None
    assert found.ends - found.begins == timedelta(hours=7)


def test_night_of_the_repeated_hour_is_an_hour_longer() -> None:
    found = covering(parse(window()), local("2026-10-25 02:30", fold=1), zone=PARIS)

    assert found is not None
    assert found.ends - found.begins == timedelta(hours=9)


def test_window_in_the_lost_hour_covers_nothing_that_day() -> None:
    lost = parse(window(**{"from": "02:00", "until": "03:00"}))

    assert covering(lost, local("2026-03-29 03:00"), zone=PARIS) is None


@pytest.mark.parametrize("fold", [0, 1])
def test_window_in_the_repeated_hour_is_there_both_times(fold: int) -> None:
    repeated = parse(window(**{"from": "02:15", "until": "02:45"}))
    instant = local("2026-10-25 02:30", fold)

    found = covering(repeated, instant, zone=PARIS)

    assert found is not None
    assert found.ends == instant.astimezone(UTC) + 15 * MINUTE


def test_window_that_the_clock_leaves_by_turning_back_ends_there() -> None:
    repeated = parse(window(**{"from": "02:15", "until": "04:00"}))

    found = covering(repeated, local("2026-10-25 02:30"), zone=PARIS)

    assert found is not None
    assert found.ends == local("2026-10-25 02:00", fold=1).astimezone(UTC)
