"""``manage.py group list|show|create|rights|delete NAME``."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.services import groups, rights
from workflows.exceptions import AppError
from workflows.models import Source


class Command(BaseCommand):
    """Make groups and give them named rights."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Make groups and give them named rights."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help=_("list the groups"))
        for verb, text in (
            ("show", _("show members and named rights, as JSON")),
            ("create", _("make a group")),
            ("delete", _("delete a group that is not built in")),
        ):
            verbs.add_parser(verb, help=text).add_argument("name", metavar="NAME")
        given = verbs.add_parser("rights", help=_("give exactly these named rights"))
        given.add_argument("name", metavar="NAME")
        given.add_argument("rights", nargs="*", metavar="RIGHT")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except AppError as error:
            faults = "; ".join(f"{f.field}: {f.message}" for f in error.faults)
            raise CommandError(f"{error.message} {faults}".strip()) from error

    def _list(self, _options: dict[str, Any]) -> None:
        for name in Group.objects.order_by("name").values_list("name", flat=True):
            self.stdout.write(name)

    def _show(self, options: dict[str, Any]) -> None:
        group = groups.find(options["name"])
        row = {
            "name": group.name,
            "members": sorted(group.user_set.values_list("username", flat=True)),
            "rights": sorted(
                rights.name_of(each)
                for each in group.permissions.select_related("content_type")
            ),
        }
        self.stdout.write(json.dumps(row, ensure_ascii=False))

    def _create(self, options: dict[str, Any]) -> None:
        group = groups.create_group(name=options["name"], **_by())
        self.stdout.write(_("The group %(name)s was made.") % {"name": group.name})

    def _delete(self, options: dict[str, Any]) -> None:
        groups.delete_group(name=options["name"], **_by())
        self.stdout.write(_("%(name)s is deleted.") % {"name": options["name"]})

    def _rights(self, options: dict[str, Any]) -> None:
        groups.set_rights(name=options["name"], names=options["rights"], **_by())
        self.stdout.write(
            _("The rights of %(name)s are changed.") % {"name": options["name"]}
        )


def _by() -> dict[str, Any]:
    """Return that the server's own command line acts."""
    return {"acting_operator": None, "source": Source.CLI, "at": timezone.now()}
