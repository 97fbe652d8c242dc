from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from campaign.run.dumps import DumpFault, backup
from campaign.run.postgres import EmbeddedDatabaseError


class Command(BaseCommand):
    help = _("Write the database to a file; the application may run meanwhile.")
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help=_("the file to make"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the backup and tell its size."""
        file: Path = options["file"]
        try:
            size = backup(file)
        except (DumpFault, EmbeddedDatabaseError) as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(
            _(
                "%(file)s: %(size)s KiB. Keep the key for stored secrets"
                " (CAMPAIGN_SECRETS_KEY) elsewhere: the file does not hold it."
            )
            % {"file": file, "size": f"{size / 1024:.0f}"}
        )
