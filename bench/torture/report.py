"""The result as tables, for the terminal and for docs/reliability.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.report import machine
from bench.torture.verdict import MOST_SHOWN, Check

BEGIN = "<!-- torture: begin -->"
END = "<!-- torture: end -->"


def tables(
    checks: Iterable[Check], deeds: Mapping[str, int], facts: Mapping[str, str]
) -> str:
    """Return the whole result in Markdown."""
    kept = [
        (check.promise, f"{check.counted:,}", f"{len(check.violations):,}")
        for check in checks
    ]
    return "\n\n".join(
        (
            _table(("Promise", "Held against it", "Violations"), kept),
            _table(("What was done", "Times"), _sorted(deeds)),
            _table(("What happened", "Figure"), facts.items()),
        )
    )


def violations(checks: Iterable[Check]) -> str:
    """Return the violations, each a line; of one promise not more than a page."""
    lines = []
    for check in checks:
        lines += [f"✗ {text}" for text in check.violations[:MOST_SHOWN]]
        if len(check.violations) > MOST_SHOWN:
            lines.append(f"✗ … {len(check.violations) - MOST_SHOWN} more of this kind")
    return "\n".join(lines)


def write(file: Path, text: str, *, seed: int, seconds: float) -> None:
    """Put the result between the two markers of a document.

    Raises ValueError when the document has no markers.
    """
    document = file.read_text()
    before, begin, rest = document.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no place between {BEGIN} and {END}.")
    head = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds:,.0f} s of torture, seed"
        " {seed}, {cores} cores ({processor}), Python {python}."
    ).format(seed=seed, **machine())
    scratch = file.with_suffix(".tmp")
    scratch.write_text(f"{before}{BEGIN}\n\n{head}\n\n{text}\n\n{END}{after}")
    scratch.replace(file)


def _sorted(deeds: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in Counter(deeds).most_common()]


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    rule = ("---", *("---:" for _ in head[1:]))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))
