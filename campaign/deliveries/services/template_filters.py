"""Filters of message templates: dates, numbers and texts, each with a bound.

``language`` reaches them through the name ``_language`` that `rendering` sets; a
template cannot read or set names that start with an underscore.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import minijinja
from babel import Locale, UnknownLocaleError, dates, numbers
from django.conf import settings

from workflows.engine.template_filters import BOUNDED, read_number

#: Amounts repeat from message to message, and each takes a while to lay out.
_REMEMBERED = 4096


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale:
    """Return the locale of a language tag, its language alone, or English."""
    for candidate in (language.replace("-", "_"), language[:2]):
        try:
            return Locale.parse(candidate)
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    return Locale("en")


def _language(state: Any) -> str:
    return str(state.lookup("_language") or "")


def _locale(state: Any) -> Locale:
    return locale_of(_language(state))


def _instant(value: Any) -> dt.datetime:
    """Read an ISO date or instant, or seconds since 1970, in the server's zone."""
    zone = ZoneInfo(settings.TIME_ZONE)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dt.datetime.fromtimestamp(value, zone)
    read = dt.datetime.fromisoformat(str(value).strip())
    return read.replace(tzinfo=zone) if read.tzinfo is None else read.astimezone(zone)


@minijinja.pass_state
def date(state: Any, value: Any, style: str = "medium") -> str:
    """Show a date: ``short``, ``medium``, ``long``, ``full`` or a CLDR pattern."""
    if value in (None, ""):
        return ""
    day = _instant(value).date()
    return dates.format_date(day, format=str(style)[:64], locale=_locale(state))


@minijinja.pass_state
def time(state: Any, value: Any, style: str = "short") -> str:
    """Show the time of day of an instant, in the server's zone."""
    if value in (None, ""):
        return ""
    moment = _instant(value)
    return dates.format_time(
        moment, format=str(style)[:64], tzinfo=moment.tzinfo, locale=_locale(state)
    )


@minijinja.pass_state
def datetime(state: Any, value: Any, style: str = "medium") -> str:
    """Show an instant in the server's zone."""
    if value in (None, ""):
        return ""
    moment = _instant(value)
    return dates.format_datetime(
        moment, format=str(style)[:64], tzinfo=moment.tzinfo, locale=_locale(state)
    )


@minijinja.pass_state
def number(state: Any, value: Any, digits: int | None = None) -> str:
    """Show a number the way the language writes it, with so many decimals."""
    if value in (None, ""):
        return ""
    places = None if digits is None else max(0, min(int(digits), 10))
    return _decimal(read_number(value), places, _language(state))


@lru_cache(maxsize=_REMEMBERED)
def _decimal(value: Decimal, places: int | None, language: str) -> str:
    pattern = None
    if places is not None:
        pattern = "#,##0" + ("." + "0" * places if places else "")
    return numbers.format_decimal(value, format=pattern, locale=locale_of(language))


@minijinja.pass_state
def money(state: Any, value: Any, currency: str = "EUR") -> str:
    """Show an amount with its currency."""
    if value in (None, ""):
        return ""
    return _currency(read_number(value), str(currency)[:3].upper(), _language(state))


@lru_cache(maxsize=_REMEMBERED)
def _currency(value: Decimal, currency: str, language: str) -> str:
    return numbers.format_currency(value, currency, locale=locale_of(language))


FILTERS: dict[str, Callable[..., Any]] = {
    **BOUNDED,
    "date": date,
    "time": time,
    "datetime": datetime,
    "number": number,
    "money": money,
}
