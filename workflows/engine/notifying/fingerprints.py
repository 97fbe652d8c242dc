"""What makes two notifications the same: numbers and names of things apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_HEX = re.compile(r"\b(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")


def normalised(text: object) -> str:
    """Return a text in which the same error of another row looks the same."""
    plain = _UUID.sub("#", str(text))
    plain = _HEX.sub("#", plain)
    plain = _NUMBER.sub("#", plain)
    return _SPACE.sub(" ", plain).strip().casefold()


def fingerprint(
    kind: str, workflow_id: int | None, activity: str, about: Iterable[object]
) -> str:
    """Return the short sum that equal notifications share."""
    parts = [kind, str(workflow_id or ""), activity, *map(normalised, about)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


# The one open alert that nobody would be told when some workflows fail.
UNREACHABLE = fingerprint("alert", None, "", ("unreachable",))
