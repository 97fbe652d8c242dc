"""Wait and time constraint: activities that let time pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import conf
from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import Boolean, Duration, Integer, Text, Unfit
from workflows.activities.records import Values
from workflows.engine.calendar import find_zone
from workflows.exceptions import Fault
from workflows.registry import Done, Result, Wait

DAY_SECONDS = 86_400
DAYS_AHEAD = 8

_DURATION = Duration(
    name="duration",
    label=gettext_lazy("Duration"),
    help_text=gettext_lazy(
        "Like 90s, 1h30m, 2d, 3mo or 1y; a bare number is days, m is minutes."
    ),
    required=True,
    unit_seconds=DAY_SECONDS,
)


@register
class WaitActivity(ActivityType):
    """Goes on after a while; never blocks other tasks (wait.md)."""

    name = "wait"
    label = gettext_lazy("Wait")
    help_text = gettext_lazy("Goes on after a while, or when its task is executed now.")
    icon = "hourglass"
    parameters = (_DURATION,)

    def can_fail_softly(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: nothing of what it does can fail for a while."""
        return False

    def execute(self, context: Context) -> Result:
        """Wait; called again, go on: its time has come, or an operator ordered it."""
        until = context.own.get("until")
        if until is None:
            span = _DURATION.span(self.values(context.parameters)["duration"])
            due = span.after(context.started_at, ZoneInfo(conf.server_zone()))
            context.own["until"] = due.isoformat()
            context.info("Waiting %(duration)s.", duration=span.shown)
            return Wait(due)
        if context.started_at < datetime.fromisoformat(until):
            context.info("The waiting was ended before its time.")
        return Done()


class ClockTime(Text):
    """A time of day, such as 08:30; 24:00 is the end of the day."""

    kind = "time"

    def checked(self, text: str) -> str:
        if text == "24:00":
            return text
        try:
            read = time.fromisoformat(text)
        except ValueError:
            read = None
        if read is None or read.tzinfo is not None or read.microsecond:
            raise Unfit(_("Write the time like 08:30."))
        return text

    def limits(self) -> dict[str, Any]:
        return {"pattern": "^([01]\\d|2[0-4]):[0-5]\\d(:[0-5]\\d)?$"}


class ZoneName(Text):
    """A name of the tz database."""

    kind = "time_zone"

    def checked(self, text: str) -> str:
        if find_zone(text) is None:
            raise Unfit(_("Use a name of the tz database, such as Europe/Paris."))
        return text


@register
class TimeConstraint(ActivityType):
    """Lets a branch pass only within allowed hours (time-constraint.md).

    The end is not part of the time frame; one that ends before it begins goes over
    midnight and belongs to the day on which it begins.
    """

    name = "time_constraint"
    label = gettext_lazy("Time constraint")
    help_text = gettext_lazy("Goes on within the allowed hours only.")
    icon = "clock"
    parameters = (
        ClockTime(name="from", label=gettext_lazy("From"), required=True),
        ClockTime(name="until", label=gettext_lazy("Until"), required=True),
        Values(
            name="weekdays",
            label=gettext_lazy("Weekdays"),
            help_text=gettext_lazy("1 is Monday, 7 is Sunday. Empty: every day."),
            item=Integer(name="weekday", lowest=1, highest=7),
        ),
        ZoneName(
            name="time_zone",
            label=gettext_lazy("Time zone"),
            help_text=gettext_lazy("Empty: the time zone of the server."),
        ),
        Boolean(
            name="try_again",
            label=gettext_lazy("Try again later if outside"),
            help_text=gettext_lazy("Otherwise the branch ends there."),
            default=True,
        ),
    )

    def can_fail_softly(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: nothing of what it does can fail for a while."""
        return False

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for a time frame that has a length."""
        if parameters["from"] == parameters["until"]:
            return [Fault("until", _("Give a time other than the beginning."))]
        return []

    def execute(self, context: Context) -> Result:
        """Go on, wait for the next allowed time, or end the branch."""
        given = self.values(context.parameters)
        opening = next_opening(given, context.started_at)
        if opening == context.started_at:
            return Done()
        if not given["try_again"]:
            context.info("It is outside the allowed time: the branch ends here.")
            return Done(output="")
        context.info("It is outside the allowed time: waiting.")
        return Wait(opening)


def next_opening(given: Mapping[str, Any], instant: datetime) -> datetime:
    """Return ``instant`` if it lies in the time frame, else when the next one begins.

    Times of day count in the zone of the constraint; one that a change of clocks
    leaves out begins when the clocks have jumped.
    """
    zone = ZoneInfo(given["time_zone"] or conf.server_zone())
    today = instant.astimezone(zone).date()
    weekdays = set(given["weekdays"]) or set(range(1, 8))
    opening, closing = _offset(given["from"]), _offset(given["until"])
    if closing <= opening:
        closing += timedelta(days=1)
    for ahead in range(-1, DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        if day.isoweekday() not in weekdays:
            continue
        begins, ends = _at(day, opening, zone), _at(day, closing, zone)
        if begins <= instant < ends:
            return instant
        if begins > instant:
            return begins.astimezone(instant.tzinfo)
    raise AssertionError("one of eight days is a weekday of the frame")


def _offset(text: str) -> timedelta:
    parts = [int(part) for part in text.split(":")]
    return timedelta(hours=parts[0], minutes=parts[1])


def _at(day: date, offset: timedelta, zone: ZoneInfo) -> datetime:
    moment = datetime.combine(day, time(), zone) + offset
    # A time that does not exist comes back moved by the jump of the clocks.
    return datetime.fromtimestamp(moment.timestamp(), zone)
