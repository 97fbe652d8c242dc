"""The names of an event outside: its id, and the signed key of the Standard face."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.encoding import force_bytes

RT = "rt"
BATCH = "batch"
_KINDS = (RT, BATCH)
_ID = re.compile(r"(rt|batch)-([1-9][0-9]{0,18})")
_LARGEST = 2**63 - 1
_SIGNATURE_BYTES = 15


@dataclass(frozen=True, slots=True)
class EventKey:
    """Which event: the kind of its table and its number there."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.number}"


def read_id(text: str) -> EventKey | None:
    """Return what an id such as ``rt-42`` names, or None when it is no id."""
    match = _ID.fullmatch(text)
    if match is None or int(match[2]) > _LARGEST:
        return None
    return EventKey(match[1], int(match[2]))


def sign(key: EventKey, event_type: str) -> str:
    """Return the opaque PKey of an event; it cannot be guessed from another."""
    payload = bytes([_KINDS.index(key.kind)]) + key.number.to_bytes(8, "big")
    signature = _signature(_secrets()[0], payload, event_type)
    return "@" + base64.urlsafe_b64encode(signature + payload).decode()


def read_pkey(text: str, event_type: str) -> EventKey | None:
    """Return the event of a PKey that we signed for this type, or None."""
    try:
        raw = base64.urlsafe_b64decode(text.removeprefix("@").encode("ascii"))
    except (binascii.Error, ValueError):
        return None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if len(payload) != 9 or payload[0] >= len(_KINDS):
        return None
    if not any(
        hmac.compare_digest(signature, _signature(secret, payload, event_type))
        for secret in _secrets()
    ):
        return None
    return EventKey(_KINDS[payload[0]], int.from_bytes(payload[1:], "big"))


def _signature(secret: bytes, payload: bytes, event_type: str) -> bytes:
    message = payload + event_type.encode()
    return hmac.digest(secret, message, "sha256")[:_SIGNATURE_BYTES]


@cache
def _secrets() -> tuple[bytes, ...]:
    """Return the keys, the current one first; older ones still read."""
    return tuple(
        hashlib.sha256(b"campaign.messagecenter.pkey" + force_bytes(secret)).digest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
