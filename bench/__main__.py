"""``python -m bench [--quick] [NAME …]``: measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback

from bench import report
from bench.figures import Result, load_average

#: In this order; those in brackets run only when they are named.
MEASURES = (
    "ready",
    "idle",
    "schedule",
    "rate",
    "commands",
    "intake",
    "messages",
    "status_copy",
)
BY_NAME_ONLY = ("console", "volume", "web_servers")


def main() -> int:
    """Run the wanted measures; 1 when one of them could not be made."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("names", nargs="*", metavar="NAME")
    wanted = parser.parse_args()
    unknown = set(wanted.names) - {*MEASURES, *BY_NAME_ONLY}
    if unknown:
        known = ", ".join((*MEASURES, *BY_NAME_ONLY))
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {known}")
    results: list[Result] = []
    failed: list[str] = []
    for name in wanted.names or MEASURES:
        result = _measure(name, quick=wanted.quick)
        if result is None:
            failed.append(name)
        else:
            results.append(result)
    sys.stdout.write("\n" + report.table(results) + "\n")
    if failed:
        sys.stdout.write(f"\nNot measured: {', '.join(failed)}; see above.\n")
    return 1 if failed else 0


def _measure(name: str, *, quick: bool) -> Result | None:
    """Run one measure and keep its result; tell progress on standard error."""
    sys.stderr.write(f"bench: {name} …\n")
    module = importlib.import_module(f"bench.measures.{name}")
    before, started = load_average(), time.monotonic()
    try:
        result: Result = module.measure(quick=quick)
    except Exception:  # noqa: BLE001 (one measure that fails must not hide the others)
        traceback.print_exc()
        return None
    seconds = time.monotonic() - started
    loads = (before, load_average())
    report.save(result, seconds=seconds, loads=loads)
    sys.stderr.write(f"bench: {name} took {seconds:.0f} s, load {loads[1]:.1f}\n")
    return result


if __name__ == "__main__":
    sys.exit(main())
