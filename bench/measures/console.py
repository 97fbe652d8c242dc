"""The console at 500 workflows, 10⁶ runs, 10⁷ journal lines and 10⁷ delivery logs.

Every page that links lead to is asked for inside one process, and the tabs of the
busiest workflow at their beginning and their end; each SELECT is explained.
"""

from __future__ import annotations

import json

from bench.figures import Result, Spread, median
from bench.installation import installation
from bench.measures.volume import call, counts
from campaign.run.postgres import DATABASE

_PAGE_MS = 200
_QUERIES = 10
_NAMED = 5
#: Asks what a command would do by doing it, in a transaction that is rolled back.
_REHEARSES = "workflows:command "
_DEEPEST = ", deepest page"


def measure(*, quick: bool) -> Result:
    """Measure every page over sample history."""
    result = Result("console")
    runs, lines, logs = (
        (100_000, 1_000_000, 1_000_000)
        if quick
        else (1_000_000, 10_000_000, 10_000_000)
    )
    with installation() as running:
        wrote = call(
            running,
            *("manage.py", "volume", "--runs", str(runs), "--journal", str(lines)),
            *("--delivery-logs", str(logs), "--database", DATABASE, "--yes"),
        )
        rows = counts(wrote)
        [(size,)] = running.query("SELECT pg_database_size(current_database())")
        pages = json.loads(call(running, "-m", "bench.console_pages"))
    for name in ("workflows", "runs", "journal", "delivery logs"):
        result.tell(f"rows: {name}", rows[name], "")
    result.tell("database", size / 2**30, "GB")
    medians = {page["name"]: median(page["milliseconds"]) for page in pages}
    spread = Spread.of(list(medians.values()))
    result.tell(f"{spread.count} pages, p50", spread.p50, "ms")
    result.at_most("pages, p95", spread.p95, "ms", _PAGE_MS, beside="medians of each")
    slowest = max(medians, key=lambda name: medians[name])
    result.at_most("slowest page", spread.most, "ms", _PAGE_MS, beside=slowest)
    plain = [page for page in pages if not page["name"].startswith(_REHEARSES)]
    most = max(plain, key=lambda page: page["queries"])
    result.at_most(
        "most queries of a list, history or detail",
        most["queries"],
        "",
        _QUERIES + 1,
        beside=most["name"],
    )
    deep = [
        (medians[name] / medians[name.removesuffix(_DEEPEST)], name)
        for name in medians
        if name.endswith(_DEEPEST)
    ]
    worst, name = max(deep)
    result.at_most("deepest page: times the first", worst, "×", 2, beside=name)
    at_fault = [page for page in pages if page["faults"]]
    result.at_most("pages with a fault in a plan", len(at_fault), "", 1)
    for page in at_fault:
        result.notes.append(f"{page['name']}: {'; '.join(sorted(set(page['faults'])))}")
    for page in sorted(pages, key=lambda page: -page["slowest_ms"])[:_NAMED]:
        result.notes.append(
            f"slowest statement of {page['name']}: {page['slowest_ms']:.1f} ms"
        )
    result.raw = {"rows": rows, "pages": pages}
    return result
