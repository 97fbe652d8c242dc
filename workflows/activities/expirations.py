"""Expirations of a task that waits for people: when, and what then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import conf
from workflows.activities.base import Context
from workflows.activities.kinds import Boolean, Choice, Duration, Expression, Name, Text
from workflows.activities.records import ListOf
from workflows.activities.spans import Span
from workflows.engine.conditions import value_of
from workflows.exceptions import ConfigurationError, Fault

AFTER_START, AFTER_DATE, BEFORE_DATE, COMPUTED = (
    "after_start",
    "after_date",
    "before_date",
    "computed",
)

EXPIRATIONS = ListOf(
    name="expirations",
    label=gettext_lazy("Expirations"),
    help_text=gettext_lazy("Each has a transition; they come in the order of time."),
    fields=(
        Name(name="name", label=gettext_lazy("Transition"), required=True),
        Text(name="label", label=gettext_lazy("Label")),
        Choice(
            name="kind",
            label=gettext_lazy("Kind"),
            choices=(
                (AFTER_START, gettext_lazy("Delay after the task's beginning")),
                (AFTER_DATE, gettext_lazy("Delay after a date")),
                (BEFORE_DATE, gettext_lazy("Delay before a date")),
                (COMPUTED, gettext_lazy("Computed")),
            ),
            default=AFTER_START,
        ),
        Duration(
            name="delay",
            label=gettext_lazy("Delay"),
            help_text=gettext_lazy("Like 2d or 12h; a bare number is days."),
            unit_seconds=86_400,
        ),
        Expression(
            name="date",
            label=gettext_lazy("Date"),
            help_text=gettext_lazy("An expression, such as vars.day or '2026-12-31'."),
        ),
        Boolean(
            name="keep_open",
            label=gettext_lazy("Do not terminate the task"),
            help_text=gettext_lazy("For a reminder: the question stays open."),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Expiration:
    """When a question expires, by which output, and whether that ends it."""

    name: str
    at: datetime
    keeps_open: bool


def incomplete(items: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """Name what the kind of an expiration needs and it lacks."""
    for index, item in enumerate(items):
        kind = item.get("kind") or AFTER_START
        if kind != COMPUTED and not item.get("delay"):
            yield Fault(f"expirations.{index}.delay", _("Say after how long."))
        if kind != AFTER_START and not item.get("date"):
            yield Fault(f"expirations.{index}.date", _("Give the date it counts."))


def expirations_of(
    context: Context, items: Sequence[Mapping[str, Any]], opened_at: datetime
) -> list[Expiration]:
    """Return the expirations in the order of time; each is computed once."""
    known: dict[str, str] = context.own.setdefault("expires", {})
    found = []
    for item in items:
        if item["name"] not in known:
            known[item["name"]] = _expiry(item, context, opened_at).isoformat()
        instant = datetime.fromisoformat(known[item["name"]])
        found.append(Expiration(item["name"], instant, bool(item.get("keep_open"))))
    return sorted(found, key=lambda expiration: expiration.at)


def _expiry(item: Mapping[str, Any], context: Context, opened_at: datetime) -> datetime:
    zone = ZoneInfo(conf.server_zone())
    kind = item.get("kind") or AFTER_START
    span = Span.read(item["delay"], unit_seconds=86_400) if item.get("delay") else None
    if kind == AFTER_START and span is not None:
        return span.after(opened_at, zone)
    instant = _instant(item, context, zone)
    if kind == AFTER_DATE and span is not None:
        return span.after(instant, zone)
    if kind == BEFORE_DATE and span is not None:
        back = Span(-span.months, 0).after(instant, zone)
        return back - timedelta(seconds=span.seconds)
    return instant


def _instant(item: Mapping[str, Any], context: Context, zone: ZoneInfo) -> datetime:
    value = value_of(item["date"], context.variables)
    try:
        moment = parse_datetime(str(value))
        day = parse_date(str(value)) if moment is None else None
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime(day.year, day.month, day.day, tzinfo=zone)
    if moment is None:
        raise ConfigurationError(
            "The expiration %(name)s gives %(value)s, which is no date.",
            name=item["name"],
            value=str(value)[:80],
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
