"""What each type of external account asks for; forms, API and checks follow this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform.models import ExternalAccount
from campaign.platform.services import accounts, webhooks
from workflows.exceptions import Fault
from workflows.models import NotificationKind

Text = str | Promise


class FieldKind(StrEnum):
    """How a setting is written and stored."""

    TEXT = "text"
    PORT = "port"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an account type; ``choices`` are pairs of value and words."""

    name: str
    label: Text
    kind: FieldKind = FieldKind.TEXT
    help_text: Text = ""
    choices: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class AccountType:
    """A type with its settings and its one secret."""

    type: ExternalAccount.Type
    settings: tuple[Setting, ...]
    secret: str
    secret_label: Text
    purpose: Text
    secret_help: Text = ""


_HOST = gettext_lazy("Server")
TYPES: Mapping[str, AccountType] = {
    ExternalAccount.Type.ROUTING: AccountType(
        ExternalAccount.Type.ROUTING,
        (
            Setting("host", _HOST, help_text=gettext_lazy("Name of the mail server.")),
            Setting(
                "port",
                gettext_lazy("Port"),
                FieldKind.PORT,
                gettext_lazy("Empty: 25, with STARTTLS 587, with TLS 465."),
            ),
            Setting(
                "security",
                gettext_lazy("Security"),
                FieldKind.CHOICE,
                choices=(
                    ("none", gettext_lazy("None")),
                    ("starttls", gettext_lazy("STARTTLS")),
                    ("tls", gettext_lazy("TLS")),
                ),
            ),
            Setting(
                "user",
                gettext_lazy("User"),
                help_text=gettext_lazy("Empty: no login."),
            ),
        ),
        "password",
        gettext_lazy("Password"),
        gettext_lazy("A mail server that deliveries are handed to."),
    ),
    ExternalAccount.Type.WEBHOOK: AccountType(
        ExternalAccount.Type.WEBHOOK,
        (
            Setting(
                "url",
                gettext_lazy("Address"),
                help_text=gettext_lazy("Begins with https:// or http://."),
            ),
            Setting(
                "kinds",
                gettext_lazy("Notifications"),
                FieldKind.CHOICES,
                gettext_lazy("None chosen: all of them."),
                tuple(NotificationKind.choices),
            ),
        ),
        "secret",
        gettext_lazy("Secret"),
        gettext_lazy("An address that notifications are posted to, signed."),
        gettext_lazy("The receiver checks the signature with it."),
    ),
    ExternalAccount.Type.HTTP: AccountType(
        ExternalAccount.Type.HTTP,
        (
            Setting(
                "host",
                _HOST,
                help_text=gettext_lazy("The only one that gets the secret."),
            ),
            Setting(
                "user",
                gettext_lazy("User"),
                help_text=gettext_lazy("Empty: the secret is a bearer token."),
            ),
        ),
        "password",
        gettext_lazy("Password or token"),
        gettext_lazy("A server that HTTP call activities sign in to."),
    ),
}


def cleaned(account_type: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without empty ones."""
    return {
        name: value for name, value in config.items() if value not in ("", None, [])
    }


def faults(
    account_type: str, config: Any, *, internal_name: str = "", has_secret: bool = True
) -> list[Fault]:
    """Return what is wrong with the settings, each at its name."""
    if not isinstance(config, Mapping):
        return [Fault("config", _("Write the settings as an object."))]
    known = {setting.name for setting in TYPES[account_type].settings}
    found = [
        Fault(
            name,
            _("This type has no such setting; it takes %(known)s.")
            % {"known": ", ".join(sorted(known))},
        )
        for name in config
        if name not in known
    ]
    match account_type:
        case ExternalAccount.Type.WEBHOOK:
            told = webhooks.faults(config, has_secret=has_secret)
            return found + [
                fault
                for fault in told
                if fault.field not in {one.field for one in found}
            ]
        case ExternalAccount.Type.ROUTING:
            return found + _routing_faults(config, internal_name)
        case _:
            return found + _host_faults(config)


def _host_faults(config: Mapping[str, Any]) -> list[Fault]:
    host = config.get("host")
    if not isinstance(host, str) or not host.strip():
        return [Fault("host", _("Give the name of the server."))]
    if any(sign in host for sign in "/@ ?#") or not host.isascii():
        return [Fault("host", _("Give the name alone, such as mail.example.com."))]
    return []


def _routing_faults(config: Mapping[str, Any], internal_name: str) -> list[Fault]:
    if not config and internal_name == accounts.DEFAULT_ROUTING:
        return []  # the relay of the environment
    found = _host_faults(config)
    security = config.get("security", "none")
    if security not in accounts.SECURITIES:
        known = {"known": ", ".join(accounts.SECURITIES)}
        found.append(Fault("security", _("Choose one of %(known)s.") % known))
    port = config.get("port", 25)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65_536:
        found.append(Fault("port", _("Give a number from 1 to 65535.")))
    if "user" in config and not isinstance(config["user"], str):
        found.append(Fault("user", _("Give a text.")))
    return found


def server_of(account: ExternalAccount) -> str:
    """Return where an account leads, for lists."""
    config = account.config if isinstance(account.config, dict) else {}
    if account.type == ExternalAccount.Type.WEBHOOK:
        return str(config.get("url") or "")
    host, port = str(config.get("host") or ""), config.get("port")
    if not host and account.internal_name == accounts.DEFAULT_ROUTING:
        return _("as the environment says (SMTP_URL)")
    return f"{host}:{port}" if port else host
