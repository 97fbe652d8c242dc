"""Fill the history with sample workflows, to see how pages and clean-up bear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.management import sample_history, volumes


class Command(BaseCommand):
    """Write and remove sample history."""

    help = (
        "Write sample workflows with as many runs, tasks, planned instants and journal"
        " lines as asked for, to measure pages and clean-up at that volume; --clear"
        " removes them. The rows fill disk and lists: not for production."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how much is written, and how it is confirmed."""
        parser.add_argument("--runs", type=int, default=1_000_000, help="How many.")
        parser.add_argument(
            "--journal",
            type=int,
            default=10_000_000,
            help="Journal lines, at least so many; every run gets as many.",
        )
        parser.add_argument(
            "--workflows", type=int, default=500, help="Sample workflows."
        )
        parser.add_argument(
            "--days", type=int, default=90, help="How far back the history goes."
        )
        for volume in volumes.registered():
            parser.add_argument(
                f"--{volume.option}", type=int, default=0, help=volume.help
            )
        parser.add_argument(
            "--clear", action="store_true", help="Remove all sample history."
        )
        parser.add_argument(
            "--database",
            default="",
            help="Confirms the database that is meant, by its name.",
        )
        parser.add_argument("--yes", action="store_true", help="Confirms the change.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or remove after confirmation; exit code 1 without it."""
        _check(options)
        if options["clear"]:
            counts = sample_history.clear(self.stderr.write)
            for volume in volumes.registered():
                counts.update(volume.clear(self.stderr.write))
        else:
            counts = sample_history.fill(
                runs=options["runs"],
                lines_per_run=-(-options["journal"] // options["runs"]),
                workflows=options["workflows"],
                days=options["days"],
                at=timezone.now(),
                tell=self.stderr.write,
            )
            for volume in volumes.registered():
                if count := options[volume.key]:
                    counts.update(
                        volume.fill(
                            count=count,
                            days=options["days"],
                            at=timezone.now(),
                            tell=self.stderr.write,
                        )
                    )
        if not connection.in_atomic_block:
            sample_history.refresh_statistics()
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count:,}")


def _check(options: Mapping[str, Any]) -> None:
    """Raise CommandError for odd numbers and for want of confirmation."""
    least_of = {"runs": 1, "journal": 0, "workflows": 1, "days": 1}
    least_of |= {volume.key: 0 for volume in volumes.registered()}
    for name, least in least_of.items():
        if options[name] < least:
            raise CommandError(
                _("--%(name)s is %(value)s: give %(least)s or more.")
                % {
                    "name": name.replace("_", "-"),
                    "value": options[name],
                    "least": least,
                }
            )
    database = _database()
    if options["database"] != database or not options["yes"]:
        raise CommandError(
            _(
                "Nothing was changed. To change the database %(name)s, add"
                " --database %(name)s --yes."
            )
            % {"name": database}
        )
    present = sample_history.exists() or any(
        volume.exists() for volume in volumes.registered()
    )
    if not options["clear"] and present:
        raise CommandError(
            _("There is sample history already: remove it with --clear first.")
        )


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return str(cursor.fetchone()[0])
