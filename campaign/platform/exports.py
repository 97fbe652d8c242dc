"""Lists as CSV: streamed, so that a long one needs no memory, and safe to open.

A cell that a spreadsheet would take for a formula gets a quotation mark before it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from campaign.platform import listing

#: A file ends here, with a line that says so: narrow the list for the rest.
MOST_ROWS = 100_000
_STEP = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
M = TypeVar("M", bound=Model)


class _Echo:
    """A file that gives back what is written."""

    def write(self, text: str) -> str:
        return text


def in_steps(queryset: QuerySet[M], most: int = MOST_ROWS) -> Iterator[M]:
    """Yield rows, newest first, by pages of the key; each in bounded time."""
    before: int | None = None
    for _number in range(0, most, _STEP):
        page = queryset if before is None else queryset.filter(pk__lt=before)
        with listing.bounded_time(10):
            rows = list(page.order_by("-pk")[:_STEP])
        yield from rows
        if len(rows) < _STEP:
            return
        before = rows[-1].pk


def csv_lines(
    header: Sequence[str],
    rows: Iterable[M],
    cells: Callable[[M], Sequence[Any]],
    last_line: str,
) -> Iterator[str]:
    """Yield the lines of a file; ``last_line`` tells of a file that was cut off."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(header)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 (told at the end)
        yield writer.writerow([cell(value) for value in cells(row)])
    if count >= MOST_ROWS:
        yield writer.writerow([last_line])


def cell(value: Any) -> str:
    """Return a value as a cell holds it: instants in UTC, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def csv_response(lines: Iterator[str], filename: str) -> StreamingHttpResponse:
    """Return the answer that downloads a file of these lines."""
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
        },
    )


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdecimal()
