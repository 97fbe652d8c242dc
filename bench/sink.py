"""A fast SMTP server that accepts everything, in a process of its own.

``python -m bench.sink`` prints its port. It remembers when each message was accepted
and for whom, and tells it on the same port: ``XCOUNT`` and ``XSINCE <number>``.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_END = b"\r\n.\r\n"
_ACCEPTED: list[tuple[float, bytes]] = []


class Conversation(asyncio.Protocol):
    """One SMTP session; knows pipelining, refuses nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""
        self._recipient = b""
        self._is_data = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every command that is complete, in one write."""
        self._buffer += data
        answers = []
        while (answer := self._next_answer()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))

    def _next_answer(self) -> bytes | None:
        end, length = (_END, 5) if self._is_data else (b"\r\n", 2)
        place = self._buffer.find(end)
        if place < 0:
            return None
        line, self._buffer = self._buffer[:place], self._buffer[place + length :]
        if self._is_data:
            self._is_data = False
            _ACCEPTED.append((time.time(), self._recipient))
            return b"250 accepted\r\n"
        return self._command(line)

    def _command(self, line: bytes) -> bytes:
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        if verb == b"RCPT":
            self._recipient = rest[rest.find(b"<") + 1 : rest.rfind(b">")]
        elif verb == b"DATA":
            self._is_data = True
            return b"354 go on\r\n"
        elif verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        elif verb == b"QUIT":
            self._transport.close()
            return b""
        elif verb == b"XCOUNT":
            return b"250 %d\r\n" % len(_ACCEPTED)
        elif verb == b"XSINCE":
            rows = _ACCEPTED[int(rest) :]
            return b"".join(b"%f %s\r\n" % row for row in rows) + b".\r\n"
        return b"250 ok\r\n"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that the sink took."""

    at: float
    recipient: str


class Sink:
    """The running sink as its user sees it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")
        self._file.readline()

    def count(self) -> int:
        """Return how many messages were accepted so far."""
        self._socket.sendall(b"XCOUNT\r\n")
        return int(self._file.readline().split()[1])

    def since(self, number: int) -> list[Accepted]:
        """Return the messages after the first ``number``, in their order."""
        self._socket.sendall(b"XSINCE %d\r\n" % number)
        rows = []
        while (line := self._file.readline().strip()) != b".":
            at, _, recipient = line.partition(b" ")
            rows.append(Accepted(float(at), recipient.decode()))
        return rows

    def wait_for(self, number: int, *, seconds: float, every: float = 0.05) -> None:
        """Wait until ``number`` messages were accepted in all."""
        deadline = time.monotonic() + seconds
        while (count := self.count()) < number:
            if time.monotonic() > deadline:
                raise AssertionError(f"{count} of {number} messages in {seconds} s")
            time.sleep(every)

    def close(self) -> None:
        """End our session with it."""
        self._file.close()
        self._socket.close()


@contextmanager
def running_sink() -> Iterator[Sink]:
    """Start a sink, and stop it after."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        sink = Sink(int(process.stdout.readline()))
        try:
            yield sink
        finally:
            sink.close()
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


async def serve() -> None:
    """Listen on a free port of this machine, and tell which."""
    server = await asyncio.get_running_loop().create_server(
        Conversation, "127.0.0.1", 0, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        sys.exit(0)
