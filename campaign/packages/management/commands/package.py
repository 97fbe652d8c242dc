"""``manage.py package list|install|remove``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.packages.services import installing, removal
from workflows.exceptions import AppError
from workflows.models import Source


class Command(BaseCommand):
    """Show, install and remove packages."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Show, install and remove the built-in packages."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help=_("list the packages"))
        for verb, words in (
            ("install", _("install a package with its workflows")),
            ("remove", _("take a package out of use; its workflows stay, stopped")),
        ):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("slug", metavar="NAME")
            one.add_argument("--reason", default="")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Do what the verb says."""
        if given["verb"] == "list":
            for one in installing.list_packages():
                self.stdout.write(f"{one.slug}\t{one.status}\t{one.label}")
            return
        is_install = given["verb"] == "install"
        action = removal.install_package if is_install else removal.remove_package
        try:
            action(
                slug=given["slug"],
                acting_operator=None,
                source=Source.CLI,
                at=timezone.now(),
                reason=given["reason"],
            )
        except AppError as error:
            raise CommandError(error.message) from error
        done = _("%(name)s installed.") if is_install else _("%(name)s removed.")
        self.stdout.write(done % {"name": given["slug"]})
