"""The check of an event as it is sent: every fault named at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from campaign.deliveries.models import Channel
from campaign.deliveries.services.mailboxes import Mailbox, MailboxFault
from campaign.messagecenter.services.attributes import parse_instant
from campaign.messagecenter.services.event_rules import EventRules
from workflows.exceptions import AppError, Fault

MAX_EVENT_BYTES = 64 * 1024
MAX_FAULTS = 100

_CHANNELS: Mapping[str, Channel] = {
    "email": Channel.EMAIL,
    "sms": Channel.SMS,
    "push": Channel.PUSH,
    "push_ios": Channel.PUSH_IOS,
    "push_android": Channel.PUSH_ANDROID,
    **{
        str(channel.value): channel
        for channel in (
            Channel.EMAIL,
            Channel.SMS,
            Channel.PUSH,
            Channel.PUSH_IOS,
            Channel.PUSH_ANDROID,
        )
    },
}
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{3,30}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}")

#: Names of the fields on the own face and on the Standard-compatible one.
OWN_FIELDS: Mapping[str, str] = {
    name: name
    for name in (
        "email",
        "mobile_phone",
        "registration_token",
        "channel",
        "ctx",
        "external_id",
        "language",
        "origin",
        "scheduled",
        "expiration",
        "queue",
    )
}
STANDARD_FIELDS: Mapping[str, str] = {
    "email": "email",
    "mobilePhone": "mobile_phone",
    "registrationToken": "registration_token",
    "wishedChannel": "channel",
    "ctx": "ctx",
    "externalId": "external_id",
    "language": "language",
    "origin": "origin",
    "scheduled": "scheduled",
    "expiration": "expiration",
}
_LENGTHS = {"external_id": 128, "origin": 64, "registration_token": 512}


class EventTooLarge(AppError):
    """The event is larger than 64 KiB: send less data with it."""

    code = "too_large"
    status = 413


@dataclass(slots=True)
class NewEvent:
    """An event that passed every check, in the shape of its columns."""

    rules: EventRules
    queue: str
    channel: int
    email: str
    mobile_phone: str
    registration_token: str
    language: str
    external_id: str
    origin: str
    ctx: str
    scheduled: datetime | None
    expiration: datetime | None


def read_event(
    body: Any, rules: EventRules, fields: Mapping[str, str]
) -> NewEvent | list[Fault]:
    """Return the event that ``body`` describes, or every fault of it.

    ``fields`` maps the names of the face to ours. Raises EventTooLarge.
    """
    if not isinstance(body, dict):
        return [Fault("", _("Give a JSON object."))]
    return _Reader(body, rules, fields).read()


class _Reader:
    """Reads one body; faults gather in the order of the fields."""

    __slots__ = ("_body", "_faults", "_fields", "_names", "_rules")

    def __init__(
        self, body: dict[str, Any], rules: EventRules, fields: Mapping[str, str]
    ) -> None:
        self._body = body
        self._rules = rules
        self._fields = fields
        self._faults: list[Fault] = []
        self._names = {ours: theirs for theirs, ours in fields.items()}

    def read(self) -> NewEvent | list[Fault]:
        for name in self._body:
            if name not in self._fields:
                text = _("Unknown field; this call takes %(names)s.")
                self._fault_of(name[:64], text % {"names": ", ".join(self._fields)})
        channel = self._channel()
        event = NewEvent(
            rules=self._rules,
            queue=self._queue(),
            channel=channel,
            email=self._email(),
            mobile_phone=self._phone(),
            registration_token=self._text("registration_token"),
            language=self._language(),
            external_id=self._text("external_id"),
            origin=self._text("origin"),
            ctx=self._ctx(),
            scheduled=self._instant("scheduled"),
            expiration=self._instant("expiration"),
        )
        self._check_address(event)
        if (
            event.scheduled
            and event.expiration
            and (event.expiration <= event.scheduled)
        ):
            self._fault("expiration", _("Give an instant after the scheduled one."))
        return self._faults[:MAX_FAULTS] or event

    def _get(self, ours: str) -> Any:
        name = self._names.get(ours)
        return None if name is None else self._body.get(name)

    def _fault(self, ours: str, message: str) -> None:
        self._fault_of(self._names[ours], message)

    def _fault_of(self, field: str, message: str) -> None:
        self._faults.append(Fault(field, message))

    def _channel(self) -> int:
        value = self._get("channel")
        if value is None:
            return self._rules.channel
        found = (
            None
            if isinstance(value, bool | float | dict | list)
            else _CHANNELS.get(str(value).lower())
        )
        if found is None:
            text = _("Unknown channel; use email, sms, push, push_ios or push_android.")
            self._fault("channel", text)
            return self._rules.channel
        return found.value

    def _queue(self) -> str:
        value = self._get("queue")
        if value in (None, "realtime"):
            return "rt"
        if value == "batch":
            return "batch"
        self._fault("queue", _("Use realtime or batch."))
        return "rt"

    def _text(self, ours: str) -> str:
        value = self._get(ours)
        if value is None:
            return ""
        longest = _LENGTHS[ours]
        if isinstance(value, str) and len(value) <= longest and value.isprintable():
            return value.strip()
        text = _("Give a text of up to %(count)s printable characters.")
        self._fault(ours, text % {"count": longest})
        return ""

    def _email(self) -> str:
        value = self._get("email")
        if value is None or value == "":
            return ""
        if isinstance(value, str):
            try:
                Mailbox.read(value)
            except MailboxFault:
                pass
            else:
                return value.strip()
        self._fault("email", _("Give an e-mail address such as name@example.com."))
        return ""

    def _phone(self) -> str:
        value = self._get("mobile_phone")
        if value is None or value == "":
            return ""
        if isinstance(value, str) and _PHONE.fullmatch(value.strip()):
            return value.strip()
        self._fault("mobile_phone", _("Give a number such as +33 6 12 34 56 78."))
        return ""

    def _language(self) -> str:
        value = self._get("language")
        if value is None or value == "":
            return ""
        if isinstance(value, str) and len(value) <= 16 and _LANGUAGE.fullmatch(value):
            return value
        self._fault("language", _("Give a language code such as fr or pt-BR."))
        return ""

    def _instant(self, ours: str) -> datetime | None:
        value = self._get(ours)
        if value is None or value == "":
            return None
        instant = parse_instant(value)
        if instant is None or not 1970 <= instant.year < 9999:
            text = _("Give an instant such as 2026-03-01T09:30:00Z.")
            self._fault(ours, text)
            return None
        return instant

    def _ctx(self) -> str:
        value = self._get("ctx")
        if not isinstance(value, dict):
            text = _(
                "Give an object with the attributes of the event; it may be empty."
            )
            self._fault("ctx", text)
            return "{}"
        found = self._rules.declaration.faults_of(value)
        if found:
            self._faults += found
            return "{}"
        return self._dump(value)

    def _dump(self, ctx: dict[str, Any]) -> str:
        """Return the payload as PostgreSQL takes it: no NUL, no half characters."""
        try:
            text = json.dumps(
                ctx, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            )
            size = len(text.encode())
        except (ValueError, RecursionError):
            self._fault("ctx", _("A value is no valid text or number."))
            return "{}"
        if size > MAX_EVENT_BYTES:
            raise EventTooLarge
        if "\\u0000" in text and any(
            isinstance(value, str) and "\0" in value for value in ctx.values()
        ):
            self._fault("ctx", _("A text holds a NUL character: remove it."))
            return "{}"
        return text

    def _check_address(self, event: NewEvent) -> None:
        """Add a fault when the address that the channel needs is not given."""
        if not self._rules.needs_address:
            return
        field = {Channel.EMAIL: "email", Channel.SMS: "mobile_phone"}.get(
            Channel(event.channel), "registration_token"
        )
        if getattr(event, field) or self._get(field) not in (None, ""):
            return
        text = _("The channel %(channel)s needs this address: give it.")
        self._fault(field, text % {"channel": Channel(event.channel).label})
