"""A clock change and what it does to a schedule, as translated sentences."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.engine.calendar import format_time
from workflows.engine.calendar.changes import ChangeEffect, OnChange
from workflows.engine.schedule_text import format_day, format_length


def describe_change(effect: ChangeEffect, zone: ZoneInfo) -> str:
    """Return which clocks change, when and by how much."""
    change = effect.change
    length = abs(change.after - change.before)
    words = {
        "zone": zone.key,
        "day": format_day(effect.day),
        "before": format_time(
            (change.instant + change.before).replace(tzinfo=None).time()
        ),
        "after": format_time(change.instant.astimezone(zone).time()),
        "length": format_length(int(length.total_seconds())),
    }
    if effect.is_forward:
        text = _(
            "%(day)s: clocks in %(zone)s go forward by %(length)s,"
            " from %(before)s to %(after)s."
        )
    else:
        text = _(
            "%(day)s: clocks in %(zone)s go back by %(length)s,"
            " from %(before)s to %(after)s."
        )
    return text % words


def describe_effect(effect: ChangeEffect, zone: ZoneInfo) -> str:
    """Return in words what the change does to the schedule."""
    match effect.effect:
        case OnChange.NOT_THAT_DAY:
            return _("The schedule has no run on that day.")
        case OnChange.NOTHING:
            return _("Nothing changes for this schedule.")
        case OnChange.MOVED:
            return _moved(effect, zone)
        case OnChange.FIRST_OF_TWO:
            text = ngettext(
                "%(times)s comes twice that day; it runs the first time only.",
                "%(times)s come twice that day; it runs the first time only.",
                len(effect.times),
            )
            return text % {"times": _times(effect)}
        case OnChange.SLOTS:
            text = ngettext(
                "%(count)s run that day instead of %(usual)s.",
                "%(count)s runs that day instead of %(usual)s.",
                effect.runs,
            )
            return text % {"count": effect.runs, "usual": effect.usual_runs}
        case OnChange.SHIFTED:
            return _shifted(effect, zone)


def _moved(effect: ChangeEffect, zone: ZoneInfo) -> str:
    text = ngettext(
        "%(times)s does not exist that day; it runs at %(instead)s, once.",
        "%(times)s do not exist that day; it runs at %(instead)s, once.",
        len(effect.times),
    )
    last = effect.times[-1].instant.astimezone(zone).time()
    return text % {"times": _times(effect), "instead": format_time(last)}


def _shifted(effect: ChangeEffect, zone: ZoneInfo) -> str:
    if effect.before is None or effect.after is None:
        return ""
    return _(
        "Its period counts elapsed time: it runs at %(before)s before the change and"
        " at %(after)s after it."
    ) % {
        "before": format_time(effect.before.astimezone(zone).time()),
        "after": format_time(effect.after.astimezone(zone).time()),
    }


def _times(effect: ChangeEffect) -> str:
    return get_text_list([format_time(item.at) for item in effect.times], _("and"))
