"""``manage.py operator reset-password NAME``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from campaign.access.models import Operator
from campaign.access.services.setup import new_password


class Command(BaseCommand):
    """Give an operator a new password."""

    help = "Give an operator a new password; every session of that operator ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        reset = verbs.add_parser(
            "reset-password",
            help="set a new password: a random one, printed once, or one you give",
        )
        reset.add_argument("name", metavar="NAME", help="user name of the operator")
        reset.add_argument(
            "--stdin",
            action="store_true",
            help="read the password from the first line of standard input",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["name"]
        operator = Operator.objects.filter(username=name).first()
        if operator is None:
            raise CommandError(
                f"No operator is named {name}: look at Operators in /system/."
            )
        given = sys.stdin.readline().rstrip("\r\n") if options["stdin"] else ""
        if options["stdin"]:
            try:
                validate_password(given, operator)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        password = given or new_password()
        operator.set_password(password)
        operator.save(update_fields=["password"])
        self.stdout.write(f"The password of {name} was changed.")
        if not given:
            self.stdout.write(f"New password, shown only now: {password}")
