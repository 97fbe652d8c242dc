"""``manage.py operator reset-password NAME``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.models import Operator
from campaign.access.services.setup import change_password, new_password
from workflows.models import Source


class Command(BaseCommand):
    """Give an operator a new password."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Give an operator a new password; every session of that operator ends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the one verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        reset = verbs.add_parser(
            "reset-password",
            help=_("set a new password: a random one, printed once, or one you give"),
        )
        reset.add_argument("name", metavar="NAME", help=_("user name of the operator"))
        reset.add_argument(
            "--stdin",
            action="store_true",
            help=_("read the password from the first line of standard input"),
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Set the password and say so."""
        name = options["name"]
        operator = Operator.objects.filter(username=name).first()
        if operator is None:
            raise CommandError(
                _("No operator is named %(name)s: look at Operators in /system/.")
                % {"name": name}
            )
        given = sys.stdin.readline().rstrip("\r\n") if options["stdin"] else ""
        if options["stdin"]:
            try:
                validate_password(given, operator)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        password = given or new_password()
        change_password(
            operator=operator,
            password=password,
            acting_operator=None,
            source=Source.CLI,
            at=timezone.now(),
        )
        self.stdout.write(_("The password of %(name)s was changed.") % {"name": name})
        if not given:
            self.stdout.write(
                _("New password, shown only now: %(password)s") % {"password": password}
            )
