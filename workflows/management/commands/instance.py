"""``manage.py instance freeze|thaw|status``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.actions import freeze_instance, thaw_instance
from workflows.engine import freezing
from workflows.management.ordering import (
    add_author,
    find_operator,
    instant,
    iso,
    obeyed,
    print_json,
)
from workflows.models import Freeze, Source


class Command(BaseCommand):
    """Freeze the whole instance, thaw it, tell how it is."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Hold all workflows at once: nothing begins, what runs goes on to its end, and"
        " each workflow keeps its own state. Exit status: 0 done, 2 bad call, 3 no such"
        " operator, 4 already so or a fault, 5 right missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        freeze = verbs.add_parser("freeze", help=_("begin a freeze"))
        freeze.add_argument("--reason", required=True, help=_("shown on every page"))
        freeze.add_argument(
            "--until",
            type=instant,
            metavar="ISO",
            help=_("it ends by itself at this instant"),
        )
        thaw = verbs.add_parser("thaw", help=_("end the freeze"))
        verbs.add_parser("status", help=_("tell whether the instance is frozen"))
        for verb in (freeze, thaw):
            add_author(verb)
        for verb in verbs.choices.values():
            verb.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says, then tell how the instance is."""
        freeze: Freeze | None
        if options["verb"] == "freeze":
            freeze = self._freeze(options)
        elif options["verb"] == "thaw":
            freeze = self._thaw(options)
        else:
            freeze = freezing.current()
        self._tell(freeze, as_json=options["as_json"])

    def _freeze(self, options: dict[str, Any]) -> Freeze:
        operator = find_operator(options["operator"])
        freeze: Freeze = obeyed(
            self.stdout,
            lambda: freeze_instance(
                reason=options["reason"],
                until=options["until"],
                acting_operator=operator,
                source=Source.CLI,
                at=timezone.now(),
            ),
            as_json=options["as_json"],
        )
        return freeze

    def _thaw(self, options: dict[str, Any]) -> Freeze:
        operator = find_operator(options["operator"])
        freeze: Freeze = obeyed(
            self.stdout,
            lambda: thaw_instance(
                acting_operator=operator, source=Source.CLI, at=timezone.now()
            ),
            as_json=options["as_json"],
        )
        return freeze

    def _tell(self, freeze: Freeze | None, *, as_json: bool) -> None:
        is_frozen = freeze is not None and freeze.ended_at is None
        progress = freezing.progress(timezone.now())
        if as_json:
            told: dict[str, Any] = {"is_frozen": is_frozen}
            if freeze is not None:
                told |= {
                    "reason": freeze.reason,
                    "author": freeze.author,
                    "source": freeze.source,
                    "started_at": freeze.started_at,
                    "until": freeze.until,
                    "ended_at": freeze.ended_at,
                    "ended_by": freeze.ended_by,
                }
            if is_frozen:
                told["progress"] = {
                    "running": progress.running,
                    "queued": progress.queued,
                    "due": progress.due,
                    "is_drained": progress.is_drained,
                }
            print_json(self.stdout, told)
            return
        if freeze is None or not is_frozen:
            self.stdout.write(_("The instance is not frozen."))
            return
        self.stdout.write(
            _("Frozen by %(author)s since %(since)s: %(reason)s")
            % {
                "author": freeze.author,
                "since": iso(freeze.started_at),
                "reason": freeze.reason,
            }
        )
        if freeze.until is not None:
            self.stdout.write(
                _("It ends by itself at %(until)s.") % {"until": iso(freeze.until)}
            )
        self.stdout.write(
            _("%(running)s tasks run, %(queued)s are queued, %(due)s are due.")
            % {
                "running": progress.running,
                "queued": progress.queued,
                "due": progress.due,
            }
        )
