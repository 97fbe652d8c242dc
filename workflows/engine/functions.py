"""Functions of conditions and expressions, by the names that the original gives them.

Each takes what an expression may hold, undefined values included, and answers plain
data. *Source:* customizing-workflow-external-parameters.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime

from workflows import conf

_DATE_PART = re.compile(r"%(\d?)([YMDHNS%])")
_SEPARATORS = re.compile(r"[\\/]")


def end_with(text: Any, end: Any) -> bool:
    """Return whether a text ends with another one."""
    return _text(text).endswith(_text(end))


def start_with(text: Any, start: Any) -> bool:
    """Return whether a text begins with another one."""
    return _text(text).startswith(_text(start))


def extract(text: Any, separator: Any) -> str:
    """Return what stands before the first separator; without one the whole text."""
    return _text(text).split(_text(separator), 1)[0] if separator else _text(text)


def extract_right(text: Any, separator: Any) -> str:
    """Return what stands after the last separator; without one the whole text."""
    return _text(text).rsplit(_text(separator), 1)[-1] if separator else _text(text)


def date_format(value: Any, pattern: Any) -> str:
    """Show an instant in the server's zone, as in ``DateFormat(x, '%4Y-%2M-%2D')``.

    ``Y`` is the year (``%2Y`` its last two digits), ``M`` the month, ``D`` the day,
    ``H``, ``N`` and ``S`` hour, minute and second; the digit is the width. Raises
    ValueError for what is no date.
    """
    if is_null(value):
        return ""
    moment = _moment(_text(value))
    parts = {
        "Y": moment.year,
        "M": moment.month,
        "D": moment.day,
        "H": moment.hour,
        "N": moment.minute,
        "S": moment.second,
    }

    def shown(match: re.Match[str]) -> str:
        width, part = int(match[1] or 0), match[2]
        if part == "%":
            return "%"
        digits = str(parts[part]).zfill(width)
        return digits[-2:] if part == "Y" and width == 2 else digits

    return _DATE_PART.sub(shown, _text(pattern))


def file_name(path: Any) -> str:
    """Return the name of a file, without its folders."""
    return _SEPARATORS.split(_text(path))[-1]


def file_ext(path: Any) -> str:
    """Return the extension of a file without the dot, or an empty text."""
    return PurePosixPath(file_name(path)).suffix.removeprefix(".")


def get_option(name: Any) -> Any:
    """Return the value of an option; an empty text when there is none. SQL."""
    value = conf.any_option(_text(name))
    return "" if value is None else value


def is_null(value: Any) -> bool:
    """Return whether a value is undefined or empty."""
    return value is None or value == ""


def url_utf8_encode(text: Any) -> str:
    """Return a text as it stands in an address."""
    return quote(_text(text), safe="")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _moment(text: str) -> datetime:
    zone = ZoneInfo(conf.server_zone())
    moment = parse_datetime(text)
    if moment is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(f"{text[:40]!r} is not a date")
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=zone)
    return moment.astimezone(zone)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "EndWith": end_with,
    "StartWith": start_with,
    "Extract": extract,
    "ExtractRight": extract_right,
    "DateFormat": date_format,
    "FileName": file_name,
    "FileExt": file_ext,
    "GetOption": get_option,
    "IsNull": is_null,
    "UrlUtf8Encode": url_utf8_encode,
}
