"""A million runs, three million tasks, ten million journal lines: pages and purge.

Every list of console and API is read at its beginning, at its end and with filters
that match little; each SELECT is explained. Then the statements of the clock and of
the workers are, and a ninth of the history is purged while another session writes;
as much again is deleted by the statements that a person would write.
Pages are asked for inside one process, so that their figures are the application's
own; the start of ``bench.plans`` tells what counts as a fault of a plan.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from bench.figures import Result, Spread, median, plain
from bench.installation import Installation, installation
from bench.load import ROOT
from campaign.run.postgres import DATABASE

_DAYS = 90
_KEPT_DAYS, _LESS_DAYS = 80, 70
_PAGE_MS = 200
_NAMED = 5
_STATEMENT_MS = 1_000
_WAIT_MS = 250


def measure(*, quick: bool) -> Result:
    """Measure pages, plans and the purge over sample history."""
    result = Result("volume")
    runs, lines = (105_000, 1_000_000) if quick else (1_050_000, 10_000_000)
    with installation() as running:
        started = time.monotonic()
        asked = ("--runs", str(runs), "--journal", str(lines), "--days", str(_DAYS))
        confirmed = ("--database", DATABASE, "--yes")
        wrote = call(running, "manage.py", "volume", *asked, *confirmed)
        filled = time.monotonic() - started
        rows = counts(wrote)
        [(size,)] = running.query("SELECT pg_database_size(current_database())")
        pages = json.loads(call(running, "-m", "bench.plans"))
        days = (str(_KEPT_DAYS), str(_LESS_DAYS))
        upkeep = json.loads(call(running, "-m", "bench.upkeep", *days))
    for name in ("runs", "tasks", "journal", "occurrences"):
        result.tell(f"rows: {name}", rows[name], "")
    result.tell("database", size / 2**30, "GB")
    result.tell("written", sum(rows.values()) / filled, "rows/s")
    _tell_pages(result, pages)
    _tell_engine(result, upkeep["engine"])
    _tell_purge(result, upkeep["purge"], upkeep["at_once"])
    result.raw = {"rows": rows, "pages": pages, **upkeep}
    return result


def call(running: Installation, *line: str) -> str:
    """Return what a program of the installation printed."""
    done = subprocess.run(
        [sys.executable, *line],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=running.environment,
        check=True,
    )
    return done.stdout.decode()


def counts(text: str) -> dict[str, int]:
    """Return the rows of each kind that ``manage.py volume`` told."""
    pairs = (line.split(": ") for line in text.splitlines())
    return {name: int(count.replace(",", "")) for name, count in pairs}


def _tell_pages(result: Result, pages: list[dict[str, Any]]) -> None:
    medians = {page["name"]: median(page["milliseconds"]) for page in pages}
    spread = Spread.of(list(medians.values()))
    slowest = max(medians, key=lambda name: medians[name])
    result.tell(f"{spread.count} pages, p50", spread.p50, "ms")
    result.at_most("pages, p95", spread.p95, "ms", _PAGE_MS, beside="medians of each")
    result.at_most("slowest page", spread.most, "ms", _PAGE_MS, beside=slowest)
    pairs = [
        (medians[name], medians[name.removesuffix(", deepest page")])
        for name in medians
        if name.endswith(", deepest page")
    ]
    worst = max(deep / first for deep, first in pairs)
    result.at_most("deepest page: times the first", worst, "×", 2)
    queries = max(page["queries"] for page in pages)
    result.tell("most queries of a page", queries, "")
    at_fault = [page for page in pages if page["faults"]]
    result.at_most("pages with a fault in a plan", len(at_fault), "", 1)
    for page in at_fault:
        result.notes.append(f"{page['name']}: {'; '.join(sorted(set(page['faults'])))}")
    by_statement = sorted(pages, key=lambda page: -page["slowest_ms"])
    for page in by_statement[:_NAMED]:
        result.notes.append(
            f"slowest statement of {page['name']}: {page['slowest_ms']:.1f} ms"
        )


def _tell_engine(result: Result, kinds: list[dict[str, Any]]) -> None:
    result.tell("slowest statement of clock and workers", kinds[0]["longest_ms"], "ms")
    at_fault = [kind for kind in kinds if kind["faults"]]
    result.at_most("statements of the engine with a fault", len(at_fault), "", 1)
    for kind in at_fault:
        result.notes.append(f"{'; '.join(kind['faults'])}: {kind['sql'][:160]}")


def _tell_purge(result: Result, purge: dict[str, Any], at_once: dict[str, Any]) -> None:
    rate = purge["deleted"] / purge["seconds"]
    best = at_once["deleted"] / at_once["seconds"]
    beside = f"four statements in one transaction: {plain(best)} rows/s"
    result.tell("purge", rate, "rows/s", beside=beside)
    result.at_most("purge: times the four statements'", best / rate, "×", 2)
    longest = max(purge["kinds"], key=lambda kind: kind["longest_ms"])
    result.at_most(
        "longest statement of the purge", longest["longest_ms"], "ms", _STATEMENT_MS
    )
    result.notes.append(f"longest of the purge: {longest['sql'][:120]}")
    before, during = (
        Spread.of(purge["probe_before_ms"]),
        Spread.of(purge["probe_during_ms"]),
    )
    result.at_most(
        "longest wait of another session during the purge",
        during.most,
        "ms",
        _WAIT_MS,
        beside=f"without it: {plain(before.most)} ms; p95 {plain(during.p95)}"
        f" against {plain(before.p95)} ms",
    )
