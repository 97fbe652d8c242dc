"""Print the instants that a schedule means."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from workflows.engine.calendar import (
    Schedule,
    ScheduleError,
    change_effects,
    from_cron,
    occurrences,
    resolve_zone,
)
from workflows.engine.change_text import describe_change, describe_effect
from workflows.engine.schedule_text import describe

_MAX_COUNT = 10_000
_BAD_SPEC = 2
_EXAMPLE = '{"kind": "daily", "time": "04:00"}'


class Command(BaseCommand):
    """Expand a schedule with the function that the engine itself uses."""

    help = (
        "Print the next UTC instants of a schedule, one ISO line each. Changes nothing."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the schedule, the instant to start from, how many, and the zone."""
        given = parser.add_mutually_exclusive_group(required=True)
        given.add_argument(
            "--cron",
            help="Cron expression of five fields, turned into the nearest schedule,"
            " whose stored shape and sentence are printed to standard error.",
        )
        given.add_argument(
            "--spec",
            help=f"Stored shape as JSON, such as {_EXAMPLE}; - reads it from standard"
            " input.",
        )
        parser.add_argument(
            "--from",
            dest="after",
            type=_instant,
            help="Print instants strictly after this one (ISO 8601; UTC when it has no "
            "offset). Default: now.",
        )
        parser.add_argument(
            "--count", type=_count, default=10, help="How many instants. Default: 10."
        )
        parser.add_argument(
            "--changes",
            action="store_true",
            help="Print in words what the next two clock changes do, after the instants"
            " and a # each.",
        )
        parser.add_argument(
            "--tz",
            default="",
            help="Zone of the workflow, used when the schedule names none. Default: "
            "the server's.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the instants, or every fault of the schedule with exit code 2."""
        after: datetime = options["after"] or datetime.now(UTC)
        try:
            schedule = self._schedule(options)
            zone = resolve_zone(
                schedule.tz,
                workflow_tz=options["tz"],
                server_tz=settings.TIME_ZONE,
                database_tz="UTC",
            )
        except ScheduleError as error:
            for fault in error.faults:
                self.stderr.write(f"{fault.field}: {fault.message}")
            sys.exit(_BAD_SPEC)
        except ValueError as error:
            self.stderr.write(f"tz: {error}")
            sys.exit(_BAD_SPEC)
        for instant in occurrences(schedule, after, options["count"], zone=zone):
            self.stdout.write(f"{instant:%Y-%m-%dT%H:%M:%SZ}")
        if options["changes"]:
            for effect in change_effects(schedule, after, zone=zone):
                words = (
                    f"{describe_change(effect, zone)} {describe_effect(effect, zone)}"
                )
                self.stdout.write(f"# {words}")

    def _schedule(self, options: dict[str, Any]) -> Schedule:
        if options["cron"]:
            schedule = from_cron(options["cron"])
            self.stderr.write(json.dumps(schedule.as_dict()))
            self.stderr.write(describe(schedule))
            return schedule
        text = sys.stdin.read() if options["spec"] == "-" else options["spec"]
        return Schedule.parse(_load(text))


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        message = _("This is not JSON (%(reason)s); write for example %(example)s.") % {
            "reason": error,
            "example": _EXAMPLE,
        }
        raise ScheduleError([("spec", message)]) from error


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is not an ISO 8601 instant; write 2026-03-29T00:00:00Z."
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MAX_COUNT:
        return int(text)
    raise ArgumentTypeError(f"Give a number between 1 and {_MAX_COUNT}.")
