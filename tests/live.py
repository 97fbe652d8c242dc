"""A whole installation, started as a person would, for tests of real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

BASE_DIR = Path(__file__).resolve().parent.parent
TOKEN = "tests-only-token-0123456789abcdef"
PASSWORD = "Tests-only-password-7"
READY_SECONDS = 90.0
STOP_SECONDS = 30.0
# What an outer test run sets must not reach the installation under test.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered; ``headers`` has lower-case names."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class LiveStack:
    """A running installation: its address, its files and its processes."""

    url: str
    var: Path
    process: subprocess.Popen[bytes]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 10.0,
    ) -> Answer:
        """Call the API with the administrator's token."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return _answer(response.status, response)
        except urllib.error.HTTPError as error:
            return _answer(error.code, error)

    def is_ready(self) -> bool:
        """Return whether every component is up."""
        try:
            return self.call("GET", "/readyz", timeout=3).status == 200
        except OSError:
            return False

    def processes(self, words: str) -> list[psutil.Process]:
        """Return our living processes whose title or command line has ``words``."""
        return [
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if words in _command_line(child)
        ]

    def messages(self) -> list[bytes]:
        """Return every message that the mail catcher keeps."""
        return [path.read_bytes() for path in (self.var / "mail").rglob("*.eml")]

    def stop(self) -> int:
        """Stop as Ctrl-C does; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


def _answer(status: int, response: Any) -> Answer:
    raw = response.read()
    headers = {name.lower(): value for name, value in response.headers.items()}
    if "json" in headers.get("content-type", ""):
        return Answer(status, json.loads(raw), headers)
    return Answer(status, raw.decode(errors="replace"), headers)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    condition: Callable[[], Any], *, seconds: float, every: float = 0.1
) -> Any:
    """Return the first true value of ``condition``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(every)


@contextmanager
def live_stack(**variables: str) -> Iterator[LiveStack]:
    """Start an installation in a folder of its own, and stop and remove it after."""
    folder = Path(tempfile.mkdtemp(prefix="campaign-live-"))
    folder.chmod(0o711)
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if name in _INHERITED
    }
    environment |= {
        "CAMPAIGN_VAR": str(folder / "var"),
        "CAMPAIGN_ADMIN_PASSWORD": PASSWORD,
        "CAMPAIGN_API_TOKEN": TOKEN,
        "PORT": str(port),
        **variables,
    }
    output = folder / "output.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "campaign.run"],
            cwd=BASE_DIR,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    stack = LiveStack(f"http://127.0.0.1:{port}", folder / "var", process)
    try:
        _wait_for_ready(process, output)
        yield stack
    finally:
        if process.poll() is None:
            try:
                stack.stop()
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_ready(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while "Ready: " not in (text := output.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"The installation does not start:\n{text}")
        time.sleep(0.2)
