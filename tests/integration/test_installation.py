"""A whole installation is started, backed up, refused a twin, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.live import BASE_DIR, LiveStack, free_port, live_stack, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("installation")]


@pytest.fixture(scope="module")
def stack() -> Iterator[LiveStack]:
    with live_stack() as started:
        yield started


def run(var: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command line of ours against the files of an installation."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "CAMPAIGN_VAR": str(var), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_everything_is_ready_and_closed_to_others(stack: LiveStack) -> None:
    answer = stack.call("GET", "/readyz")

    assert answer.body["status"] == "ready"
    assert stack.var.stat().st_mode & 0o066 == 0
    assert (stack.var / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_second_start_in_the_same_folder_is_refused(stack: LiveStack) -> None:
    done = run(stack.var, "-m", "campaign.run", PORT=str(free_port()))

    assert done.returncode == 1
    assert "an installation already runs" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_restore_beside_the_running_application_is_refused(
    stack: LiveStack, tmp_path: Path
) -> None:
    file = tmp_path / "one.dump"
    made = run(stack.var, "manage.py", "backup", str(file))

    done = run(stack.var, "manage.py", "restore", str(file), "--force")

    assert made.returncode == 0, made.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.returncode == 1
    assert "stop the application first" in done.stderr


def test_a_stop_leaves_no_process_and_the_data(tmp_path: Path) -> None:
    with live_stack() as stack:
        password = stack.var / "secret_key"
        kept = password.read_text()
        family = psutil.Process(stack.process.pid).children(recursive=True)
        file = tmp_path / "one.dump"
        run(stack.var, "manage.py", "backup", str(file))

        stack.process.send_signal(signal.SIGTERM)
        status = stack.process.wait(20)

        assert status == 0
        assert not [one for one in family if one.is_running()]
        assert password.read_text() == kept
        refused = run(stack.var, "manage.py", "restore", str(file))
        assert "is not empty" in refused.stderr
        elsewhere = tmp_path / "var"
        done = run(elsewhere, "manage.py", "restore", str(file), **keys(stack))
        assert done.returncode == 0, done.stderr


def keys(stack: LiveStack) -> dict[str, str]:
    """Return the keys of an installation, as one carries them to another host."""
    return {
        "SECRET_KEY": (stack.var / "secret_key").read_text().strip(),
        "CAMPAIGN_SECRETS_KEY": (stack.var / "secrets_key").read_text().strip(),
    }


@pytest.mark.parametrize("words", ["campaign-web", "manage.py clock", "postgres -D"])
def test_a_killed_process_is_replaced(stack: LiveStack, words: str) -> None:
    victim = stack.processes(words)[0]

    victim.send_signal(signal.SIGKILL)

    wait_until(lambda: not victim.is_running(), seconds=10)
    wait_until(lambda: stack.processes(words), seconds=10)
    wait_until(stack.is_ready, seconds=60)
