"""Pytest plugin: one embedded PostgreSQL for a whole run, shared by its workers.

A plugin rather than a conftest, as Django's settings are read before any conftest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from campaign.run.postgres import EmbeddedServer

_SERVER_KEY = pytest.StashKey[tuple[subprocess.Popen[bytes], Path]]()
_START_SECONDS = 30
#: Tests give up durability for speed; nothing else differs from the real server.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "150",
    "shared_buffers": "128MB",
}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the server before Django's settings are read; workers inherit it."""
    start_server(early_config)


def start_server(config: pytest.Config) -> None:
    """Start one PostgreSQL for the whole run, unless a parent process has one."""
    if os.environ.get("TESTS_DATABASE_URL"):
        return
    folder = Path(tempfile.mkdtemp(prefix="campaign-tests-"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "pg" / "data", folder / "pg" / "socket")
    server.prepare()
    process = server.start(_FAST)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (folder / "pg" / "server.log").read_text()
                pytest.exit(f"The test database does not start:\n{log}", returncode=3)
            time.sleep(0.05)
        else:
            break
    os.environ["TESTS_DATABASE_URL"] = server.url("postgres")
    os.environ["TESTS_VAR"] = str(folder / "var")
    config.stash[_SERVER_KEY] = (process, folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that this process started."""
    started = config.stash.get(_SERVER_KEY, None)
    if started is None:
        return
    process, folder = started
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    if process.poll() is None:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
