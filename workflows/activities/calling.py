"""One HTTP request to a fixed address, within a deadline, its answer bounded.

The standard library's client, because it lets the connection be made to an address
that was judged before while certificate and Host header stay those of the name.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from workflows.exceptions import RuntimeFault

MOST_BYTES = 1_048_576
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the host by name, and the address it is known by."""

    scheme: str
    host: str
    port: int
    address: str
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    charset: str
    body: bytes


class _Timed(io.RawIOBase):
    """The bytes that arrive on a socket, until the deadline."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, waiting no longer than the deadline."""
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)


class _TimedSocket:
    """A socket as the client of the standard library uses one, with a deadline."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Send everything before the deadline."""
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the stream of what arrives."""
        return io.BufferedReader(_Timed(self._socket, self._deadline))

    def close(self) -> None:
        """Leave it to the caller: the client closes before the answer is read."""


def request(
    target: Target,
    *,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    seconds: float,
) -> Answer:
    """Send one request and return the answer; a redirect is an answer like others.

    Raises RuntimeFault when there is none in time, or one that is too long.
    """
    deadline = time.monotonic() + seconds
    client = http.client.HTTPConnection(target.host, target.port)
    connected: socket.socket | None = None
    try:
        connected = _connected(target, deadline)
        client.sock = cast(socket.socket, _TimedSocket(connected, deadline))
        client.request(method, target.path, body=body, headers=dict(headers))
        response = client.getresponse()
        content = _body(response)
    except TimeoutError as error:
        raise RuntimeFault(
            "%(host)s did not answer within %(seconds)s s.",
            host=target.host,
            seconds=f"{seconds:g}",
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RuntimeFault(
            "The call of %(host)s failed: %(error)s",
            host=target.host,
            error=str(error) or type(error).__name__,
        ) from error
    finally:
        client.close()
        if connected is not None:
            connected.close()
    message = response.headers
    return Answer(
        response.status,
        message.get_content_type(),
        message.get_content_charset() or "utf-8",
        content,
    )


def _connected(target: Target, deadline: float) -> socket.socket:
    plain = socket.create_connection(
        (target.address, target.port), timeout=_left(deadline)
    )
    if target.scheme != "https":
        return plain
    try:
        plain.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(
            plain, server_hostname=target.host
        )
    except BaseException:
        plain.close()
        raise


def _body(response: http.client.HTTPResponse) -> bytes:
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > MOST_BYTES:
            raise OSError(f"the answer has more than {MOST_BYTES} bytes")
    return bytes(content)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
