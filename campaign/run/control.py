"""Speak to the supervisor through its socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECONDS = 5.0


class SupervisorUnreachable(RuntimeError):
    """The supervisor does not answer on its socket."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What the supervisor knows of one program."""

    name: str
    group: str
    state: str
    pid: int
    up_seconds: int

    @property
    def full_name(self) -> str:
        """Return the name the supervisor's commands take."""
        return f"{self.group}:{self.name}"


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


class _SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _SocketConnection(self._path)


class Supervisor:
    """The remote control of the supervisor of one installation."""

    def __init__(self, path: Path) -> None:
        proxy = xmlrpc.client.ServerProxy(
            "http://localhost", transport=_SocketTransport(path)
        )
        self._calls: Any = proxy.supervisor

    def state(self) -> str:
        """Return RUNNING, SHUTDOWN or RESTARTING."""
        return str(self._call("getState")["statename"])

    def programs(self) -> list[ProgramState]:
        """Return the state of every program."""
        return [
            ProgramState(
                name=item["name"],
                group=item["group"],
                state=item["statename"],
                pid=item["pid"],
                up_seconds=item["now"] - item["start"],
            )
            for item in self._call("getAllProcessInfo")
        ]

    def start_group(self, name: str) -> None:
        """Start every program of a group without waiting for them."""
        self._call("startProcessGroup", name, False)

    def start(self, full_name: str) -> None:
        """Start one program without waiting for it."""
        self._call("startProcess", full_name, False)

    def kill(self, full_name: str) -> None:
        """Kill a program; the supervisor then ends the rest and starts it again."""
        self._call("signalProcess", full_name, "KILL")

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._calls, method)(*arguments)
        except xmlrpc.client.Fault as error:
            raise RuntimeError(f"supervisor: {error.faultString}") from error
        except (OSError, http.client.HTTPException) as error:
            raise SupervisorUnreachable(str(error)) from error
