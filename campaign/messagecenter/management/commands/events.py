"""``manage.py events process-again|reveal|export``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.deliveries.services.revealing import reveal
from campaign.messagecenter.models import EventStatus
from campaign.messagecenter.services import reading
from campaign.messagecenter.services.event_exports import export_events
from campaign.messagecenter.services.event_keys import BATCH, RT, read_id
from campaign.messagecenter.services.reprocessing import (
    Reprocessed,
    preview_again,
    process_again,
    read_ids,
)
from workflows.exceptions import NotFound
from workflows.management.ordering import (
    add_author,
    find_operator,
    obeyed,
    print_json,
)
from workflows.models import Source


class Command(BaseCommand):
    """Process events again, show one with its personal data, export a list."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Process events again, show one with its personal data, or write the history as"
        " CSV. Exit status: 0 done, 2 bad call, 3 no such event or operator, 4 a fault,"
        " 5 right missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        again = verbs.add_parser(
            "process-again",
            help=_("hasten events that wait after an error, recycle failed ones"),
        )
        again.add_argument("ids", nargs="+", metavar="ID", help=_("such as rt-42"))
        again.add_argument("--reason", default="", help=_("kept in the audit"))
        again.add_argument(
            "--dry-run", action="store_true", help=_("tell the effects only")
        )
        show = verbs.add_parser("reveal", help=_("show an event in full; audited"))
        show.add_argument("id", metavar="ID", help=_("such as rt-42"))
        show.add_argument("--reason", required=True, help=_("kept in the audit"))
        export = verbs.add_parser("export", help=_("write the history as CSV"))
        export.add_argument("--queue", choices=(RT, BATCH), default=RT)
        export.add_argument("--status", default="", help=_("such as deliveryFailed"))
        export.add_argument("--type", default="", help=_("id of the event type"))
        for verb in (again, show, export):
            add_author(verb)
        for verb in (again, show):
            verb.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says."""
        operator: Any = find_operator(options["operator"])
        act = {
            "process-again": self._again,
            "reveal": self._reveal,
            "export": self._export,
        }[options["verb"]]
        obeyed(
            self.stdout,
            lambda: act(options, operator),
            as_json=options.get("as_json", False),
        )

    def _again(self, options: dict[str, Any], operator: Any) -> None:
        keys = read_ids(options["ids"])
        at = timezone.now()
        if options["dry_run"]:
            done = preview_again(keys=keys, acting_operator=operator, at=at)
        else:
            done = process_again(
                keys=keys,
                acting_operator=operator,
                source=Source.CLI,
                at=at,
                reason=options["reason"],
            )
        if options["as_json"]:
            print_json(self.stdout, done.document())
        else:
            self._tell(done)

    def _tell(self, done: Reprocessed) -> None:
        for sentence in done.sentences() or [_("No event is processed again.")]:
            self.stdout.write(sentence)
        for old, new in done.recycled:
            self.stdout.write(f"  {old} -> {new or '…'}")
        for refused in done.refused:
            self.stdout.write(
                _("Left alone, %(reason)s: %(ids)s")
                % {"reason": refused.reason, "ids": ", ".join(refused.events)}
            )

    def _reveal(self, options: dict[str, Any], operator: Any) -> None:
        key = read_id(options["id"])
        event = reading.find_event(key) if key else None
        if event is None:
            raise NotFound(_("No event has this id."))
        reveal(
            object_type="messagecenter.event",
            object_id=options["id"],
            object_label=f"{event.type} {options['id']}",
            acting_operator=operator,
            source=Source.CLI,
            reason=options["reason"],
            at=timezone.now(),
        )
        print_json(self.stdout, reading.own_document(event))

    def _export(self, options: dict[str, Any], operator: Any) -> None:
        kind = options["queue"]
        found = reading.MODELS[kind].objects.all()
        if options["type"]:
            found = found.filter(type=options["type"])
        if options["status"]:
            status = reading.status_of_api_value(options["status"])
            if status is None:
                raise NotFound(
                    _("No event status is called %(name)s; try one of %(known)s."),
                    name=options["status"],
                    known=", ".join(map(reading.api_status, EventStatus.values)),
                )
            found = found.filter(status=status)
        lines = export_events(
            found,
            kind=kind,
            filters=f"status={options['status']}&type={options['type']}",
            acting_operator=operator,
            source=Source.CLI,
            at=timezone.now(),
        )
        for line in lines:
            self.stdout.write(line, ending="")
