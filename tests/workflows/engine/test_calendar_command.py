"""The command schedule_preview prints what the engine would fire."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def preview(spec: object, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors."""
    out, err = StringIO(), StringIO()
    text = spec if isinstance(spec, str) else json.dumps(spec)
    try:
        call_command(
            "schedule_preview", "--spec", text, *arguments, stdout=out, stderr=err
        )
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


DAILY: dict[str, Any] = {"kind": "daily", "time": "02:30"}


def test_prints_utc_instants_one_a_line() -> None:
    code, out, _err = preview(
        DAILY, "--from=2026-03-28T12:00:00Z", "--count=2", "--tz=Europe/Paris"
    )

    assert code == 0
    assert out.splitlines() == ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]


def test_zone_of_the_schedule_wins_over_the_option() -> None:
    _code, out, _err = preview(
        {**DAILY, "tz": "UTC"}, "--from=2026-03-28", "--count=1", "--tz=Europe/Paris"
    )

    assert out.splitlines() == ["2026-03-28T02:30:00Z"]


def test_start_may_carry_an_offset() -> None:
    _code, out, _err = preview(
        DAILY, "--from=2026-03-28T03:00:00+01:00", "--count=1", "--tz=UTC"
    )

    assert out.splitlines() == ["2026-03-28T02:30:00Z"]


def test_ended_schedule_prints_nothing() -> None:
    once = {"kind": "once", "start_date": "2026-01-01", "time": "07:00"}

    assert preview(once, "--from=2026-03-28", "--tz=UTC") == (0, "", "")


def test_every_fault_is_printed_with_exit_code_two() -> None:
    code, out, err = preview({"kind": "weekly", "time": "25:00", "tz": "Mars"})

    assert (code, out) == (2, "")
    assert {line.split(":")[0] for line in err.splitlines()} == {
        "tz",
        "time",
        "weekdays",
    }


@pytest.mark.parametrize("text", ["{", "[1]", '"daily"', ""])
def test_what_is_no_schedule_is_a_fault(text: str) -> None:
    code, _out, err = preview(text)

    assert code == 2
    assert err


def test_unknown_zone_is_a_fault() -> None:
    code, _out, err = preview(DAILY, "--tz=Mars/Base")

    assert code == 2
    assert "Mars/Base" in err


@pytest.mark.parametrize("argument", ["--from=soon", "--count=0", "--count=many"])
def test_bad_argument_is_refused(argument: str) -> None:
    with pytest.raises(CommandError, match=argument.split("=")[0]):
        preview(DAILY, argument)


def test_cron_is_turned_into_the_nearest_schedule() -> None:
    out, err = StringIO(), StringIO()

    call_command(
        "schedule_preview",
        "--cron=30 2 * * *",
        "--from=2026-03-28T12:00:00Z",
        "--count=1",
        "--tz=Europe/Paris",
        stdout=out,
        stderr=err,
    )

    assert out.getvalue() == "2026-03-29T01:00:00Z\n"
    assert "Every day at 02:30" in err.getvalue()


def test_clock_changes_are_told_in_words_when_asked_for() -> None:
    _code, out, _err = preview(
        DAILY,
        "--from=2026-03-01",
        "--count=1",
        "--tz=Europe/Paris",
        "--changes",
    )

    spring, autumn = out.splitlines()[1:]
    assert spring.endswith("02:30 does not exist that day; it runs at 03:00, once.")
    assert autumn.endswith("02:30 comes twice that day; it runs the first time only.")
