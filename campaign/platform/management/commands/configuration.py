"""``manage.py configuration export|import``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform import configuration
from campaign.platform.commanding import by_command_line, told
from campaign.platform.configuration import Outcome


class Command(BaseCommand):
    """Carry the configuration of one instance over to another."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Export the configuration as one document, or import one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        export = verbs.add_parser("export", help=_("write the document; no secrets"))
        export.add_argument(
            "--section", action="append", default=[], help=_("repeat for several")
        )
        importing = verbs.add_parser("import", help=_("import a document; - is stdin"))
        importing.add_argument("file", metavar="FILE")
        importing.add_argument(
            "--preview", action="store_true", help=_("only tell what would change")
        )
        importing.add_argument(
            "--without-refused",
            action="store_true",
            help=_("leave out what is refused"),
        )

    def handle(self, *_args: Any, **given: Any) -> None:
        """Do what the verb says."""
        with told():
            if given["verb"] == "import":
                self._import(given)
                return
            document = configuration.export_configuration(
                names=given["section"], acting_operator=None, at=timezone.now()
            )
        self.stdout.write(
            json.dumps(document, ensure_ascii=False, indent=2, default=str)
        )

    def _import(self, given: dict[str, Any]) -> None:
        try:
            text = (
                sys.stdin.read()
                if given["file"] == "-"
                else Path(given["file"]).read_text(encoding="utf-8")
            )
            document = json.loads(text)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        imported = configuration.import_configuration(
            document=document,
            preview=given["preview"],
            without_refused=given["without_refused"],
            **by_command_line(),
        )
        for one in imported.planned:
            if one.outcome is not Outcome.SAME:
                self.stdout.write(
                    f"{one.outcome.value}\t{one.section}/{one.name}\t{one.why}".rstrip()
                )
            for line in one.differences:
                self.stdout.write(f"\t{line.field}: {line.before} → {line.after}")
        done = _("imported") if imported.is_applied else _("preview only")
        self.stdout.write(done)
