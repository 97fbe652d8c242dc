"""``python -m bench.torture``: see docs/reliability.md."""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib import import_module
from pathlib import Path

import django

from bench.torture import report
from bench.torture.chaos import GROUPS, KILLS
from bench.torture.site import tortured_site

_CRASH_RATE = 0.001


def main() -> int:
    """Torture an installation made for it; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="bench.torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--deeds", nargs="+", choices=GROUPS, default=GROUPS, help="what is done to it"
    )
    parser.add_argument(
        "--document", type=Path, help="put the result between its two markers"
    )
    wanted = parser.parse_args()
    sys.stderr.write(f"torture: {wanted.seconds:.0f} s, seed {wanted.seed}\n")
    rate = _CRASH_RATE if KILLS in wanted.deeds else 0.0
    with tortured_site(crash_rate=rate) as site:
        # This process judges: it uses the database of the installation.
        os.environ.update(site.environment)
        django.setup()
        session = import_module("bench.torture.session")
        outcome = session.torture(
            site, seconds=wanted.seconds, seed=wanted.seed, groups=wanted.deeds
        )
    text = report.tables(outcome.checks, outcome.deeds, outcome.facts)
    sys.stdout.write(f"\n{text}\n")
    if wanted.document:
        report.write(wanted.document, text, seed=wanted.seed, seconds=wanted.seconds)
    if outcome.is_sound:
        sys.stdout.write("\nNo violation.\n")
        return 0
    sys.stdout.write(f"\n{report.violations(outcome.checks)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
