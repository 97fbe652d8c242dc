"""``manage.py delivery pause|resume|stop NUMBER``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.deliveries.api import steered_document
from campaign.deliveries.services import steering
from workflows.management.ordering import (
    EXIT_REFUSED,
    add_author,
    find_operator,
    obeyed,
    print_json,
)
from workflows.models import Source


class Command(BaseCommand):
    """Pause, resume or stop a delivery."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Pause, resume or stop a delivery: its waiting messages are kept back, go on,"
        " or are cancelled for good. Exit status: 0 done or already so, 2 bad call,"
        " 3 no such delivery or operator, 4 not possible in this state,"
        " 5 right missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, text in (
            (steering.PAUSE, _("keep waiting messages back")),
            (steering.RESUME, _("let them go on")),
            (steering.STOP, _("cancel waiting messages for good")),
        ):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("number", type=int, metavar="NUMBER")
            verb.add_argument("--reason", default="", help=_("kept in the audit"))
            verb.add_argument(
                "--dry-run", action="store_true", help=_("tell the effects only")
            )
            verb.add_argument("--json", action="store_true", dest="as_json")
            add_author(verb)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, or tell what would be done."""
        operator: Any = find_operator(options["operator"])
        order = {
            "delivery_id": options["number"],
            "verb": options["verb"],
            "acting_operator": operator,
        }
        if options["dry_run"]:
            told = self._obeyed(lambda: steering.preview_steering(**order), options)
            for effect in told.effects or (told.refusal or _("Nothing to change."),):
                self.stdout.write(effect)
            return
        done = self._obeyed(
            lambda: steering.steer_delivery(
                **order,
                source=Source.CLI,
                at=timezone.now(),
                reason=options["reason"],
            ),
            options,
        )
        if options["as_json"]:
            print_json(self.stdout, steered_document(done).model_dump())
            return
        state = done.delivery.get_state_display()
        self.stdout.write(f"{done.delivery.label}: {state}")

    def _obeyed(self, order: Any, options: dict[str, Any]) -> Any:
        def give() -> Any:
            try:
                return order()
            except steering.DeliveryRefused as error:
                raise CommandError(error.message, returncode=EXIT_REFUSED) from error

        return obeyed(self.stdout, give, as_json=options["as_json"])
