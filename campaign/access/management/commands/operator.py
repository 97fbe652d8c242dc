"""``manage.py operator list|show|create|… NAME``."""

from __future__ import annotations

import json
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
from campaign.access.services import operators, rights
from workflows.exceptions import AppError
from workflows.models import Source


class Command(BaseCommand):
    """Make, change, disable operators and help them to sign in."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Make, change, disable operators and help them to sign in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listed = verbs.add_parser("list", help=_("list the operators"))
        listed.add_argument("--json", action="store_true")
        show = _named(verbs, "show", _("show an operator with the rights in force"))
        show.add_argument("--json", action="store_true")
        create = _named(verbs, "create", _("make an operator; print a password once"))
        create.add_argument("--email", default="")
        create.add_argument(
            "--group", action="append", default=[], help=_("repeat for several")
        )
        _named(verbs, "disable", _("end sessions and refuse sign-in and tokens"))
        _named(verbs, "enable", _("let the operator sign in again"))
        groups = _named(verbs, "groups", _("put the operator into these groups only"))
        groups.add_argument("groups", nargs="*", metavar="GROUP")
        reset = _named(
            verbs,
            "reset-password",
            _("set a new password: a random one, printed once, or one you give"),
        )
        reset.add_argument(
            "--stdin",
            action="store_true",
            help=_("read the password from the first line of standard input"),
        )
        _named(verbs, "unlock", _("forget failed sign-ins"))
        _named(verbs, "reset-second-factor", _("take the second factor off"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says."""
        verb = options["verb"].replace("-", "_")
        try:
            getattr(self, f"_{verb}")(options)
        except AppError as error:
            faults = "; ".join(f"{f.field}: {f.message}" for f in error.faults)
            raise CommandError(f"{error.message} {faults}".strip()) from error

    def _list(self, options: dict[str, Any]) -> None:
        rows = [
            _row(each)
            for each in Operator.objects.order_by("username").prefetch_related("groups")
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        for row in rows:
            state = _("active") if row["is_active"] else _("disabled")
            self.stdout.write(
                "\t".join(
                    (row["username"], row["email"], state, ",".join(row["groups"]))
                )
            )

    def _show(self, options: dict[str, Any]) -> None:
        operator = operators.find(options["name"])
        row = _row(operator)
        row["rights"] = {
            each.right.name: list(each.sources)
            for each in rights.verdicts(operator)
            if each.has_it
        }
        if options["json"]:
            self.stdout.write(json.dumps(row, ensure_ascii=False))
            return
        for name, value in row.items():
            if name == "rights":
                for right, sources in value.items():
                    self.stdout.write(f"{right}\t{', '.join(sources)}")
            else:
                self.stdout.write(f"{name}\t{value}")

    def _create(self, options: dict[str, Any]) -> None:
        made = operators.create_operator(
            username=options["name"],
            values={"email": options["email"]},
            groups=options["group"],
            **_by(),
        )
        name = made.operator.username
        self.stdout.write(_("The operator %(name)s was made.") % {"name": name})
        self._tell(made.password)

    def _disable(self, options: dict[str, Any]) -> None:
        operators.set_active(username=options["name"], is_active=False, **_by())
        self.stdout.write(_("%(name)s is disabled.") % {"name": options["name"]})

    def _enable(self, options: dict[str, Any]) -> None:
        operators.set_active(username=options["name"], is_active=True, **_by())
        self.stdout.write(_("%(name)s is enabled.") % {"name": options["name"]})

    def _groups(self, options: dict[str, Any]) -> None:
        name = options["name"]
        operators.set_groups(username=name, groups=options["groups"], **_by())
        self.stdout.write(_("The groups of %(name)s are changed.") % {"name": name})

    def _unlock(self, options: dict[str, Any]) -> None:
        operators.reset_lockout_of(username=options["name"], **_by())
        self.stdout.write(
            _("%(name)s may try to sign in again.") % {"name": options["name"]}
        )

    def _reset_second_factor(self, options: dict[str, Any]) -> None:
        operators.reset_second_factor(username=options["name"], **_by())
        self.stdout.write(
            _("%(name)s signs in without second factor until it is set anew.")
            % {"name": options["name"]}
        )

    def _reset_password(self, options: dict[str, Any]) -> None:
        operator = operators.find(options["name"])
        given = sys.stdin.readline().rstrip("\r\n") if options["stdin"] else ""
        if options["stdin"]:
            try:
                validate_password(given, operator)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        made = operators.reset_password(
            username=operator.username, password=given, **_by()
        )
        self.stdout.write(
            _("The password of %(name)s was changed.") % {"name": options["name"]}
        )
        if not given:
            self._tell(made.password)

    def _tell(self, password: str) -> None:
        self.stdout.write(
            _("New password, shown only now: %(password)s") % {"password": password}
        )


def _named(verbs: Any, verb: str, text: str) -> ArgumentParser:
    parser: ArgumentParser = verbs.add_parser(verb, help=text)
    parser.add_argument("name", metavar="NAME", help=_("user name of the operator"))
    return parser


def _by() -> dict[str, Any]:
    """Return that the server's own command line acts."""
    return {"acting_operator": None, "source": Source.CLI, "at": timezone.now()}


def _row(operator: Operator) -> dict[str, Any]:
    return {
        "username": operator.username,
        "email": operator.email,
        "is_active": operator.is_active,
        "is_superuser": operator.is_superuser,
        "groups": sorted(group.name for group in operator.groups.all()),
    }
