"""Laying a message out and giving it to the relay, one mail for each person."""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone, translation

from workflows.engine.notifying.contents import Content
from workflows.engine.notifying.recipients import Recipient

logger = logging.getLogger(__name__)
MAIL_TEMPLATE = "workflows/mail/notification.html"
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """How many mails the relay took, and what it said of the others."""

    count: int = 0
    error: str = ""


def send(people: Iterable[Recipient], write: Callable[[], Content]) -> Sent:
    """Mail every person what ``write`` says in their language and zone.

    A mail that the relay refuses never keeps the others back. Raises nothing.
    """
    messages = [_message(person, write) for person in people]
    if not messages:
        return Sent()
    taken, error = 0, ""
    try:
        connection = get_connection()
        connection.open()
    except OSError as fault:
        return Sent(error=_words(fault))
    try:
        for message in messages:
            try:
                taken += connection.send_messages([message]) or 0
            except OSError as fault:
                error = _words(fault)
    finally:
        try:
            connection.close()
        except OSError as fault:  # everything was said already
            logger.info("The relay closed the connection: %s", fault)
    return Sent(taken, error)


def as_text(content: Content) -> str:
    """Return the plain part of a mail."""
    blocks = [content.sentence]
    blocks.append("\n".join(f"{label}: {value}" for label, value in content.facts))
    for section in content.sections:
        lines = [f"- {line}" for line in section.lines]
        blocks.append("\n".join([f"{section.heading}:", *lines]))
    blocks.append("\n".join(f"{link.label}: {link.url}" for link in content.links))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _message(person: Recipient, write: Callable[[], Content]) -> EmailMultiAlternatives:
    with translation.override(person.language), timezone.override(_zone(person)):
        content = write()
        html = render_to_string(
            MAIL_TEMPLATE,
            {"content": content, "language": translation.get_language()},
        )
    message = EmailMultiAlternatives(
        " ".join(content.subject.split())[:_LONGEST_SUBJECT],
        as_text(content),
        settings.MAIL_FROM,
        [person.address],
        # No answer of an absence assistant is wanted (RFC 3834).
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(html, "text/html")
    return message


def _zone(person: Recipient) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(person.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)


def _words(fault: OSError) -> str:
    return " ".join(str(fault).split()) or type(fault).__name__
