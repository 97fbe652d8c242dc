"""What an installation costs that has nothing to do: memory, processor, statements.

Memory is PSS, which counts shared pages once, over the whole tree of processes,
PostgreSQL included. Statements are counted in a window of their own, from the
server's log; without that log, PostgreSQL counts transactions only.
"""

from __future__ import annotations

import time

from bench.figures import Result
from bench.installation import installation
from bench.processes import memory, processor_seconds, tree
from bench.statements import Logged, logged

_TRANSACTIONS = (
    "SELECT xact_commit + xact_rollback FROM pg_stat_database"
    " WHERE datname = current_database()"
)
_NAMED = 5
_SHOWN = 110


def measure(*, quick: bool) -> Result:
    """Measure the cost of doing nothing."""
    result = Result("idle")
    settle, seconds = (5.0, 15.0) if quick else (15.0, 60.0)
    with installation() as running:
        time.sleep(settle)
        with running.connect() as session:
            # This session tells its own statements at once, hence in both counts.
            [(before,)] = session.execute(_TRANSACTIONS).fetchall()
            used = processor_seconds(running)
            started = time.monotonic()
            time.sleep(seconds)
            elapsed = time.monotonic() - started
            later = processor_seconds(running)
            [(after,)] = session.execute(_TRANSACTIONS).fetchall()
        sizes = memory(running)
        processes = len(tree(running))
        with logged(running) as statements:
            time.sleep(seconds)
    result.at_most("memory, PSS with PostgreSQL", sum(sizes.values()), "MB", 450)
    share = sum(later.values()) - sum(used.values())
    result.at_most(
        f"processor over {elapsed:.0f} s", share / elapsed * 100, "% of a core", 3
    )
    result.tell("transactions", (after - before) / elapsed, "/s")
    result.tell("statements", statements.count / statements.seconds, "/s")
    result.tell("processes", processes, "")
    result.notes.extend(_most_frequent(statements))
    result.raw = {
        "pss_mb": {name: round(size, 1) for name, size in sizes.items()},
        "statements": [
            {"count": one.count, "ms": round(one.milliseconds, 2), "text": one.text}
            for one in statements.statements
        ],
    }
    return result


def _most_frequent(found: Logged) -> list[str]:
    """Return the statements that an idle installation repeats most."""
    ordered = sorted(found.statements, key=lambda one: -one.count)
    return [
        f"{one.count / found.seconds:.2f}/s  {one.text[:_SHOWN]}"
        for one in ordered[:_NAMED]
    ]
