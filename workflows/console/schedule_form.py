"""The form of a schedule: plain fields to the stored shape and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import gettext_lazy as _

from workflows.engine.calendar import (
    LAST,
    ExpiryType,
    Kind,
    Policy,
    Schedule,
    ScheduleError,
    format_duration,
    format_time,
    from_cron,
)

KINDS = (
    (Kind.ONCE.value, _("Once")),
    (Kind.SEVERAL_TIMES_A_DAY.value, _("Several times a day")),
    (Kind.DAILY.value, _("Daily")),
    (Kind.WEEKLY.value, _("Weekly")),
    (Kind.MONTHLY.value, _("Monthly")),
    (Kind.YEARLY.value, _("Yearly")),
)
UNITS = (("s", _("seconds")), ("m", _("minutes")), ("h", _("hours")), ("d", _("days")))
SIZES = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
DAYS = [(str(number + 1), name) for number, name in WEEKDAYS.items()]
MONTH_CHOICES = [(str(number), name) for number, name in MONTHS.items()]
NTHS = (
    ("1", _("First")),
    ("2", _("Second")),
    ("3", _("Third")),
    ("4", _("Fourth")),
    (LAST, _("Last")),
)
EXPIRIES = (
    (ExpiryType.NEVER.value, _("Never")),
    (ExpiryType.COUNT.value, _("After a number of runs")),
    (ExpiryType.DATE.value, _("On a date")),
)
POLICIES = (
    (Policy.FIRE_ONCE.value, _("Run once for all of them")),
    (Policy.SKIP.value, _("Skip them")),
    (Policy.FIRE_ALL.value, _("Run for each, oldest first, at most 24")),
)


def _text(label: Any, help_text: Any = "", **attributes: str) -> forms.CharField:
    return forms.CharField(
        required=False,
        label=label,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "off", **attributes}),
    )


def _date(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.CharField(
        required=False, label=label, help_text=help_text, widget=widget
    )


def _time(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.TimeInput(attrs={"type": "time", "step": "1"})
    return forms.CharField(
        required=False, label=label, help_text=help_text, widget=widget
    )


def _many(label: Any, choices: Any, help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        required=False,
        label=label,
        choices=choices,
        help_text=help_text,
        widget=forms.CheckboxSelectMultiple,
    )


def _one(label: Any, choices: Any, help_text: Any = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        required=False, label=label, choices=choices, help_text=help_text
    )


class ScheduleForm(forms.Form):
    """Fields for every kind; the page shows those of the chosen one.

    Nothing but form is checked here: ``Schedule.parse`` finds the faults.
    """

    # Names of the stored shape whose faults belong to a field of another name.
    aliases = {
        "time": "times",
        "date": "start_date",
        "ordinals": "nth",
        "expiry": "expiry_type",
        "kind": "kind",
    }

    kind = forms.ChoiceField(
        choices=KINDS, label=_("Frequency"), widget=forms.RadioSelect
    )
    mode = forms.ChoiceField(
        choices=(("every", _("At an interval")), ("times", _("At fixed times"))),
        required=False,
        label=_("Times of the day"),
        widget=forms.RadioSelect,
    )
    every = forms.IntegerField(required=False, min_value=1, label=_("Every"))
    unit = _one(_("Unit"), UNITS)
    from_time = _time(_("From"), _("The first run of the day."))
    until_time = _time(_("Until"), _("Empty: until midnight."))
    times = _text(
        _("Time"), _("As HH:MM; several separated by commas."), placeholder="04:00"
    )
    interval = forms.IntegerField(
        required=False,
        min_value=1,
        label=_("Repeat every"),
        help_text=_("1 is each day, week or month; 2 every other one."),
    )
    weekdays = _many(_("Days of the week"), DAYS)
    months = _many(_("Months"), MONTH_CHOICES, _("None chosen: every month."))
    day_mode = forms.ChoiceField(
        choices=(("days", _("Days of the month")), ("nth", _("Counted weekdays"))),
        required=False,
        label=_("Days"),
        widget=forms.RadioSelect,
    )
    month_days = _text(
        _("Days of the month"),
        _(
            "1 to 31, or last; several separated by commas. A day that a month lacks"
            " is skipped."
        ),
        placeholder="1, 15, last",
    )
    nth = _many(_("Which of the month"), NTHS)
    nth_weekday = _one(_("Day of the week"), DAYS)
    year_days = _text(
        _("Days of the year"),
        _("As month-day; several separated by commas. 02-29 fires in leap years."),
        placeholder="01-31, 12-24",
    )
    start_date = _date(_("Start date"), _("Empty: at once."))
    expiry_type = _one(_("Ends"), EXPIRIES)
    expiry_count = forms.IntegerField(
        required=False, min_value=1, label=_("Number of runs")
    )
    expiry_date = _date(_("Last day"))
    tz = _text(
        _("Time zone"),
        _("Empty: the zone of the workflow. Else a name such as Europe/Paris."),
        list="zones",
    )
    misfire = _one(_("Runs missed while the engine was down"), POLICIES)
    on_resume = _one(
        _("Runs missed during a pause"),
        (("", _("As for the engine being down")), *POLICIES),
    )
    max_lateness = _text(
        _("Latest start"),
        _("A run later than this is skipped. As 15m, 2h, 1d; empty: any."),
        placeholder="2h",
    )
    jitter = _text(
        _("Random delay"),
        _("Spreads the load of workflows of the same time; at most 5m."),
        placeholder="0s",
    )
    cron = _text(
        _("From a cron expression"),
        _("Five fields; it is turned into the nearest frequency and not kept."),
        placeholder="0 4 * * *",
    )

    def stored(self) -> dict[str, Any]:
        """Return the stored shape that the fields describe.

        Raises ScheduleError for a cron expression without a nearest kind.
        """
        data = self.cleaned_data
        if data.get("cron"):
            try:
                shape = from_cron(data["cron"]).as_dict()
            except ScheduleError as error:
                raise ScheduleError(
                    [("cron", fault.message) for fault in error.faults]
                ) from error
        else:
            shape = _KIND_FIELDS[Kind(data["kind"])](data)
            shape["kind"] = data["kind"]
        shape.update(_common(data, shape["kind"]))
        return shape

    @classmethod
    def initial_of(cls, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields' values for a stored shape; {} when not understood."""
        try:
            schedule = Schedule.parse(stored)
        except ScheduleError:
            return {"kind": Kind.DAILY.value}
        every, unit = _every(schedule)
        ordinals = schedule.ordinals
        expiry = schedule.expiry
        zone = "" if schedule.tz == "default" else schedule.tz
        late = schedule.max_lateness_seconds
        return {
            "kind": schedule.kind.value,
            "mode": "every" if schedule.is_periodic or not schedule.times else "times",
            "every": every,
            "unit": unit,
            "from_time": format_time(schedule.from_time),
            "until_time": schedule.until_time and format_time(schedule.until_time),
            "times": ", ".join(format_time(item) for item in schedule.times),
            "interval": schedule.interval,
            "weekdays": [str(day) for day in schedule.weekdays],
            "months": [str(month) for month in schedule.months],
            "day_mode": "nth" if ordinals else "days",
            "month_days": ", ".join(str(day) for day in schedule.month_days),
            "nth": [str(item.nth) for item in ordinals],
            "nth_weekday": str(ordinals[0].weekday) if ordinals else "1",
            "year_days": ", ".join(
                f"{item.month:02d}-{item.day:02d}" for item in schedule.year_days
            ),
            "start_date": schedule.start_date and schedule.start_date.isoformat(),
            "expiry_type": (
                ExpiryType.COUNT.value
                if expiry.count
                else ExpiryType.DATE.value
                if expiry.last_day
                else ExpiryType.NEVER.value
            ),
            "expiry_count": expiry.count,
            "expiry_date": expiry.last_day and expiry.last_day.isoformat(),
            "tz": zone,
            "misfire": schedule.misfire.value,
            "on_resume": schedule.on_resume.value if schedule.on_resume else "",
            "max_lateness": format_duration(late) if late else "",
            "jitter": (
                format_duration(schedule.jitter_seconds)
                if schedule.jitter_seconds
                else ""
            ),
        }


def _every(schedule: Schedule) -> tuple[int, str]:
    seconds = schedule.every_seconds or 3600
    for unit, size in SIZES:
        if seconds % size == 0:
            return seconds // size, unit
    return seconds, "s"


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]


def _times(data: Mapping[str, Any]) -> dict[str, Any]:
    times = _list(data["times"])
    return {"times": times} if len(times) > 1 else {"time": times[0] if times else ""}


def _interval(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"interval": data.get("interval") or 1}


def _once(data: Mapping[str, Any]) -> dict[str, Any]:
    return _times(data)


def _several(data: Mapping[str, Any]) -> dict[str, Any]:
    if data.get("mode") == "times":
        return {"times": _list(data["times"])}
    every = data.get("every")
    shape: dict[str, Any] = {
        "every": f"{every}{data.get('unit') or 'm'}" if every else "",
        "from": data["from_time"] or "00:00",
    }
    if not every:
        # An empty interval has to be named as the fault, not fixed times.
        shape["every"] = "0m"
    if data["until_time"]:
        shape["until"] = data["until_time"]
    return shape


def _daily(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**_times(data), **_interval(data)}


def _weekly(data: Mapping[str, Any]) -> dict[str, Any]:
    days = [int(day) for day in data["weekdays"]]
    return {**_times(data), **_interval(data), "weekdays": days}


def _monthly(data: Mapping[str, Any]) -> dict[str, Any]:
    shape = {**_times(data), **_interval(data)}
    if data["months"]:
        shape["months"] = [int(month) for month in data["months"]]
    if data.get("day_mode") == "nth":
        weekday = int(data.get("nth_weekday") or 1)
        shape["ordinals"] = [
            {"nth": LAST if nth == LAST else int(nth), "weekday": weekday}
            for nth in data["nth"]
        ]
    else:
        shape["month_days"] = [
            int(day) if day.isdigit() else day.lower()
            for day in _list(data["month_days"])
        ]
    return shape


def _yearly(data: Mapping[str, Any]) -> dict[str, Any]:
    days = []
    for part in _list(data["year_days"]):
        month, _dash, day = part.partition("-")
        if not (month.isdigit() and day.isdigit()):
            raise ScheduleError(
                [
                    (
                        "year_days",
                        str(
                            _(
                                "“%(value)s” is no day of the year; write 12-24 for the"
                                " 24th of December."
                            )
                        )
                        % {"value": part[:20]},
                    )
                ]
            )
        days.append({"month": int(month), "day": int(day)})
    return {**_times(data), "year_days": days}


_KIND_FIELDS = {
    Kind.ONCE: _once,
    Kind.SEVERAL_TIMES_A_DAY: _several,
    Kind.DAILY: _daily,
    Kind.WEEKLY: _weekly,
    Kind.MONTHLY: _monthly,
    Kind.YEARLY: _yearly,
}


def _common(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    shape: dict[str, Any] = {"tz": data["tz"].strip() or "default"}
    if data["start_date"]:
        shape["start_date"] = data["start_date"]
    if data["misfire"]:
        shape["misfire"] = data["misfire"]
    for name in ("on_resume", "max_lateness", "jitter"):
        if data[name]:
            shape[name] = data[name]
    ends = data.get("expiry_type")
    if kind != Kind.ONCE.value and ends == ExpiryType.COUNT.value:
        shape["expiry"] = {"type": ends, "value": data.get("expiry_count") or 0}
    elif kind != Kind.ONCE.value and ends == ExpiryType.DATE.value:
        shape["expiry"] = {"type": ends, "value": data["expiry_date"]}
    return shape
