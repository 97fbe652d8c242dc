"""The table and the JSON files."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Result, plain

RESULTS = Path(__file__).resolve().parent / "results"
_HEAD = ("Measure", "Figure", "Value", "Target", "Beside it, same run")


def save(result: Result, *, seconds: float, loads: tuple[float, float]) -> None:
    """Write ``<name>-latest.json``; replaces the one before in one step."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{result.name}-latest.json"
    document = {
        **result.as_dict(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "load_average": {"before": loads[0], "after": loads[1]},
        "machine": machine(),
    }
    scratch = file.with_suffix(".tmp")
    scratch.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    scratch.replace(file)


def table(results: list[Result]) -> str:
    """Return the figures as a Markdown table."""
    lines = [_row(_HEAD), _row(["---"] * len(_HEAD))]
    for result in results:
        for index, figure in enumerate(result.figures):
            mark = {True: " ✓", False: " ✗", None: ""}[figure.is_met]
            lines.append(
                _row(
                    (
                        result.name if index == 0 else "",
                        figure.label,
                        f"{plain(figure.value)} {figure.unit}{mark}",
                        figure.target,
                        figure.beside,
                    )
                )
            )
    notes = [f"- {result.name}: {note}" for result in results for note in result.notes]
    return "\n".join([*lines, "", *notes])


def machine() -> dict[str, Any]:
    """Return what a reader must know of the machine."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
    return next(names, platform.processor())


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"
