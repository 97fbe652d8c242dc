"""``manage.py heatmap``: the load to come, the load of a day, free stretches."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import conf
from workflows.engine import limits, load
from workflows.engine.calendar import find_zone
from workflows.engine.calendar.instants import to_instant, to_seconds, wall_seconds
from workflows.engine.forecast import Profile, even_cells
from workflows.engine.past_load import PastFilter, past_load
from workflows.engine.schedule_text import describe, format_length
from workflows.management.ordering import print_json

_HOUR = 3600
_ONE_DAY = timedelta(days=1)


class Command(BaseCommand):
    """Print how many workflows run at once, hour by hour."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Print how many workflows will run at once, hour by hour, the stretches free"
        " for maintenance, and quieter times; with --past how many ran on a day."
        " Changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare how far to look, or which day."""
        parser.add_argument(
            "--days", type=_days, default=1, help=_("look so many days ahead, 1 to 14")
        )
        parser.add_argument(
            "--past", type=_day, metavar="DAY", help=_("a day gone by, 2026-11-27")
        )
        parser.add_argument(
            "--tz", type=_zone, help=_("time zone of what is printed; the server's")
        )
        parser.add_argument(
            "--with-frequent",
            action="store_true",
            help=_("workflows that begin every few minutes end a free stretch too"),
        )
        parser.add_argument(
            "--workflow", default="", metavar="NAME", help=_("with --past: only this")
        )
        parser.add_argument(
            "--least-seconds",
            type=int,
            default=0,
            metavar="N",
            help=_("with --past: only runs that took so long"),
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the one or the other."""
        zone = options["tz"] or ZoneInfo(conf.server_zone())
        if options["past"]:
            chosen = PastFilter(
                least_seconds=max(0, options["least_seconds"]),
                workflow=options["workflow"],
            )
            self._past(options["past"], zone, chosen, as_json=options["as_json"])
        else:
            self._ahead(
                options["days"],
                zone,
                with_frequent=options["with_frequent"],
                as_json=options["as_json"],
            )

    def _past(
        self, day: date, zone: ZoneInfo, chosen: PastFilter, *, as_json: bool
    ) -> None:
        first = wall_seconds(zone, day, time(0))
        until = wall_seconds(zone, day + _ONE_DAY, time(0))
        found = past_load(to_instant(first), to_instant(until), chosen, timezone.now())
        hours = _hours(found.profile, first, until)
        if as_json:
            print_json(
                self.stdout,
                {
                    "limit": limits.max_active(),
                    "runs": found.runs,
                    "is_cut": found.is_cut,
                    "hours": hours,
                },
            )
            return
        self._print_hours(hours, zone, limits.max_active())

    def _ahead(
        self, days: int, zone: ZoneInfo, *, with_frequent: bool, as_json: bool
    ) -> None:
        now = timezone.now().replace(minute=0, second=0, microsecond=0)
        found = load.forecast(timezone.now(), now + timedelta(days=days))
        hours = _hours(found.profile, to_seconds(now), to_seconds(found.until))
        gaps = found.gaps(with_frequent=with_frequent)[:10]
        pairs = [(item, found.proposal(item)) for item in found.crowded()]
        better = [(item, quieter) for item, quieter in pairs if quieter is not None]
        if as_json:
            print_json(
                self.stdout,
                {
                    "limit": found.limit,
                    "is_frozen": found.is_frozen,
                    "hours": hours,
                    "gaps": [
                        {
                            "from": to_instant(gap.begins),
                            "until": to_instant(gap.ends),
                            "seconds": gap.seconds,
                        }
                        for gap in gaps
                    ],
                    "quieter": [
                        {
                            "workflow": item.workflow.internal_name,
                            "activity": item.activity,
                            "minutes": quieter.minutes,
                            "others_now": quieter.others_now,
                            "others_then": quieter.others_then,
                            "schedule": quieter.schedule.as_dict(),
                        }
                        for item, quieter in better
                    ],
                },
            )
            return
        if found.is_frozen:
            self.stdout.write(_("The instance is frozen."))
        self._print_hours(hours, zone, found.limit)
        self.stdout.write("")
        for gap in gaps:
            self.stdout.write(
                _("free  %(from)s  %(length)s")
                % {
                    "from": _local(to_instant(gap.begins), zone),
                    "length": format_length(gap.seconds),
                }
            )
        for item, quieter in better:
            self.stdout.write(
                _(
                    "quieter  %(workflow)s  %(sentence)s"
                    "  (%(now)s others now, %(then)s then)"
                )
                % {
                    "workflow": item.workflow.internal_name,
                    "sentence": describe(quieter.schedule, with_validity=False),
                    "now": quieter.others_now,
                    "then": quieter.others_then,
                }
            )

    def _print_hours(
        self, hours: list[dict[str, Any]], zone: ZoneInfo, limit: int
    ) -> None:
        for hour in hours:
            mark = _("over the limit") if hour["at_once"] > limit else ""
            line = f"{_local(hour['from'], zone)}  {hour['at_once']:>4}  {mark}"
            self.stdout.write(line.rstrip())


def _hours(profile: Profile, first: int, until: int) -> list[dict[str, Any]]:
    cells = even_cells(first, _HOUR, (until - first) // _HOUR)
    return [
        {"from": to_instant(cell.begins), "at_once": peak}
        for cell, peak in zip(cells, profile.peaks(cells), strict=True)
    ]


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= load.MOST_DAYS:
        return int(text)
    raise ArgumentTypeError(_("give a number from 1 to %(n)s") % {"n": load.MOST_DAYS})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(_("give a day such as 2026-11-27")) from error


def _zone(text: str) -> ZoneInfo:
    zone = find_zone(text)
    if zone is None:
        raise ArgumentTypeError(_("give a time zone such as Europe/Paris"))
    return zone
