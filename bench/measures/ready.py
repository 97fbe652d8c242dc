"""From a bare clone to Ready, packages fetched anew, and the second start."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from bench.figures import Result
from bench.load import ROOT
from tests.live import free_port

_FIRST_SECONDS = 300.0
_STOP_SECONDS = 30.0
_KEPT = ("PATH", "HOME", "LANG")
_CLONE = (
    *("git", "-c", "advice.detachedHead=false", "clone"),
    *("--quiet", "--no-hardlinks"),
)


def measure(*, quick: bool) -> Result:
    """Measure seconds; the quick form leaves the fresh environment out."""
    result = Result("ready")
    folder = Path(tempfile.mkdtemp(prefix="campaign-ready-"))
    folder.chmod(0o711)
    try:
        clone = folder / "clone"
        subprocess.run(
            [*_CLONE, str(ROOT), str(clone)],
            check=True,
        )
        if quick:
            (clone / ".venv").symlink_to(ROOT / ".venv")
        first = _seconds_to_ready(clone, folder)
        second = _seconds_to_ready(clone, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if quick:
        result.tell("first start, packages already installed", first, "s")
    else:
        result.at_most("bare clone → Ready, no package cached", first, "s", 60)
    result.at_most("second start → Ready", second, "s", 10)
    result.raw = {"first_s": first, "second_s": second}
    return result


def _seconds_to_ready(clone: Path, folder: Path) -> float:
    """Start as a person does, and stop with Ctrl-C."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(("PIP_", "UV_", "SSL_", "http", "HTTP"))
    }
    environment = {
        **kept,
        "PORT": str(free_port()),
        "CAMPAIGN_ADMIN_PASSWORD": "Measured-only-7",
        "UV_CACHE_DIR": str(folder / "uv"),
        "PIP_CACHE_DIR": str(folder / "pip"),
    }
    started = time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while "Ready: " not in (text := (folder / "output.txt").read_text()):
            if (
                process.poll() is not None
                or time.monotonic() - started > _FIRST_SECONDS
            ):
                raise AssertionError(f"no Ready from {clone}:\n{text}")
            time.sleep(0.05)
        return time.monotonic() - started
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
