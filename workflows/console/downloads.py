"""Rows as a file of comma-separated values, as spreadsheets open them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import get_language

#: Spreadsheets take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Tells spreadsheets that the file is UTF-8.
_MARK = "\ufeff"
PARAMETER, CSV = "format", "csv"


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, value: str) -> str:
        return value


def csv_answer(
    name: str, head: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """Return a download of ``rows`` under ``head``, row by row as they are read.

    Instants are ISO 8601, a text that a spreadsheet would calculate is quoted.
    """
    answer = StreamingHttpResponse(
        _lines(head, rows), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["Content-Language"] = get_language() or "en"
    return answer


def _lines(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield _MARK
    yield writer.writerow([str(title) for title in head])
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def cell(value: Any) -> str:
    """Return a value as a cell of the file."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool | int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
