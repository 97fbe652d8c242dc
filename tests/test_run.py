"""The parts of `make run` that need no running installation."""

from __future__ import annotations

import configparser
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from campaign.run import prepare
from campaign.run.control import ProgramState
from campaign.run.database import refuse_newer_database
from campaign.run.paths import VarPaths, make_private
from campaign.run.postgres import EmbeddedDatabaseError, EmbeddedServer
from campaign.run.prepare import StartFault
from campaign.run.programs import programs, supervisor_configuration
from campaign.run.secret_files import ensure_secrets, read_secret
from campaign.run.watchdog import Watchdog

BASE_DIR = Path(__file__).resolve().parent.parent


def test_sockets_of_a_deep_folder_move_to_a_short_one(tmp_path: Path) -> None:
    deep = VarPaths(tmp_path / ("d" * 100))

    assert len(str(deep.postgres_sockets / ".s.PGSQL.5432")) < 107
    assert deep.postgres_sockets != VarPaths(tmp_path / ("e" * 100)).postgres_sockets
    assert VarPaths(Path("/var/x")).postgres_sockets == Path("/var/x/postgres/socket")


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir(mode=0o777)

    make_private(folder)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_is_no_private_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(PermissionError, match="belongs to another"):
        make_private(tmp_path / "link")


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    paths = VarPaths(tmp_path)
    ensure_secrets(paths)
    first = (read_secret(paths.secret_key), read_secret(paths.secrets_key))

    ensure_secrets(paths)

    assert (read_secret(paths.secret_key), read_secret(paths.secrets_key)) == first
    assert len(first[0]) > 50
    assert paths.secret_key.stat().st_mode & 0o777 == 0o600
    assert paths.secrets_key.stat().st_mode & 0o777 == 0o600


def test_the_database_starts_first_and_alone() -> None:
    listed = programs(embedded_database=True, mail_catcher=True)

    assert [one.name for one in listed if one.autostart] == ["postgres"]


def test_production_runs_neither_database_nor_catcher() -> None:
    names = {one.name for one in programs(embedded_database=False, mail_catcher=False)}

    assert names == {
        "web",
        "clock",
        "cluster-workflows",
        "cluster-realtime",
        "cluster-bulk",
        "watchdog",
    }


def test_the_supervisor_can_read_odd_folder_names() -> None:
    paths = VarPaths(Path("/srv/100% sure/var"))
    listed = programs(embedded_database=True, mail_catcher=True)

    text = supervisor_configuration(paths, listed)

    parser = configparser.RawConfigParser()
    parser.read_string(text)
    web = parser["program:web"]
    assert web["stdout_logfile"] == "/srv/100%% sure/var/log/web.log"
    assert shlex.split(web["command"])[0] == sys.executable
    assert "postgres" not in parser["group:campaign"]["programs"]


def test_a_lock_file_of_another_program_is_removed(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, tmp_path)
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n")

    server.clear_stale_lock()

    assert not lock.exists()


def test_data_of_another_postgresql_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedDatabaseError, match=r"PostgreSQL 16.*backup"):
        EmbeddedServer(tmp_path / "data", tmp_path / "socket").prepare()


def test_a_port_in_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        monkeypatch.setenv("HOST", "127.0.0.1")

        with pytest.raises(StartFault, match=rf"port {port} .* set PORT"):
            prepare._check_port()


def test_a_foreign_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "192.0.2.1")

    with pytest.raises(StartFault, match=r"HOST is '192\.0\.2\.1'"):
        prepare._check_port()


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_refused() -> None:
    MigrationRecorder(connection).record_applied("workflows", "9999_from_the_future")

    with pytest.raises(StartFault, match=r"newer version .*9999_from_the_future"):
        refuse_newer_database()


@pytest.mark.django_db
def test_a_database_of_this_version_is_accepted() -> None:
    refuse_newer_database()


def test_a_python_that_is_missing_is_told_in_one_sentence() -> None:
    done = subprocess.run(
        ["/bin/sh", "campaign/run/find_python.sh"],
        cwd=BASE_DIR,
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Cannot start: Python 3.11 or newer is needed")
    assert done.stderr.count("\n") == 1


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1\nexit 1\n')
    old.chmod(0o755)
    new = tmp_path / "python3.12"
    new.symlink_to(sys.executable)

    done = subprocess.run(
        ["/bin/sh", "campaign/run/find_python.sh"],
        cwd=BASE_DIR,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == str(new)


class RecordingSupervisor:
    """The network edge of the watchdog: remembers what it was told."""

    def __init__(self, *listed: ProgramState) -> None:
        self.listed = list(listed)
        self.killed: list[str] = []
        self.started: list[str] = []

    def programs(self) -> list[ProgramState]:
        return self.listed

    def kill(self, full_name: str) -> None:
        self.killed.append(full_name)

    def start(self, full_name: str) -> None:
        self.started.append(full_name)


def running(name: str, *, state: str = "RUNNING", up: int = 1000) -> ProgramState:
    """Return a program of the usual group."""
    return ProgramState(name, "campaign", state, os.getpid(), up)


def watchdog(
    monkeypatch: pytest.MonkeyPatch,
    supervisor: RecordingSupervisor,
    beats: dict[tuple[str, str], tuple[float, float | None]] | None,
    *,
    idle: bool = True,
    web: bool = True,
) -> Watchdog:
    """Return a watchdog that sees these signs of life."""
    monkeypatch.setattr(Watchdog, "_heartbeats", lambda _self: beats)
    monkeypatch.setattr(Watchdog, "_web_answers", lambda _self: web)
    monkeypatch.setattr("campaign.run.watchdog._has_idle_worker", lambda _pid: idle)
    return Watchdog(supervisor, "postgresql:///x", "http://127.0.0.1:1")  # type: ignore[arg-type]


STILL = {("queue", "bulk"): (45.0, 5.0)}


def test_a_queue_that_stands_still_is_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = RecordingSupervisor(running("cluster-bulk"))

    watchdog(monkeypatch, supervisor, STILL).look(100.0)

    assert supervisor.killed == ["campaign:cluster-bulk"]


def test_a_queue_whose_workers_are_all_busy_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = RecordingSupervisor(running("cluster-bulk"))

    watchdog(monkeypatch, supervisor, STILL, idle=False).look(100.0)

    assert supervisor.killed == []


def test_a_queue_that_gets_no_canary_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = RecordingSupervisor(running("cluster-bulk"))
    beats = {("queue", "bulk"): (45.0, 45.0)}

    watchdog(monkeypatch, supervisor, beats).look(100.0)

    assert supervisor.killed == []


def test_a_young_program_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = RecordingSupervisor(running("cluster-bulk", up=5))

    watchdog(monkeypatch, supervisor, STILL).look(100.0)

    assert supervisor.killed == []


def test_restarts_of_the_same_program_become_rarer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = RecordingSupervisor(running("cluster-bulk"))
    dog = watchdog(monkeypatch, supervisor, STILL)

    for now in range(0, 601, 5):
        dog.look(float(now))

    assert len(supervisor.killed) == 4  # at 0, 60, 180 and 420 seconds


def test_a_database_that_hangs_is_restarted_after_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = RecordingSupervisor(running("postgres"))
    dog = watchdog(monkeypatch, supervisor, None)

    dog.look(0.0)
    dog.look(29.0)
    assert supervisor.killed == []
    dog.look(31.0)

    assert supervisor.killed == ["campaign:postgres"]


def test_a_web_server_that_hangs_is_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = RecordingSupervisor(running("web"))
    dog = watchdog(monkeypatch, supervisor, {}, web=False)

    dog.look(0.0)
    dog.look(31.0)

    assert supervisor.killed == ["campaign:web"]


def test_a_program_that_was_given_up_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = RecordingSupervisor(running("clock", state="FATAL"))

    watchdog(monkeypatch, supervisor, {}).look(0.0)

    assert supervisor.started == ["campaign:clock"]
