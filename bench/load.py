"""The load generator: many kept connections, one process, no threads.

``python -m bench.load`` reads an order as JSON from standard input and prints what
came of it. Requests are laid out before the clock starts.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.message import EVENT_TYPE, context

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to push: ``batch`` events per request, 1 for one by one."""

    port: int
    token: str
    requests: int
    connections: int
    batch: int = 1
    first: int = 0
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of an order."""

    accepted: int
    started_at: float
    seconds: float
    statuses: dict[str, int]
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Return events accepted per second."""
        return self.accepted / self.seconds


def push(order: Order) -> Pushed:
    """Run an order in a process of its own. Raises when an event was refused."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(order)).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        timeout=order.seconds + 3 * _PATIENCE,
        check=True,
    )
    pushed = Pushed(**json.loads(done.stdout))
    if any(not status.startswith("2") for status in pushed.statuses):
        raise AssertionError(f"the installation refused events: {pushed.statuses}")
    return pushed


def recipient(number: int) -> str:
    """Return the address of an event; each has its own."""
    return f"bench-{number}@example.com"


def event(number: int) -> dict[str, Any]:
    """Return the body of one event."""
    return {"email": recipient(number), "ctx": context(number)}


def _requests(order: Order) -> Iterator[bytes]:
    for index in range(order.requests):
        first = order.first + index * order.batch
        if order.batch == 1:
            path, body = f"/api/v1/events/{EVENT_TYPE}", event(first)
        else:
            numbers = range(first, first + order.batch)
            path = "/api/v1/events:batch"
            body = {"events": [{"type": EVENT_TYPE, **event(n)} for n in numbers]}
        content = json.dumps(body, separators=(",", ":")).encode()
        yield (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{order.port}\r\n"
            f"Authorization: Bearer {order.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode() + content


class _Line:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.socket = self._connect()
        self._buffer = b""
        self.sent_at = 0.0

    def _connect(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), _PATIENCE)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def send(self, request: bytes) -> None:
        """Send a request; the answer is read when it is there."""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> tuple[int, bytes, bool] | None:
        """Return status, body and whether the server closes, once complete."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection unasked")
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        fields = head.lower()
        place = fields.find(b"content-length:")
        length = int(fields[place + 15 :].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return None
        self._buffer = b""
        return int(head[9:12]), rest, b"connection: close" in fields

    def reopen(self) -> None:
        """Connect again, as a server without keep-alive demands."""
        self.socket.close()
        self.socket = self._connect()


def run(order: Order) -> Pushed:
    """Push until the requests or the seconds are used up."""
    waiting = list(_requests(order))[::-1]
    lines = [_Line(order.port) for _ in range(order.connections)]
    statuses: Counter[str] = Counter()
    latencies: list[float] = []
    accepted = 0
    busy = 0
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        started_at, started = time.time(), time.perf_counter()
        for line in lines:
            if waiting:
                line.send(waiting.pop())
                busy += 1
        while busy:
            ready = selector.select(_PATIENCE)
            if not ready:
                raise TimeoutError(f"no answer within {_PATIENCE} s")
            for key, _mask in ready:
                line = key.data
                answer = line.read()
                if answer is None:
                    continue
                status, body, closes = answer
                now = time.perf_counter()
                latencies.append(now - line.sent_at)
                statuses[str(status)] += 1
                accepted += _accepted(order, status, body)
                busy -= 1
                if closes:
                    selector.unregister(line.socket)
                if not waiting or now - started > order.seconds:
                    continue
                if closes:
                    line.reopen()
                    selector.register(line.socket, selectors.EVENT_READ, line)
                line.send(waiting.pop())
                busy += 1
        seconds = time.perf_counter() - started
    return Pushed(accepted, started_at, seconds, dict(statuses), latencies)


def _accepted(order: Order, status: int, body: bytes) -> int:
    if status // 100 != 2:
        sys.stderr.write(body.decode(errors="replace")[:500] + "\n")
        return 0
    return 1 if order.batch == 1 else body.count(b'"status":"pending"')


if __name__ == "__main__":
    print(json.dumps(asdict(run(Order(**json.load(sys.stdin))))))
