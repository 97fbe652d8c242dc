"""The mail catcher: a small SMTP server that keeps every message in a folder.

It answers 250 only when the message lies in its place. Commands may come pipelined;
one pass over the received bytes serves whatever is there, as a general server library
would take half a core for the thousand messages a second that a sender hands over.
"""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime

from campaign.deliveries.services.caught import Keeper

MOST_BYTES = 33_554_432
IDLE_SECONDS = 300
_MOST_LINE = 4096
_MOST_RECIPIENTS = 1000
_PATH = re.compile(r"(FROM|TO):\s*<([^<>\x00-\x1f\x7f]*)>(?: .*)?", re.IGNORECASE)
_END = b"\r\n.\r\n"

logger = logging.getLogger(__name__)


class CatcherProtocol(asyncio.Protocol):
    """One conversation with a client."""

    def __init__(self, keeper: Keeper, open_protocols: set[CatcherProtocol]) -> None:
        self._keeper = keeper
        self._open = open_protocols
        self._buffer = bytearray()
        self._searched = 0
        self._is_data = False
        self._is_too_large = False
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._transport: asyncio.Transport | None = None
        self._answers: list[bytes] = []
        self._idle: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("The mail catcher needs a stream.")
        self._transport = transport
        self._open.add(self)
        transport.write(b"220 localhost ESMTP mail catcher\r\n")
        self._watch()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the conversation; a half message is no message."""
        self._open.discard(self)
        if self._idle is not None:
            self._idle.cancel()

    def data_received(self, data: bytes) -> None:
        """Serve every whole command and message that has come."""
        self._heard_at = self._loop.time()
        self._buffer += data
        while self._serve_next():
            pass
        if self._transport is not None and self._answers:
            self._transport.write(b"".join(self._answers))
        self._answers.clear()

    def close(self) -> None:
        """Say that the catcher closes."""
        if self._transport is not None:
            self._transport.write(b"421 4.3.2 closing down\r\n")
            self._transport.close()

    def _watch(self) -> None:
        silent = self._loop.time() - self._heard_at
        if silent >= IDLE_SECONDS:
            self.close()
        else:
            self._idle = self._loop.call_later(IDLE_SECONDS - silent, self._watch)

    def _serve_next(self) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        return self._take_message() if self._is_data else self._take_command()

    def _take_command(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _MOST_LINE:
                self._answer(b"500 5.5.6 line too long")
                self._transport_close()
            return False
        line = bytes(self._buffer[:end]).rstrip(b"\r").decode("utf-8", "replace")
        del self._buffer[: end + 1]
        word, _blank, rest = line.partition(" ")
        self._command(word.upper(), rest.strip())
        return True

    def _command(self, word: str, rest: str) -> None:
        match word:
            case "EHLO":
                self._reset()
                self._answer(
                    b"250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                    b"250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE %d"
                    % MOST_BYTES
                )
            case "HELO":
                self._reset()
                self._answer(b"250 localhost")
            case "MAIL":
                self._mail(rest)
            case "RCPT":
                self._rcpt(rest)
            case "DATA":
                self._data()
            case "RSET":
                self._reset()
                self._answer(b"250 2.0.0 OK")
            case "NOOP":
                self._answer(b"250 2.0.0 OK")
            case "QUIT":
                self._answer(b"221 2.0.0 goodbye")
                self._transport_close()
            case _:
                self._answer(b"502 5.5.1 command not known")

    def _mail(self, rest: str) -> None:
        path = _PATH.fullmatch(rest)
        if path is None or path[1].upper() != "FROM":
            self._answer(b"501 5.5.4 write MAIL FROM:<address>")
        elif self._sender is not None:
            self._answer(b"503 5.5.1 one sender only")
        else:
            self._sender = path[2]
            self._answer(b"250 2.1.0 OK")

    def _rcpt(self, rest: str) -> None:
        path = _PATH.fullmatch(rest)
        if self._sender is None:
            self._answer(b"503 5.5.1 MAIL comes first")
        elif path is None or path[1].upper() != "TO" or not path[2]:
            self._answer(b"501 5.5.4 write RCPT TO:<address>")
        elif len(self._recipients) >= _MOST_RECIPIENTS:
            self._answer(b"452 4.5.3 too many recipients")
        else:
            self._recipients.append(path[2])
            self._answer(b"250 2.1.5 OK")

    def _data(self) -> None:
        if not self._recipients:
            self._answer(b"503 5.5.1 RCPT comes first")
            return
        self._is_data, self._is_too_large, self._searched = True, False, 0
        self._answer(b"354 go on, end with a line of one dot")

    def _take_message(self) -> bool:
        buffer = self._buffer
        if buffer.startswith(b".\r\n") and not self._is_too_large:
            end, length = 0, 3
        else:
            end, length = buffer.find(_END, max(0, self._searched - len(_END))), 5
        if end < 0:
            self._searched = len(buffer)
            if len(buffer) > MOST_BYTES:
                self._is_too_large = True
                del buffer[: -len(_END)]
                self._searched = 0
            return False
        message = bytes(buffer[: end + 2 if length == 5 else 0])
        del buffer[: end + length]
        self._is_data = False
        self._answer(self._kept(message))
        self._reset()
        return True

    def _kept(self, message: bytes) -> bytes:
        if self._is_too_large or len(message) > MOST_BYTES:
            return b"552 5.3.4 the message is too large"
        if message.startswith(b"."):
            message = message[1:]
        message = message.replace(b"\r\n.", b"\r\n")
        try:
            name = self._keeper.keep(
                self._sender or "", self._recipients, message, datetime.now(UTC)
            )
        except OSError:
            logger.exception("A message was not kept.", extra={"action": "catcher"})
            return b"452 4.3.1 the message was not kept, see the log"
        return b"250 2.0.0 kept as " + name.encode()

    def _reset(self) -> None:
        self._sender = None
        self._recipients = []

    def _answer(self, line: bytes) -> None:
        self._answers.append(line + b"\r\n")

    def _transport_close(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()
            self._transport.close()


async def catch(keeper: Keeper, *, host: str, port: int, until: asyncio.Event) -> None:
    """Catch mail until the event is set; conversations are then closed politely.

    Raises OSError when the port is taken.
    """
    conversations: set[CatcherProtocol] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: CatcherProtocol(keeper, conversations), host, port
    )
    try:
        await until.wait()
    finally:
        server.close()
        for conversation in tuple(conversations):
            conversation.close()
        await asyncio.sleep(0)  # let the farewells leave
