"""``make torture`` in short: everything dies now and then, and no promise is broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.live import BASE_DIR

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("torture")]

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
_LINE = re.compile(r"^\| (?P<what>[^|]+) \| (?P<figure>[\d,]+) \|")


def torture(*arguments: str) -> dict[str, int]:
    """Run it; return the first figure of each line of its tables.

    What was broken is in the output of the test that fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.torture", *arguments],
        cwd=BASE_DIR,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    assert "No violation." in done.stdout
    lines = (_LINE.match(line) for line in done.stdout.splitlines())
    return {
        found["what"]: int(found["figure"].replace(",", "")) for found in lines if found
    }


def test_kills_break_no_promise() -> None:
    figures = torture("--seconds", "18", "--seed", "20261122")

    assert figures["Every planned instant has exactly one outcome"] > 100
    assert figures["Every at-most-once effect happened at most once"] > 20
    assert figures["Every idempotent effect of a finished run happened exactly once"]
    assert sum(count for name, count in figures.items() if "killed" in name) >= 3
    assert sum(c for name, c in figures.items() if name.startswith("database ")) >= 2


def test_scenario_24_each_task_is_executed_once() -> None:
    figures = torture("--seconds", "6", "--seed", "24", "--deeds", "messages")

    assert figures["Every task was executed exactly once"] > 50
    assert figures["message doubled"] > 10
    assert figures["message delivered again"] > 3
