"""The addresses of other systems that variables carry: database, relay, ourselves."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_DATABASE_OPTIONS = frozenset(
    {
        "application_name",
        "connect_timeout",
        "gssencmode",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "options",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "tcp_user_timeout",
    }
)
_DATABASE_FORM = "postgresql://USER:PASSWORD@HOST:5432/NAME"
_SMTP_FORM = "smtp://USER:PASSWORD@HOST:587?starttls=1"
_SMTP_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Relay:
    """The SMTP server that takes our mail."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    starttls: bool = False


def _split(variable: str, url: str, schemes: tuple[str, ...], form: str) -> SplitResult:
    """Split a URL; refuse an unknown scheme or an impossible port. Never repeat the
    URL in the message: it may carry a password."""
    try:
        parts = urlsplit(url)
        port_is_whole = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_whole = SplitResult("", "", "", "", ""), False
    if parts.scheme not in schemes or not port_is_whole:
        raise ImproperlyConfigured(
            f"{variable} cannot be read: write it as {form},"
            " with special characters of the password percent-encoded."
        )
    return parts


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's database settings for a PostgreSQL URL (``DATABASE_URL``)."""
    parts = _split("DATABASE_URL", url, ("postgresql", "postgres"), _DATABASE_FORM)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured(
            f"DATABASE_URL names no database: write it as {_DATABASE_FORM}."
        )
    user = options.pop("user", None) or unquote(parts.username or "")
    unknown = sorted(set(options) - _DATABASE_OPTIONS)
    if unknown:
        raise ImproperlyConfigured(
            f"DATABASE_URL carries the unknown option {', '.join(unknown)}:"
            f" use {', '.join(sorted(_DATABASE_OPTIONS))}."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": user,
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": "5", **options},
    }


def relay_settings(url: str) -> Relay:
    """Return the relay that an SMTP URL (``SMTP_URL``) names.

    ``smtp://`` speaks plainly unless ``?starttls=1`` is given, ``smtps://`` uses TLS
    from the first byte.
    """
    parts = _split("SMTP_URL", url, tuple(_SMTP_PORTS), _SMTP_FORM)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = options.pop("starttls", "0")
    if not parts.hostname or options or starttls not in {"0", "1"}:
        raise ImproperlyConfigured(
            "SMTP_URL names no host or carries an option other than starttls=0 or"
            f" starttls=1: write it as {_SMTP_FORM} or smtps://USER:PASSWORD@HOST."
        )
    tls = parts.scheme == "smtps"
    return Relay(
        host=parts.hostname,
        port=parts.port or _SMTP_PORTS[parts.scheme],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=starttls == "1" and not tls,
    )


def public_address(url: str) -> SplitResult:
    """Return the parts of the address under which people reach us (``PUBLIC_URL``)."""
    form = "https://campaign.example.com"
    parts = _split("PUBLIC_URL", url.rstrip("/"), ("http", "https"), form)
    if not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"PUBLIC_URL must be scheme and host alone: write it as {form}."
        )
    return parts


def proxy_networks(
    items: tuple[str, ...],
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the networks of the reverse proxies we believe (``TRUSTED_PROXIES``)."""
    try:
        return tuple(ipaddress.ip_network(item, strict=False) for item in items)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES cannot be read ({error}): list addresses or networks,"
            " such as 10.0.0.5,192.168.0.0/24."
        ) from error
