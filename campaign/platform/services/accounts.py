"""External accounts: their secrets, and the relay that a routing account names."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.utils.translation import gettext as _

from campaign.addresses import Relay
from campaign.platform.models import ExternalAccount
from campaign.sealing import cipher
from workflows.exceptions import ConfigurationError

DEFAULT_ROUTING = "defaultRouting"
SECURITIES = ("none", "starttls", "tls")
_PORTS = {"none": 25, "starttls": 587, "tls": 465}


def seal(values: Mapping[str, str]) -> str:
    """Encrypt secrets for storage with ``CAMPAIGN_SECRETS_KEY``."""
    return cipher().encrypt(json.dumps(dict(values)).encode()).decode()


def unseal(account: ExternalAccount) -> dict[str, str]:
    """Return the secrets of an account.

    Raises ConfigurationError when they were sealed with another key.
    """
    if not account.secrets:
        return {}
    try:
        return json.loads(cipher().decrypt(account.secrets.encode()))
    except (InvalidToken, ValueError) as error:
        raise ConfigurationError(
            _(
                "The secrets of the external account %(account)s cannot be read:"
                " set CAMPAIGN_SECRETS_KEY to the key that they were saved with,"
                " or enter them again."
            ),
            account=account.internal_name,
        ) from error


def secret_name(account: ExternalAccount) -> str:
    """Return under which name the one secret of an account is sealed."""
    is_webhook = account.type == ExternalAccount.Type.WEBHOOK
    return "secret" if is_webhook else "password"


def http_account(name: str) -> dict[str, str] | None:
    """Return ``host``, ``user`` and ``password`` of an HTTP account. One query.

    None without an enabled account of that name.
    """
    account = ExternalAccount.objects.filter(
        internal_name=name, type=ExternalAccount.Type.HTTP, enabled=True
    ).first()
    if account is None:
        return None
    config = account.config if isinstance(account.config, dict) else {}
    return {
        "host": str(config.get("host") or ""),
        "user": str(config.get("user") or ""),
        "password": unseal(account).get("password", ""),
    }


def relay_of(account: ExternalAccount | None) -> Relay:
    """Return the relay of a routing account.

    No account, and the one that `ensure_routing_account` makes as long as it has no
    settings of its own, mean the relay of the environment: ``SMTP_URL``, or else the
    mail catcher. Raises ConfigurationError naming the setting that is wrong.
    """
    if account is None:
        return settings.RELAY
    if account.type != ExternalAccount.Type.ROUTING or not account.enabled:
        raise ConfigurationError(
            _(
                "The external account %(account)s is no enabled routing account:"
                " enable it or choose another routing for the delivery."
            ),
            account=account.internal_name,
        )
    if not account.config and account.internal_name == DEFAULT_ROUTING:
        return settings.RELAY
    return _configured(account)


def ensure_routing_account() -> ExternalAccount:
    """Return the account that deliveries are routed by unless told otherwise.

    Makes it when it is missing and never changes it: what the environment says is
    read when a message is sent.
    """
    account, _made = ExternalAccount.objects.get_or_create(
        internal_name=DEFAULT_ROUTING,
        defaults={
            "label": "Email routing",
            "type": ExternalAccount.Type.ROUTING,
            "config": {},
        },
    )
    return account


def _configured(account: ExternalAccount) -> Relay:
    config = account.config if isinstance(account.config, dict) else {}
    security = config.get("security", "none")
    if security not in SECURITIES:
        raise _fault(account, "security", ", ".join(SECURITIES))
    host = config.get("host")
    if not isinstance(host, str) or not host.strip():
        raise _fault(account, "host", _("the name of the mail server"))
    port = config.get("port", _PORTS[security])
    if not isinstance(port, int) or not 0 < port < 65_536:
        raise _fault(account, "port", _("a number from 1 to 65535"))
    return Relay(
        host=host.strip(),
        port=port,
        username=str(config.get("user") or ""),
        password=unseal(account).get("password", ""),
        tls=security == "tls",
        starttls=security == "starttls",
    )


def _fault(account: ExternalAccount, setting: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        _(
            "The setting %(setting)s of the external account %(account)s is wrong:"
            " set it to %(remedy)s."
        ),
        setting=setting,
        account=account.internal_name,
        remedy=remedy,
    )
