"""Mail addresses as the relay takes them.

Domains are written in ASCII (IDNA). A local part outside ASCII needs a relay that
speaks SMTPUTF8; the sender refuses the message otherwise. A local part that is no
dot-atom is quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _

from workflows.exceptions import AppError

MOST_CHARACTERS = 254
_MOST_LOCAL_BYTES = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010FFFF]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_PLAIN = re.compile(
    r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?")
_UNWANTED = re.compile(r"[\x00-\x20\x7f-\x9f\u00a0\u2028\u2029\ufeff<>\"\\,;]")


class MailboxFault(AppError):
    """%(address)s is not a mail address: write it as name@example.com."""

    code = "invalid_address"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address, ready for an envelope and a header."""

    local: str
    domain: str

    @classmethod
    def read(cls, address: str) -> Mailbox:
        """Read what people write; raise MailboxFault when it cannot be an address."""
        return _read(address.strip())

    @property
    def needs_utf8(self) -> bool:
        """Return whether the relay must speak SMTPUTF8."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def normalised(address: str) -> str:
    """Return an address the way it is compared: trimmed and in lower case."""
    return address.strip().lower()


def domain_of(address: str) -> str:
    """Return the domain of an address in lower case; empty when it has none."""
    return address.rpartition("@")[2].strip().lower()[:128] if "@" in address else ""


@lru_cache(maxsize=4096)
def _read(address: str) -> Mailbox:
    local, at, domain = address.rpartition("@")
    if _PLAIN.fullmatch(address) and len(address) <= MOST_CHARACTERS:
        if len(local) <= _MOST_LOCAL_BYTES:
            return Mailbox(local, domain)
        raise _fault(address)
    if not at or not local or _UNWANTED.search(address):
        raise _fault(address)
    ascii_domain = _ascii_domain(address, domain)
    if not _DOT_ATOM.fullmatch(local):
        if not local.isascii() or "@" in local:
            raise _fault(address)
        local = f'"{local}"'
    if (
        len(local.encode("utf-8", "replace")) > _MOST_LOCAL_BYTES
        or len(local) + len(ascii_domain) >= MOST_CHARACTERS
    ):
        raise _fault(address)
    try:
        local.encode()
    except UnicodeEncodeError as error:
        raise _fault(address) from error
    return Mailbox(local, ascii_domain)


def _ascii_domain(address: str, domain: str) -> str:
    try:
        written = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError as error:
        raise _fault(address) from error
    labels = written.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(written) > 253:
        raise _fault(address)
    return written.lower()


def _fault(address: str) -> MailboxFault:
    return MailboxFault(
        _("%(address)s is not a mail address: write it as name@example.com."),
        address=address[:80].encode("utf-8", "replace").decode(),
    )
