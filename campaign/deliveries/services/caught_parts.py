"""The attachments of a caught message."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

from django.utils.translation import gettext as _

from workflows.exceptions import NotFound

MOST = 100


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is no body; ``name`` is what the sender says, never a path."""

    number: int
    name: str
    content_type: str
    data: bytes

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return len(self.data)


def attachments(source: bytes) -> list[Attachment]:
    """Return the attachments of a message, in their order."""
    return list(_attachments(source))


def attachment(source: bytes, number: int) -> Attachment:
    """Return one attachment. Raises NotFound."""
    for found in _attachments(source):
        if found.number == number:
            return found
    raise NotFound(_("This message has no attachment of that number."))


def _attachments(source: bytes) -> Iterator[Attachment]:
    message = email.message_from_bytes(source, policy=email.policy.default)
    number = 0
    for part in message.walk():
        if part.is_multipart() or not _is_attachment(part):
            continue
        number += 1
        if number > MOST:
            return
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        yield Attachment(number, _name(part, number), part.get_content_type(), data)


def _is_attachment(part: EmailMessage) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return True
    return part.get_content_maintype() != "text"


def _name(part: EmailMessage, number: int) -> str:
    given = (part.get_filename() or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in given if char.isprintable()).strip(". ")
    return shown[:120] or f"attachment-{number}"
