"""The only module that knows django-q2.

The queue carries wake-ups; the tables of this application carry the truth. An
order is written in the caller's transaction and announced by NOTIFY at commit.
"""

from __future__ import annotations

import os
import signal
import time
from types import FrameType
from typing import Any

import psutil
import psycopg
import psycopg.sql
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django_q.brokers.orm import ORM
from django_q.cluster import Cluster
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.models import Task as QueueResult
from django_q.signals import post_spawn
from django_q.tasks import async_task

from workflows.registry import QUEUES

CLOCK_CHANNEL = "campaign_clock"
# How long the pusher waits for a notification, and how long it trusts their
# absence: a lease that ran out is announced by nobody.
WAIT_SECONDS = 1.0
POLL_SECONDS = 5.0

_stopping = False


def queue_channel(queue: str) -> str:
    """Return the notification channel of a queue."""
    return f"campaign_queue_{queue}"


def enqueue(function: str, *args: int | str, queue: str) -> None:
    """Order a call of a module-level function in a worker of ``queue``.

    Part of the caller's transaction. The call may come twice, late or, after a
    crash, never; what it shall do must therefore stand in our own rows.
    """
    async_task(function, *args, cluster=queue, save=False)


def wake_clock(payload: str = "") -> None:
    """Wake the clock when the current transaction commits.

    The payload ``signal:<internal_name>`` also asks it to raise that signal.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CLOCK_CHANNEL, payload])


def is_stopping() -> bool:
    """Return whether this worker was asked to come to an end."""
    return _stopping


def depth(queue: str) -> int:
    """Return how many orders wait in ``queue``, claimed ones included."""
    return OrmQ.objects.filter(key=queue).count()


def worker_count(queue: str) -> int:
    """Return how many workers the settings give ``queue`` on one host."""
    base = settings.Q_CLUSTER
    own = base.get("ALT_CLUSTERS", {}).get(queue, base)
    return int(own.get("workers", base.get("workers", 1)))


def time_limit(queue: str) -> int:
    """Return after how many seconds django-q2 ends a task of ``queue``."""
    base = settings.Q_CLUSTER
    own = base.get("ALT_CLUSTERS", {}).get(queue, base)
    return int(own.get("timeout", base["timeout"]))


def purge_results(older_than: Any) -> int:
    """Delete results that django-q2 kept before ``older_than``."""
    deleted, _ = QueueResult.objects.filter(stopped__lt=older_than).delete()
    return deleted


def ensure_safety_net() -> None:
    """Make sure that the minute-wise call of the clock's tick exists."""
    Schedule.objects.update_or_create(
        name="clock safety net",
        defaults={
            "func": "workflows.engine.clock.safety_net",
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
            "repeats": -1,
            "cluster": QUEUES[0],
        },
    )


def open_listener(channel: str) -> psycopg.Connection[Any]:
    """Return a new connection of its own that listens on ``channel``."""
    parameters = connection.get_connection_params()
    for django_only in ("cursor_factory", "context"):
        parameters.pop(django_only, None)
    listener = psycopg.connect(**parameters, autocommit=True)
    name = psycopg.sql.Identifier(channel)
    listener.execute(psycopg.sql.SQL("LISTEN {}").format(name))
    return listener


class Broker(ORM):
    """The ORM broker, first in first out, woken by NOTIFY instead of polling."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._listener: psycopg.Connection[Any] | None = None
        self._polled_at = 0.0
        self._is_empty = False

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._listener = None
        self._polled_at = 0.0
        self._is_empty = False

    def enqueue(self, task: str) -> int:
        """Write the order and announce it, in the current transaction."""
        key = self.list_key or Conf.CLUSTER_NAME
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH queued AS (INSERT INTO django_q_ormq (key, payload, lock)"
                " VALUES (%s, %s, now()) RETURNING id)"
                " SELECT id, pg_notify(%s, '') FROM queued",
                [key, task, queue_channel(key)],
            )
            return cursor.fetchone()[0]

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Claim the oldest orders; wait a moment when there is none.

        While nothing is announced nothing is asked for, but for a poll now and then. A
        database fault costs a second, not the ten that the pusher would sleep.
        """
        try:
            if not self._is_empty and (claimed := self._claim()):
                return claimed
            self._is_empty = not self._wait()
            return None if self._is_empty else self._claim()
        except (DatabaseError, InterfaceError, psycopg.Error):
            self._disconnect()
            time.sleep(WAIT_SECONDS)
            return None

    def _claim(self) -> list[tuple[int, str]]:
        close_old_connections()
        self._polled_at = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_q_ormq SET lock = now() + make_interval(secs => %s)"
                " WHERE id IN ("
                " SELECT id FROM django_q_ormq WHERE key = %s AND lock <= now()"
                " ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %s) RETURNING id, payload",
                [Conf.RETRY, self.list_key, Conf.BULK],
            )
            return cursor.fetchall()

    def _wait(self) -> bool:
        """Wait for a notification; return whether a look is worth while."""
        if self._listener is None:
            self._listener = open_listener(queue_channel(self.list_key))
            return True  # what was announced before we listened
        heard = False
        for _notification in self._listener.notifies(
            timeout=WAIT_SECONDS, stop_after=1
        ):
            heard = True
        return heard or time.monotonic() - self._polled_at > POLL_SECONDS

    def _disconnect(self) -> None:
        self._is_empty = False
        connection.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def run_cluster(queue: str) -> None:
    """Run the django-q2 cluster of ``queue`` until SIGTERM or SIGINT.

    On a stop the workers are told, so that a drain ends after its current batch.
    """
    _take_settings_of(queue)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    post_spawn.connect(_listen_for_stop, dispatch_uid="listen_for_stop")
    cluster = Cluster()

    def stop(signum: int, frame: FrameType | None) -> None:
        for process in psutil.Process().children(recursive=True):
            process.send_signal(signal.SIGUSR1)
        cluster.sig_handler(signum, frame)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    cluster.start()
    if cluster.sentinel is not None:
        cluster.sentinel.join()


def _take_settings_of(queue: str) -> None:
    """Make the settings of ``queue`` those of this process.

    The library takes them from ``Q_CLUSTER_NAME`` while it is imported, which is
    too early for a process forked from one that has everything loaded already.
    """
    base = settings.Q_CLUSTER
    own = {**base, **base["ALT_CLUSTERS"].get(queue, {})}
    os.environ["Q_CLUSTER_NAME"] = Conf.CLUSTER_NAME = queue
    Conf.WORKERS = own["workers"]
    Conf.QUEUE_LIMIT = own["queue_limit"]
    Conf.TIMEOUT = own["timeout"]
    Conf.RETRY = own["retry"]
    Conf.RECYCLE = own["recycle"]
    Conf.BULK = own["bulk"]
    Conf.SCHEDULER = own["scheduler"]


def _listen_for_stop(**_kwargs: Any) -> None:
    def note(_signum: int, _frame: FrameType | None) -> None:
        global _stopping
        _stopping = True

    signal.signal(signal.SIGUSR1, note)
