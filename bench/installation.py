"""A whole installation under measurement: its processes, database and inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.load import ROOT, Order
from campaign.run.paths import VarPaths
from campaign.run.postgres import EmbeddedServer
from tests.live import TOKEN, LiveStack, live_stack

_SETTLE_SECONDS = 3.0
_READY_SECONDS = 60.0
_INSIDE_SECONDS = 180.0
SETTINGS = "DJANGO_SETTINGS_MODULE"


@dataclass(frozen=True, slots=True)
class Installation:
    """A running installation with the variables it was started with."""

    stack: LiveStack
    variables: dict[str, str]

    @property
    def port(self) -> int:
        """Return the port of its web server."""
        return int(urlsplit(self.stack.url).port or 0)

    @property
    def server(self) -> EmbeddedServer:
        """Return its embedded PostgreSQL."""
        return EmbeddedServer.of(VarPaths(self.stack.var))

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return {
            **os.environ,
            "CAMPAIGN_VAR": str(self.stack.var),
            "PORT": str(self.port),
            SETTINGS: "campaign.settings",
            **self.variables,
        }

    def connect(self) -> psycopg.Connection[Any]:
        """Return a new autocommit session in its database."""
        return psycopg.connect(self.server.url(), autocommit=True)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one statement."""
        with self.connect() as session:
            return session.execute(statement.encode(), parameters).fetchall()

    def inside(self, name: str, **arguments: Any) -> Any:
        """Call a function of ``bench.inside`` in a process of the application."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.inside", name],
            input=json.dumps(arguments).encode(),
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=self.environment,
            timeout=_INSIDE_SECONDS,
            check=True,
        )
        return json.loads(done.stdout)

    def order(self, **wanted: Any) -> Order:
        """Return an order for the load generator."""
        return Order(port=self.port, token=TOKEN, **wanted)

    def command(self, internal_name: str, command: str) -> dict[str, Any]:
        """Issue a command over HTTP. Raises when it is refused."""
        path = f"/api/v1/workflows/{internal_name}/commands"
        answer = self.stack.call("POST", path, {"command": command})
        if answer.status not in (200, 202):
            raise AssertionError(f"{command}: {answer.status} {answer.body}")
        return dict(answer.body)


@contextmanager
def installation(**variables: str) -> Iterator[Installation]:
    """Start an installation of its own with the message of the measurements."""
    with live_stack(**variables) as stack:
        started = Installation(stack, variables)
        started.inside("install_message")
        deadline = time.monotonic() + _READY_SECONDS
        while not stack.is_ready():
            if time.monotonic() > deadline:
                raise AssertionError("/readyz stays below 200")
            time.sleep(0.2)
        time.sleep(_SETTLE_SECONDS)
        yield started
