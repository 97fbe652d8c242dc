"""Instants, spans and counts in the reader's language, zone and habit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_timedelta, get_datetime_format
from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400


@lru_cache(maxsize=32)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def locale() -> Locale:
    """Return the Babel locale of the active language, English by default.

    Plain English writes dates day first, as the original's pages do.
    """
    language = get_language() or "en"
    return _locale("en_GB" if language == "en" else language)


def moment(
    value: datetime, *, seconds: bool = False, now: datetime | None = None
) -> str:
    """Return an instant as date and time in the active zone, the year only if old."""
    local = timezone.localtime(value)
    year = local.year != timezone.localtime(now or timezone.now()).year
    day = format_skeleton("yMMMd" if year else "MMMd", local, locale=locale())
    joined = str(get_datetime_format("medium", locale=locale()))
    time = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return joined.replace("{0}", time).replace("{1}", day)


def weekday(value: datetime) -> str:
    """Return a day with its weekday, in few letters; ``value`` is local already."""
    return str(format_skeleton("MMMEd", value, locale=locale()))


def clock(value: datetime) -> str:
    """Return the time of day with seconds in the active zone."""
    return timezone.localtime(value).strftime("%H:%M:%S")


def iso(value: datetime) -> str:
    """Return an instant as ISO 8601 in UTC, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def relative(value: datetime, *, now: datetime) -> str:
    """Return how far off an instant is: "3 min ago", "in 5 hr", "now"."""
    delta = value - now
    if abs(delta) < timedelta(seconds=1):
        return _("now")
    return str(
        format_timedelta(
            delta, add_direction=True, format="short", threshold=1.2, locale=locale()
        )
    )


def span(value: timedelta | float) -> str:
    """Return a length of time in at most two units, never rounded to nothing."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        return "–" + span(-seconds)
    if seconds < 1:
        return _("%(n)s ms") % {"n": round(seconds * 1000)}
    if seconds < 10:
        return _("%(n)s s") % {"n": number(round(seconds, 1))}
    whole = round(seconds)
    if whole < MINUTE:
        return _("%(n)s s") % {"n": whole}
    if whole < HOUR:
        return _("%(m)s min %(s)02d s") % {"m": whole // MINUTE, "s": whole % MINUTE}
    if whole < DAY:
        minutes = whole % HOUR // MINUTE
        return _("%(h)s h %(m)02d min") % {"h": whole // HOUR, "m": minutes}
    return _("%(d)s d %(h)s h") % {"d": whole // DAY, "h": whole % DAY // HOUR}


def number(value: float) -> str:
    """Return a number with the grouping of the reader's language."""
    return str(format_decimal(value, locale=locale()))
