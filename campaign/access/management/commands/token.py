"""``manage.py token create|list|revoke NAME``."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaign.access.models import ApiToken, Operator, Scope
from campaign.access.services.setup import ADMIN_NAME
from campaign.access.services.tokens import create_token, revoke_token
from workflows.exceptions import InvalidInput


class Command(BaseCommand):
    """Make, list and revoke the bearer tokens of programs."""

    help = "Make, list and revoke the bearer tokens of programs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        create = verbs.add_parser("create", help="make a token and print it once")
        create.add_argument("name", metavar="NAME")
        create.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what the token allows; repeat for several"
            f" (default: {Scope.EVENT_PUSH.value} and {Scope.EVENT_READ.value})",
        )
        create.add_argument(
            "--operator",
            default=ADMIN_NAME,
            help="whose rights the token uses (default: %(default)s)",
        )
        create.add_argument(
            "--days", type=int, help="expire after so many days (default: never)"
        )
        verbs.add_parser("list", help="list the tokens, never their secrets")
        revoke = verbs.add_parser("revoke", help="end a token for good")
        revoke.add_argument("name", metavar="NAME")

    def handle(self, *_args: Any, **options: Any) -> None:
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
            raise CommandError(f"No operator is named {options['operator']}.")
        days = options["days"]
        try:
            made = create_token(
                name=options["name"],
                operator=operator,
                scopes=options["scope"] or [Scope.EVENT_PUSH, Scope.EVENT_READ],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except InvalidInput as error:
            text = "; ".join(
                f"{fault.field}: {fault.message}" for fault in error.faults
            )
            raise CommandError(f"{error.message} {text}") from error
        self.stderr.write("Keep this token, it is shown only now:")
        self.stdout.write(made.secret)

    def _list(self) -> None:
        for token in ApiToken.objects.select_related("operator").order_by("name"):
            used = (
                token.last_used_at.isoformat() if token.last_used_at else "never used"
            )
            active = "active" if token.is_active else "revoked"
            self.stdout.write(
                f"{token.name}\t{token.operator}\t{','.join(token.scopes)}"
                f"\t{active}\t{used}"
            )

    def _revoke(self, name: str) -> None:
        token = ApiToken.objects.filter(name=name).first()
        if token is None:
            raise CommandError(f"No token is named {name}: see manage.py token list.")
        revoke_token(token)
        self.stdout.write(f"The token {name} was revoked.")
