"""Conversations with a relay: kept connections, commands in one packet, time limits.

``smtplib`` opens the conversation (TLS, STARTTLS, AUTH); the envelope and the message
are written here, pipelined where the relay allows it (RFC 2920).
"""

from __future__ import annotations

import contextlib
import os
import select
import smtplib
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from django.conf import settings

from campaign.addresses import Relay
from campaign.deliveries.services.mailboxes import Mailbox, domain_of

CONNECT_SECONDS = 10
REPLY_SECONDS = 20
# The relay may deliver or scan before it answers; giving up makes an unknown.
FINAL_REPLY_SECONDS = 60
_CHECK_IDLE_SECONDS = 5
_LONGEST_IDLE_SECONDS = 60
_MOST_REPLY_LINES = 100
_MOST_REPLY_LINE = 2048
#: Codes of MAIL that speak of our access, not of the message.
_ACCESS_CODES = frozenset({421, 454, 530, 534, 535, 538})


class ConnectionFault(Exception):
    """The relay was not reached, or left, before any message was handed over."""


class OutcomeLost(Exception):
    """The message was handed over and no answer came: nobody knows its outcome."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a relay answered."""

    code: int
    text: str

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class RelayConnection:
    """One conversation. Not for two threads at once; `abort` may come from any."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.used_at = time.monotonic()
        self._client = self._opened(relay)
        sock = self._client.sock
        if sock is None:
            raise ConnectionFault("the relay closed the connection")
        self._sock: socket.socket = sock
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._client.file or sock.makefile("rb")
        self._can_pipeline = self._client.has_extn("pipelining")
        self._can_utf8 = self._client.has_extn("smtputf8")
        size = self._client.esmtp_features.get("size", "")
        self._most_bytes = int(size) if size.isdecimal() else 0

    @staticmethod
    def _opened(relay: Relay) -> smtplib.SMTP:
        opener: Callable[..., smtplib.SMTP] = smtplib.SMTP
        if relay.tls:
            opener = partial(smtplib.SMTP_SSL, context=_tls())
        try:
            client = opener(
                relay.host,
                relay.port,
                local_hostname=domain_of(settings.MAIL_FROM) or "localhost",
                timeout=CONNECT_SECONDS,
            )
            try:
                client.ehlo_or_helo_if_needed()
                if relay.starttls:
                    client.starttls(context=_tls())
                    client.ehlo_or_helo_if_needed()
                if relay.username:
                    client.login(relay.username, relay.password)
            except BaseException:
                client.close()
                raise
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise ConnectionFault(_told(error)) from error
        return client

    def send(self, sender: Mailbox, recipient: Mailbox, data: bytes) -> Reply:
        """Hand one message over and return the answer that decides on it.

        Raises ConnectionFault when that failed before the message was handed over,
        OutcomeLost when no answer came afterwards. After either the connection is
        of no more use.
        """
        utf8 = sender.needs_utf8 or recipient.needs_utf8
        if utf8 and not self._can_utf8:
            return Reply(553, "5.6.7 The relay takes no addresses outside ASCII")
        if self._most_bytes and len(data) > self._most_bytes:
            return Reply(552, f"5.3.4 The relay takes {self._most_bytes} bytes at most")
        commands = (
            f"MAIL FROM:<{sender}>{' BODY=8BITMIME SMTPUTF8' if utf8 else ''}\r\n",
            f"RCPT TO:<{recipient}>\r\n",
            "DATA\r\n",
        )
        self._sock.settimeout(REPLY_SECONDS)
        try:
            refusal = (
                self._pipelined(commands)
                if self._can_pipeline
                else self._one_by_one(commands)
            )
        except OSError as error:
            raise ConnectionFault(_told(error)) from error
        if refusal is not None:
            return refusal
        return self._handed_over(data)

    def _pipelined(self, commands: tuple[str, ...]) -> Reply | None:
        """Send the envelope at once; return what refuses it, or None for go on."""
        self._sock.sendall("".join(commands).encode())
        mail, rcpt, data = self._reply(), self._reply(), self._reply()
        _check_session(mail, rcpt, data)
        if mail.is_accepted and rcpt.is_accepted and data.code == 354:
            return None
        refusal = next(
            reply
            for reply in (mail, rcpt, data)
            if not reply.is_accepted and reply.code != 354
        )
        if data.code == 354:  # it wants a message for nobody
            self._sock.sendall(b".\r\n")
            self._reply()
        self._reset()
        return refusal

    def _one_by_one(self, commands: tuple[str, ...]) -> Reply | None:
        for command, wanted in zip(commands, (2, 2, 3), strict=True):
            self._sock.sendall(command.encode())
            reply = self._reply()
            if reply.code // 100 != wanted:
                is_mail = command is commands[0]
                _check_session(*((reply,) if is_mail else (None, reply)))
                self._reset()
                return reply
        return None

    def _handed_over(self, data: bytes) -> Reply:
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        try:
            self._sock.settimeout(FINAL_REPLY_SECONDS)
            self._sock.sendall(stuffed + b".\r\n")
            reply = self._reply()
        except OSError as error:
            raise OutcomeLost(_told(error)) from error
        except ConnectionFault as error:
            raise OutcomeLost(str(error)) from error
        self.used_at = time.monotonic()
        return reply

    def is_usable(self) -> bool:
        """Return whether an idle connection still answers."""
        idle = time.monotonic() - self.used_at
        if idle > _LONGEST_IDLE_SECONDS:
            return False
        try:
            if select.select((self._sock,), (), (), 0)[0]:
                return False  # nothing is due: the relay says goodbye
            if idle < _CHECK_IDLE_SECONDS:
                return True
            self._sock.settimeout(REPLY_SECONDS)
            self._sock.sendall(b"NOOP\r\n")
            return self._reply().is_accepted
        except (OSError, ValueError, ConnectionFault):
            return False

    def abort(self) -> None:
        """End it from another thread; whoever waits for an answer wakes up."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        with contextlib.suppress(OSError, ValueError):
            self._sock.settimeout(1)
            self._sock.sendall(b"QUIT\r\n")
        self._client.close()

    def _reset(self) -> None:
        self._sock.sendall(b"RSET\r\n")
        if not self._reply().is_accepted:
            raise ConnectionFault("the relay refused RSET")
        self.used_at = time.monotonic()

    def _reply(self) -> Reply:
        lines = []
        for _ in range(_MOST_REPLY_LINES):
            line = self._file.readline(_MOST_REPLY_LINE)
            if not line:
                raise ConnectionFault("the relay closed the connection")
            if not line[:3].isdigit() or len(line) < 4:
                break
            lines.append(line[4:].strip().decode("utf-8", "replace"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), " ".join(lines))
        raise ConnectionFault(f"the relay answered no SMTP: {line[:80]!r}")


class RelayPool:
    """The kept connections of this process, and the relays that are out of order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._idle: dict[Relay, list[RelayConnection]] = defaultdict(list)
        self._down_until: dict[Relay, float] = {}

    def take(self, relay: Relay) -> tuple[RelayConnection, bool]:
        """Return a connection, and whether it was used before.

        Raises ConnectionFault when the relay cannot be reached.
        """
        while (kept := self._pop(relay)) is not None:
            if kept.is_usable():
                return kept, True
            kept.close()
        return RelayConnection(relay), False

    def give(self, connection: RelayConnection) -> None:
        """Keep a connection for the next message."""
        with self._lock:
            self._idle[connection.relay].append(connection)

    def _pop(self, relay: Relay) -> RelayConnection | None:
        with self._lock:
            if self._pid != os.getpid():  # connections of a parent are not ours
                self._pid = os.getpid()
                self._idle.clear()
                self._down_until.clear()
            return self._idle[relay].pop() if self._idle[relay] else None

    def set_down(self, relay: Relay, seconds: float) -> None:
        """Do not try the relay for a while."""
        self._down_until[relay] = time.monotonic() + seconds

    def is_down(self, relay: Relay) -> bool:
        """Return whether the relay was out of order a moment ago."""
        return self._down_until.get(relay, 0.0) > time.monotonic()

    def set_up(self, relay: Relay) -> None:
        """Forget that the relay was out of order."""
        if relay in self._down_until:
            self._down_until.pop(relay, None)

    def close_all(self) -> None:
        """Close the kept connections."""
        with self._lock:
            kept = [each for idle in self._idle.values() for each in idle]
            self._idle.clear()
            self._down_until.clear()
        for each in kept:
            each.close()


pool = RelayPool()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _check_session(mail: Reply | None, *others: Reply) -> None:
    """Raise ConnectionFault when an answer speaks of the session, not the message."""
    for reply in (mail, *others):
        if reply is not None and reply.code == 421:
            raise ConnectionFault(str(reply))
    if mail is not None and mail.code in _ACCESS_CODES:
        raise ConnectionFault(str(mail))


def _told(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return f"{error.smtp_code} {shown}"
    return str(error) or type(error).__name__
