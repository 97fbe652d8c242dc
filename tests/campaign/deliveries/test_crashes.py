"""Senders that die, hang, race and are cut off: nothing lost, nothing sent twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from campaign.deliveries.models import BroadLog, Lane, LogStatus
from campaign.deliveries.services import sender as senders
from campaign.deliveries.services import sending, settling
from campaign.deliveries.services.journal import Record, folder, open_journal
from campaign.deliveries.services.lanes import slot_lock
from campaign.deliveries.services.sender import Sender
from campaign.deliveries.services.sending import send_lane
from campaign.deliveries.services.settling import settle_lost
from tests.campaign.deliveries.conftest import ScriptedRelay
from workflows import queue

pytestmark = pytest.mark.django_db(transaction=True)

Pending = Callable[..., list[BroadLog]]
CONNECTIONS = 4


@pytest.fixture(autouse=True)
def _no_journals() -> Iterator[None]:
    yield
    for path in folder().glob("*.journal"):
        path.unlink()


@pytest.fixture
def start_sender(relay: ScriptedRelay) -> Iterator[Callable[[], Any]]:
    """Starts senders as processes; ends those that still run."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(slot: int = 0) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.campaign.deliveries.sender_process"),
                *(connection.settings_dict["NAME"], str(relay.port), str(slot)),
            ],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            cwd=settings.BASE_DIR,
        )
        processes.append(process)
        return process

    yield start
    relay.hold.set()
    for process in processes:
        process.kill()
        process.wait()


def in_thread(work: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_until(is_so: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def statuses() -> Counter[int]:
    return Counter(BroadLog.objects.values_list("status", flat=True))


def hung_and_waiting(pending: Pending) -> tuple[list[BroadLog], list[BroadLog]]:
    hung = pending(*(f"hang-{number}@example.org" for number in range(CONNECTIONS)))
    return hung, pending(*(f"r{number}@example.org" for number in range(40)))


def test_a_killed_sender_leaves_in_doubt_what_was_in_its_connections_only(
    relay: ScriptedRelay, pending: Pending, start_sender: Callable[[], Any]
) -> None:
    hung, _waiting = hung_and_waiting(pending)
    process = start_sender()
    wait_until(lambda: len(relay.attempts) == CONNECTIONS)
    assert statuses() == {LogStatus.SENDING: 44}

    process.kill()
    process.wait()
    wait_until(lambda: settle_lost(timezone.now()))

    assert statuses() == {LogStatus.UNKNOWN: CONNECTIONS, LogStatus.PENDING: 40}
    lost = BroadLog.objects.filter(status=LogStatus.UNKNOWN)
    assert {log.pk for log in lost} == {log.pk for log in hung}
    assert {log.send_count for log in BroadLog.objects.filter(status=6)} == {0}

    send_lane(Lane.TRANSACTIONAL, 0)

    assert statuses() == {LogStatus.UNKNOWN: CONNECTIONS, LogStatus.SENT: 40}
    assert set(relay.attempts.values()) == {1}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_senders_killed_at_random_never_send_twice(
    relay: ScriptedRelay,
    pending: Pending,
    start_sender: Callable[..., Any],
    seed: int,
) -> None:
    chance = random.Random(seed)
    pending(*(f"r{number}@example.org" for number in range(600)))

    for _round in range(2):
        before = len(relay.messages)
        process = start_sender()
        wait_until(lambda: len(relay.messages) > before + chance.randrange(1, 120))  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: send_lane(Lane.TRANSACTIONAL, 0) or not statuses()[6])

    counts = statuses()
    assert counts[LogStatus.SENT] + counts[LogStatus.UNKNOWN] == 600
    assert counts[LogStatus.UNKNOWN] <= 2 * CONNECTIONS
    assert len(relay.recipients) == len(set(relay.recipients))
    sent = BroadLog.objects.filter(status=LogStatus.SENT)
    assert {log.address for log in sent} <= set(relay.recipients)


def test_a_living_sender_is_not_settled(
    relay: ScriptedRelay, pending: Pending, start_sender: Callable[[], Any]
) -> None:
    hung_and_waiting(pending)
    start_sender()
    wait_until(lambda: len(relay.attempts) == CONNECTIONS)

    assert settle_lost(timezone.now()) == 0

    relay.hold.set()
    wait_until(lambda: statuses() == {LogStatus.SENT: 44})


def test_what_another_host_held_is_unknown_after_two_minutes(pending: Pending) -> None:
    fresh, old = pending("a@example.org", "b@example.org")
    at = timezone.now()
    BroadLog.objects.update(status=9, claimed_by="0.0@elsewhere", claimed_at=at)
    BroadLog.objects.filter(pk=old.pk).update(claimed_at=at - timedelta(minutes=3))

    settle_lost(at)

    fresh.refresh_from_db()
    old.refresh_from_db()
    assert (fresh.status, old.status) == (LogStatus.SENDING, LogStatus.UNKNOWN)


def test_without_a_journal_everything_held_is_unknown(pending: Pending) -> None:
    pending("a@example.org")
    BroadLog.objects.update(
        status=9, claimed_by=settling.claimer(0, 0), claimed_at=timezone.now()
    )

    settle_lost(timezone.now())

    assert statuses() == {LogStatus.UNKNOWN: 1}


def test_a_journal_with_a_torn_line_proves_only_what_it_says() -> None:
    head = b"campaign sender journal 1\n"
    torn = Record(head + b'[1,1,null]\n[1,1,{"status":1}]\n[2,1,nu\n')

    assert torn.ended == {(1, 1): {"status": 1}}
    assert not torn.is_complete
    assert Record(head + b"[1,1,null]\n[2,1,n").is_complete


def test_two_senders_never_take_the_same_log(
    relay: ScriptedRelay, pending: Pending
) -> None:
    pending(*(f"r{number}@example.org" for number in range(500)))

    threads = [
        in_thread(lambda slot=slot: send_lane(Lane.TRANSACTIONAL, slot))
        for slot in (0, 1)
    ]
    for thread in threads:
        thread.join()

    assert statuses() == {LogStatus.SENT: 500}
    assert len(relay.recipients) == len(set(relay.recipients)) == 500


def test_a_slot_has_one_sender_at_a_time(
    relay: ScriptedRelay, pending: Pending
) -> None:
    pending("reader@example.org")

    with slot_lock(Lane.TRANSACTIONAL, 0) as is_ours:
        assert is_ours
        other = in_thread(lambda: send_lane(Lane.TRANSACTIONAL, 0))
        other.join()
    assert statuses() == {LogStatus.PENDING: 1}

    send_lane(Lane.TRANSACTIONAL, 0)
    assert statuses() == {LogStatus.SENT: 1}


def test_a_wake_up_that_finds_the_slot_busy_is_not_lost(
    relay: ScriptedRelay,
    pending: Pending,
    enqueued: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """New logs come when the sender has seen an empty lane and still has its slot."""
    pending("first@example.org")
    run, rounds = Sender.run, []

    def run_and_be_late(self: Sender) -> None:
        run(self)
        rounds.append(self)
        if len(rounds) == 1:
            pending("late@example.org")
            in_thread(lambda: send_lane(Lane.TRANSACTIONAL, 0)).join()
            assert statuses() == {LogStatus.SENT: 1, LogStatus.PENDING: 1}

    monkeypatch.setattr(Sender, "run", run_and_be_late)
    send_lane(Lane.TRANSACTIONAL, 0)

    assert statuses() == {LogStatus.SENT: 2}
    assert enqueued == []


def test_a_hanging_message_does_not_hold_up_the_others(
    relay: ScriptedRelay, pending: Pending
) -> None:
    pending("hang@example.org")
    work = in_thread(lambda: send_lane(Lane.TRANSACTIONAL, 0))
    wait_until(lambda: relay.attempts["hang@example.org"])

    pending("quick@example.org")
    wait_until(lambda: "quick@example.org" in relay.recipients, seconds=2)
    wait_until(lambda: statuses()[LogStatus.SENT] == 1, seconds=2)

    relay.hold.set()
    work.join()
    assert statuses() == {LogStatus.SENT: 2}


def test_a_sender_hands_over_when_its_time_is_up(
    relay: ScriptedRelay,
    pending: Pending,
    enqueued: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders, "BUDGET_SECONDS", 0.01)
    pending(*(f"r{number}@example.org" for number in range(700)))

    send_lane(Lane.TRANSACTIONAL, 0)

    assert enqueued == [("send_lane", 0, 0, "realtime")]
    assert set(statuses()) == {LogStatus.SENT, LogStatus.PENDING}


def test_a_stopping_worker_gives_back_what_it_has_not_begun(
    relay: ScriptedRelay,
    pending: Pending,
    enqueued: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hung_and_waiting(pending)
    work = in_thread(lambda: send_lane(Lane.TRANSACTIONAL, 0))
    wait_until(lambda: len(relay.attempts) == CONNECTIONS)

    monkeypatch.setattr(queue, "is_stopping", lambda: True)
    time.sleep(0.5)
    relay.hold.set()
    work.join()

    assert statuses() == {LogStatus.SENT: CONNECTIONS, LogStatus.PENDING: 40}
    assert enqueued == [("send_lane", 0, 0, "realtime")]
    assert {log.send_count for log in BroadLog.objects.filter(status=6)} == {0}


def test_a_sender_ends_before_the_queue_would_kill_it(
    relay: ScriptedRelay, pending: Pending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_most_seconds", lambda _lane: 0.5)
    pending("hang@example.org")
    begun = time.monotonic()

    send_lane(Lane.TRANSACTIONAL, 0)

    assert time.monotonic() - begun < 3
    assert statuses() == {LogStatus.UNKNOWN: 1}


def test_a_lost_database_session_doubles_nothing(
    relay: ScriptedRelay, pending: Pending
) -> None:
    hung_and_waiting(pending)
    failures: list[Exception] = []

    def work() -> None:
        try:
            send_lane(Lane.TRANSACTIONAL, 0)
        except DatabaseError as error:
            failures.append(error)

    thread = in_thread(work)
    wait_until(lambda: len(relay.attempts) == CONNECTIONS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
    relay.hold.set()
    thread.join()
    settle_lost(timezone.now())
    send_lane(Lane.TRANSACTIONAL, 0)

    assert len(failures) == 1
    assert statuses()[LogStatus.SENT] >= 40
    assert set(statuses()) <= {LogStatus.SENT, LogStatus.UNKNOWN}
    assert set(relay.attempts.values()) == {1}


def test_nobody_settles_while_the_journal_is_held(pending: Pending) -> None:
    pending("a@example.org")
    BroadLog.objects.update(
        status=9, claimed_by=settling.claimer(0, 0), claimed_at=timezone.now()
    )

    with open_journal(0, 0) as journal:
        assert journal is not None
        assert settle_lost(timezone.now()) == 0

    assert statuses() == {LogStatus.SENDING: 1}
