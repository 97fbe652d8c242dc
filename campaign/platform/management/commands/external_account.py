"""``manage.py external_account list|test|enable|disable|secret|delete``."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform.commanding import by_command_line, told
from campaign.platform.models import ExternalAccount
from campaign.platform.services import account_changes, account_check, account_types


class Command(BaseCommand):
    """Show, test and change external accounts."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Show, test and change external accounts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help=_("list the accounts, never their secrets"))
        add = verbs.add_parser("add", help=_("add an account; see secret afterwards"))
        add.add_argument("name", metavar="NAME")
        add.add_argument("type", choices=list(account_types.TYPES))
        add.add_argument("--label", required=True)
        add.add_argument(
            "--set", action="append", default=[], metavar="SETTING=VALUE", dest="given"
        )
        add.add_argument("--disabled", action="store_true")
        for verb, words in (
            ("test", _("try the connection; fails when the account does not work")),
            ("enable", _("enable an account")),
            ("disable", _("disable an account")),
            ("secret", _("replace the secret, read from the terminal or a pipe")),
            ("delete", _("delete an account that nothing uses")),
        ):
            verbs.add_parser(verb, help=words).add_argument("name", metavar="NAME")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Do what the verb says."""
        name = given.get("name", "")
        with told():
            match given["verb"]:
                case "list":
                    self._list()
                case "add":
                    self._add(given)
                case "test":
                    self._test(name)
                case "delete":
                    account_changes.delete_account(
                        internal_name=name, **by_command_line()
                    )
                case "secret":
                    account_changes.change_account(
                        internal_name=name, secret=_read_secret(), **by_command_line()
                    )
                case verb:
                    account_changes.change_account(
                        internal_name=name,
                        enabled=verb == "enable",
                        **by_command_line(),
                    )

    def _list(self) -> None:
        for row in ExternalAccount.objects.order_by("internal_name"):
            state = _("enabled") if row.enabled else _("disabled")
            tested = row.last_check_status or _("never tested")
            server = account_types.server_of(row)
            self.stdout.write(
                f"{row.internal_name}\t{row.type}\t{server}\t{state}\t{tested}"
            )

    def _add(self, given: dict[str, Any]) -> None:
        pairs = [text.partition("=") for text in given["given"]]
        config: dict[str, Any] = {name: value for name, _sep, value in pairs}
        if str(config.get("port", "")).isdecimal():
            config["port"] = int(config["port"])
        if "kinds" in config:
            config["kinds"] = [one for one in config["kinds"].split(",") if one]
        account_changes.create_account(
            internal_name=given["name"],
            label=given["label"],
            type=given["type"],
            config=config,
            enabled=not given["disabled"],
            needs_secret=False,
            **by_command_line(),
        )

    def _test(self, name: str) -> None:
        checked = account_check.check_account(internal_name=name, **by_command_line())
        if not checked.is_ok:
            raise CommandError(checked.text)
        self.stdout.write(checked.text)


def _read_secret() -> str:
    """Return the new secret; never an argument, for others see those."""
    if sys.stdin.isatty():
        return getpass.getpass(_("Secret: "))
    return sys.stdin.readline().rstrip("\r\n")
