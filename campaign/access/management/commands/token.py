"""``manage.py token create|list|revoke NAME``."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.models import ApiToken, Operator, Scope
from campaign.access.services.setup import ADMIN_NAME
from campaign.access.services.tokens import create_token, revoke_token
from workflows.exceptions import InvalidInput
from workflows.models import Source


class Command(BaseCommand):
    """Make, list and revoke the bearer tokens of programs."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Make, list and revoke the bearer tokens of programs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        create = verbs.add_parser("create", help=_("make a token and print it once"))
        create.add_argument("name", metavar="NAME")
        create.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help=_(
                "what the token allows; repeat for several (default: push and read"
                " events)"
            ),
        )
        create.add_argument(
            "--operator",
            default=ADMIN_NAME,
            help=_("whose rights the token uses (default: admin)"),
        )
        create.add_argument(
            "--days", type=int, help=_("expire after so many days (default: never)")
        )
        verbs.add_parser("list", help=_("list the tokens, never their secrets"))
        revoke = verbs.add_parser("revoke", help=_("end a token for good"))
        revoke.add_argument("name", metavar="NAME")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says."""
        match options["verb"]:
            case "create":
                self._create(options)
            case "list":
                self._list()
            case "revoke":
                self._revoke(options["name"])

    def _create(self, options: dict[str, Any]) -> None:
        operator = Operator.objects.filter(username=options["operator"]).first()
        if operator is None:
            raise CommandError(
                _("No operator is named %(name)s.") % {"name": options["operator"]}
            )
        days, now = options["days"], timezone.now()
        try:
            made = create_token(
                name=options["name"],
                operator=operator,
                scopes=options["scope"] or [Scope.EVENT_PUSH, Scope.EVENT_READ],
                expires_at=None if days is None else now + timedelta(days=days),
                acting_operator=None,
                source=Source.CLI,
                at=now,
            )
        except InvalidInput as error:
            text = "; ".join(f"{f.field}: {f.message}" for f in error.faults)
            raise CommandError(f"{error.message} {text}") from error
        self.stderr.write(_("Keep this token, it is shown only now:"))
        self.stdout.write(made.secret)

    def _list(self) -> None:
        for token in ApiToken.objects.select_related("operator").order_by("name"):
            used = token.last_used_at
            state = _("active") if token.is_active else _("revoked")
            self.stdout.write(
                "\t".join(
                    (
                        token.name,
                        str(token.operator),
                        ",".join(token.scopes),
                        state,
                        used.isoformat() if used else _("never used"),
                    )
                )
            )

    def _revoke(self, name: str) -> None:
        token = ApiToken.objects.filter(name=name).first()
        if token is None:
            raise CommandError(
                _("No token is named %(name)s: see manage.py token list.")
                % {"name": name}
            )
        revoke_token(token, acting_operator=None, source=Source.CLI, at=timezone.now())
        self.stdout.write(_("The token %(name)s was revoked.") % {"name": name})
