"""A schedule as one translated sentence, for lists, forms, mail and the API.

Weekday and month names are Django's own translations and dates have the active
language's format; times of day are always written as 24-hour ``HH:MM``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time

from django.utils import formats
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from workflows.engine.calendar import LAST, Kind, Schedule, format_time
from workflows.engine.calendar.terms import DAY_SECONDS

_MAX_LISTED_TIMES = 6
_MIDNIGHT = time(0)


def describe(schedule: Schedule, *, with_validity: bool = True) -> str:
    """Return the sentence for a schedule, such as "Every day at 04:00".

    ``with_validity`` adds the start and the end, where the schedule has any. The
    zone is not part of it: print it beside, since it depends on the workflow.
    """
    sentence = _frequency(schedule)
    if not with_validity or schedule.kind is Kind.ONCE:
        return sentence
    return _with_end(_with_start(sentence, schedule), schedule)


def format_day(day: date) -> str:
    """Return a date in the format of the active language."""
    return formats.date_format(day, "DATE_FORMAT")


def format_length(seconds: int) -> str:
    """Return a duration in words, such as "1 hour and 30 minutes"."""
    days, rest = divmod(seconds, DAY_SECONDS)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = []
    if days:
        parts.append(ngettext("%(n)s day", "%(n)s days", days) % {"n": days})
    if hours:
        parts.append(ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours})
    if minutes:
        text = ngettext("%(n)s minute", "%(n)s minutes", minutes)
        parts.append(text % {"n": minutes})
    if rest or not parts:
        parts.append(ngettext("%(n)s second", "%(n)s seconds", rest) % {"n": rest})
    return _all_of(parts)


def _frequency(schedule: Schedule) -> str:
    if schedule.every_seconds is not None:
        return _periodic(schedule, schedule.every_seconds)
    match schedule.kind:
        case Kind.ONCE:
            day = format_day(schedule.start_date) if schedule.start_date else ""
            text = _("Once, on %(day)s") % {"day": day}
        case Kind.SEVERAL_TIMES_A_DAY:
            text = _daily(1)
        case Kind.DAILY:
            text = _daily(schedule.interval)
        case Kind.WEEKLY:
            text = _weekly(schedule)
        case Kind.MONTHLY:
            text = _monthly(schedule)
        case Kind.YEARLY:
            text = _yearly(schedule)
    return _at(text, schedule.times)


def _periodic(schedule: Schedule, every: int) -> str:
    text = _every(every)
    start, until = schedule.from_time, schedule.until_time
    if schedule.is_long_period:
        if schedule.start_date is None:
            return text
        return _("%(every)s, counted from %(day)s at %(time)s") % {
            "every": text,
            "day": format_day(schedule.start_date),
            "time": format_time(start),
        }
    if until is None or until == _MIDNIGHT:
        if start == _MIDNIGHT:
            return text
        if every == 3600 and start.hour == 0 and not start.second:
            return ngettext(
                "Every hour, at %(minute)s minute past",
                "Every hour, at %(minute)s minutes past",
                start.minute,
            ) % {"minute": start.minute}
        return _("%(every)s, starting at %(start)s each day") % {
            "every": text,
            "start": format_time(start),
        }
    if until <= start:
        window = _("%(every)s, each day from %(start)s to %(until)s of the next day")
    else:
        window = _("%(every)s, from %(start)s to %(until)s each day")
    return window % {
        "every": text,
        "start": format_time(start),
        "until": format_time(until),
    }


def _every(seconds: int) -> str:
    for unit, one, many in (
        (DAY_SECONDS, _("Every day"), _every_n_days),
        (3600, _("Every hour"), _every_n_hours),
        (60, _("Every minute"), _every_n_minutes),
        (1, _("Every second"), _every_n_seconds),
    ):
        if seconds == unit:
            return one
        if seconds % unit == 0 and (seconds < 120 * unit or unit >= 3600):
            return many(seconds // unit)
    return _("Every %(length)s") % {"length": format_length(seconds)}


def _every_n_days(number: int) -> str:
    text = ngettext("Every %(n)s day", "Every %(n)s days", number)
    return text % {"n": number}


def _every_n_hours(number: int) -> str:
    text = ngettext("Every %(n)s hour", "Every %(n)s hours", number)
    return text % {"n": number}


def _every_n_minutes(number: int) -> str:
    text = ngettext("Every %(n)s minute", "Every %(n)s minutes", number)
    return text % {"n": number}


def _every_n_seconds(number: int) -> str:
    text = ngettext("Every %(n)s second", "Every %(n)s seconds", number)
    return text % {"n": number}


def _daily(interval: int) -> str:
    if interval == 1:
        return _("Every day")
    if interval == 2:
        return _("Every other day")
    return _every_n_days(interval)


def _weekly(schedule: Schedule) -> str:
    weekdays, interval = schedule.weekdays, schedule.interval
    if interval == 1 and weekdays == (1, 2, 3, 4, 5, 6, 7):
        return _("Every day")
    if weekdays == (1, 2, 3, 4, 5):
        names = pgettext("days from Monday to Friday", "weekday")
    else:
        names = _all_of([str(WEEKDAYS[number - 1]) for number in weekdays])
    if interval == 1:
        return _("Every %(weekdays)s") % {"weekdays": names}
    if interval == 2 and len(weekdays) == 1:
        return _("Every other %(weekday)s") % {"weekday": names}
    if interval == 2:
        return _("Every other week on %(weekdays)s") % {"weekdays": names}
    text = ngettext(
        "Every %(n)s week on %(weekdays)s",
        "Every %(n)s weeks on %(weekdays)s",
        interval,
    )
    return text % {"n": interval, "weekdays": names}


def _monthly(schedule: Schedule) -> str:
    if schedule.ordinals:
        days = _all_of([_ordinal(item.nth, item.weekday) for item in schedule.ordinals])
    else:
        days = _days_of_month(schedule)
    interval = schedule.interval
    if schedule.months:
        names = _all_of([str(MONTHS[number]) for number in schedule.months])
        if interval == 1:
            return _("On %(days)s of %(months)s") % {"days": days, "months": names}
        text = ngettext(
            "Every %(n)s month, on %(days)s, in %(months)s only",
            "Every %(n)s months, on %(days)s, in %(months)s only",
            interval,
        )
        return text % {"n": interval, "days": days, "months": names}
    if interval == 1:
        return _("On %(days)s of each month") % {"days": days}
    if interval == 2:
        return _("On %(days)s of every other month") % {"days": days}
    text = ngettext(
        "Every %(n)s month, on %(days)s", "Every %(n)s months, on %(days)s", interval
    )
    return text % {"n": interval, "days": days}


def _days_of_month(schedule: Schedule) -> str:
    numbers = [day for day in schedule.month_days if day != LAST]
    if numbers == list(range(1, 32)):
        return _("every day")
    names = [_numbered_day(number) for number in numbers]
    if LAST in schedule.month_days:
        names.append(_("the last day"))
    return _all_of(names)


def _numbered_day(number: int) -> str:
    """Return "the 25th"; a language without such endings translates all four."""
    if number % 10 == 1 and number != 11:
        text = pgettext("day of the month: 1, 21, 31", "the %(day)sst")
    elif number % 10 == 2 and number != 12:
        text = pgettext("day of the month: 2, 22", "the %(day)snd")
    elif number % 10 == 3 and number != 13:
        text = pgettext("day of the month: 3, 23", "the %(day)srd")
    else:
        text = pgettext("day of the month: any other", "the %(day)sth")
    return text % {"day": number}


def _ordinal(nth: int | str, weekday: int) -> str:
    texts = {
        1: _("the first %(weekday)s"),
        2: _("the second %(weekday)s"),
        3: _("the third %(weekday)s"),
        4: _("the fourth %(weekday)s"),
        LAST: _("the last %(weekday)s"),
    }
    return texts[nth] % {"weekday": WEEKDAYS[weekday - 1]}


def _yearly(schedule: Schedule) -> str:
    names = [
        pgettext("day of the year", "%(day)s %(month)s")
        % {"day": item.day, "month": MONTHS[item.month]}
        for item in schedule.year_days
    ]
    return _("Every year on %(days)s") % {"days": _all_of(names)}


def _with_start(sentence: str, schedule: Schedule) -> str:
    if schedule.start_date is None or schedule.is_long_period:
        return sentence
    return _("%(sentence)s, from %(day)s on") % {
        "sentence": sentence,
        "day": format_day(schedule.start_date),
    }


def _with_end(sentence: str, schedule: Schedule) -> str:
    expiry = schedule.expiry
    if expiry.last_day is not None:
        return _("%(sentence)s, until %(day)s") % {
            "sentence": sentence,
            "day": format_day(expiry.last_day),
        }
    if expiry.count is not None:
        text = ngettext(
            "%(sentence)s, %(n)s time in all",
            "%(sentence)s, %(n)s times in all",
            expiry.count,
        )
        return text % {"sentence": sentence, "n": expiry.count}
    return sentence


def _at(days: str, times: Sequence[time]) -> str:
    if len(times) <= _MAX_LISTED_TIMES:
        names = _all_of([format_time(item) for item in times])
        return _("%(days)s at %(times)s") % {"days": days, "times": names}
    text = ngettext(
        "%(days)s, %(n)s time between %(first)s and %(last)s",
        "%(days)s, %(n)s times between %(first)s and %(last)s",
        len(times),
    )
    return text % {
        "days": days,
        "n": len(times),
        "first": format_time(times[0]),
        "last": format_time(times[-1]),
    }


def _all_of(names: Iterable[str]) -> str:
    """Return "a, b and c" in the active language."""
    return get_text_list(list(names), _("and"))
