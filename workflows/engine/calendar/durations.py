"""Durations as operators write them and as schedules store them."""

from __future__ import annotations

import re
from datetime import timedelta

_ISO = re.compile(
    r"P(?=.)(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"(?=\d)(?:(?P<w>\d+)\s*w)?\s*(?:(?P<d>\d+)\s*d)?\s*(?:(?P<h>\d+)\s*h)?"
    r"\s*(?:(?P<m>\d+)\s*m(?:in)?)?\s*(?:(?P<s>\d+)\s*s)?",
    re.IGNORECASE,
)
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_duration(value: object) -> int:
    """Return whole seconds for ``PT15M``, ``1h30m``, ``90s``, ``2d`` or ``90``.

    Numbers without a unit are seconds; a day is 24 hours, a week 7 days. Months
    and years are no durations. Raises ``ValueError`` for anything else.
    """
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, int):
        if value < 0:
            raise ValueError(value)
        return value
    if isinstance(value, timedelta):
        if value < timedelta(0) or value.microseconds:
            raise ValueError(value)
        return value.days * 86_400 + value.seconds
    if not isinstance(value, str):
        raise ValueError(value)
    text = value.strip()
    if len(text) > 40:
        raise ValueError(value)
    if text.isascii() and text.isdigit():
        return int(text)
    match = _ISO.fullmatch(text) or _SHORT.fullmatch(text)
    if match is None:
        raise ValueError(value)
    parts = match.groupdict(default="0")
    return sum(int(parts[unit]) * seconds for unit, seconds in _UNITS.items())


def format_duration(seconds: int) -> str:
    """Return the canonical ISO 8601 form, such as ``PT15M`` or ``P1DT2H``."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    clock = "".join(
        f"{number}{unit}"
        for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S"))
        if number
    )
    if not days and not clock:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
