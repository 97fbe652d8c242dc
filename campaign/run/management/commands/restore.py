from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from campaign.run.dumps import DumpFault, restore
from campaign.run.postgres import EmbeddedDatabaseError


class Command(BaseCommand):
    help = _(
        "Put a backup into an empty database; with --force replace everything in it."
        " The application must be stopped."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help=_("a file that backup made"))
        parser.add_argument(
            "--force", action="store_true", help=_("replace what the database holds")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore all of the backup, or nothing."""
        file: Path = options["file"]
        try:
            restore(file, force=options["force"])
        except (DumpFault, EmbeddedDatabaseError) as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(
            _("Restored %(file)s. The next start brings it up to date.")
            % {"file": file}
        )
