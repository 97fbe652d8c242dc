"""Whether the relay answers, for the health page and the banner."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

_SECONDS = 1.0
_KEPT_SECONDS = 5.0
_MOST_BANNER = 512

_lock = threading.Lock()
_last: RelayStatus | None = None


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """``status`` is up or down; ``detail`` says why, or which server answered."""

    status: str
    detail: str
    age_seconds: float
    checked_at: datetime


def relay_status(at: datetime) -> RelayStatus:
    """Return whether the relay of the environment greets; never raises.

    Connects at most every five seconds in a process and takes two seconds at most.
    """
    global _last
    with _lock:
        if _last is not None:
            age = (at - _last.checked_at).total_seconds()
            if 0 <= age < _KEPT_SECONDS:
                return RelayStatus(_last.status, _last.detail, age, _last.checked_at)
        status, detail = _greeting()
        _last = RelayStatus(status, detail, 0.0, at)
        return _last


def forget() -> None:
    """Have the next question answered by a new connection."""
    global _last
    with _lock:
        _last = None


def _greeting() -> tuple[str, str]:
    relay = settings.RELAY
    place = f"{relay.host}:{relay.port}"
    try:
        with socket.create_connection((relay.host, relay.port), _SECONDS) as link:
            if relay.tls:  # a greeting would need the whole handshake
                return "up", place
            link.settimeout(_SECONDS)
            banner = link.recv(_MOST_BANNER)
            if banner.startswith(b"220"):
                link.sendall(b"QUIT\r\n")
                return "up", place
    except OSError as error:
        return "down", _(
            "The mail server %(place)s does not answer (%(reason)s): check SMTP_URL."
        ) % {"place": place, "reason": error.strerror or error}
    return "down", _(
        "The mail server %(place)s does not greet as one: check SMTP_URL."
    ) % {"place": place}
