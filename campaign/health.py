"""Whether this installation is alive, ready and how it fares.

``/healthz`` tells that the web server answers at all, ``/readyz`` that every part
works, ``/metrics`` the figures in the form Prometheus takes.
"""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from campaign.access.models import Scope
from campaign.access.services.tokens import authenticate
from campaign.security import is_loopback
from workflows.engine.supervision import (
    Component,
    Health,
    component_status,
    unknown_status,
)
from workflows.exceptions import AppError

_PROBE_SECONDS = 1.5
_RELAY_SECONDS = 1.0
_RELAY_TRUST_SECONDS = 10.0
_DEPTHS = (
    "SELECT key, count(*)::float FROM"
    " (SELECT key FROM django_q_ormq LIMIT 100000) AS bounded GROUP BY key"
)


class _BoundedProbe:
    """Asks a slow part in a thread of its own and never waits long for it.

    The thread keeps its database connection, so a probe of a healthy part costs one
    short statement. While one question is open no second is asked.
    """

    def __init__(self, name: str, ask: Callable[[], Any]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._ask = ask
        self._open: Future[Any] | None = None
        self._lock = threading.Lock()

    def start(self) -> Future[Any]:
        """Ask without waiting, unless the last question is still open."""
        with self._lock:
            if self._open is None or self._open.done():
                self._open = self._pool.submit(self._ask)
            return self._open

    def result(self, deadline: float) -> Any:
        """Return the answer; raise the probe's own error or, when there is none by
        ``deadline`` on the monotonic clock, `TooLate`."""
        return self.start().result(timeout=max(0.0, deadline - time.monotonic()))


class _RelayProbe:
    """Greets the SMTP server, at most once in ten seconds."""

    def __init__(self) -> None:
        self._known: Component | None = None
        self._asked_at = 0.0
        self._lock = threading.Lock()

    def component(self) -> Component:
        """Return the state of the relay."""
        with self._lock:
            now = time.monotonic()
            trust = _RELAY_TRUST_SECONDS if self._known and self._known.is_up else 1.0
            if self._known is None or now - self._asked_at > trust:
                self._known = _greet_relay()
                self._asked_at = time.monotonic()
            return self._known


def _greet_relay() -> Component:
    relay = settings.RELAY
    client = smtplib.SMTP_SSL if relay.tls else smtplib.SMTP
    try:
        with client(relay.host, relay.port, timeout=_RELAY_SECONDS) as session:
            session.noop()
    except (OSError, smtplib.SMTPException) as error:
        reason = str(error) or type(error).__name__
        return Component(Health.DOWN, f"{relay.host}:{relay.port}: {reason}")
    return Component(Health.UP, f"{relay.host}:{relay.port} answers")


def _ask_engine() -> dict[str, Component]:
    """Return the state of database, clock and queues; let go of a dead connection."""
    found = component_status(timezone.now())
    if not found["database"].is_up:
        connection.close()
    return found


_engine = _BoundedProbe("readiness-database", _ask_engine)
_relay = _RelayProbe()
_relay_in_time = _BoundedProbe("readiness-relay", _relay.component)


def components() -> dict[str, Component]:
    """Return the state of every part, within two seconds in all.

    When the database is down nothing is known of the clock and the queues, which
    cannot work without it: they count as down.
    """
    deadline = time.monotonic() + _PROBE_SECONDS
    _relay_in_time.start()
    try:
        found = dict(_engine.result(deadline))
    except TooLate:
        found = unknown_status("does not answer in time")
    found["relay"] = relay(deadline)
    return found


def relay(deadline: float | None = None) -> Component:
    """Return the state of the mail relay by ``deadline`` on the monotonic clock, else
    within a second and a half. No SQL."""
    try:
        return _relay_in_time.result(deadline or time.monotonic() + _PROBE_SECONDS)
    except TooLate:
        return Component(Health.DOWN, "does not answer in time")


def _entry(part: Component) -> dict[str, Any]:
    """Return the entry of a part in the answer of ``/readyz``."""
    entry: dict[str, Any] = {"status": part.status, "detail": part.detail}
    if part.age_seconds is not None:
        entry["age_seconds"] = round(part.age_seconds, 1)
    return entry


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the web server is alive; asks nothing else."""
    return JsonResponse({"status": "alive"}, headers={"Cache-Control": "no-store"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every part works, else 503, with one entry per part."""
    found = components()
    is_ready = all(component.is_up for component in found.values())
    answer = JsonResponse(
        {
            "status": "ready" if is_ready else "unavailable",
            "components": {name: _entry(part) for name, part in found.items()},
        },
        status=200 if is_ready else 503,
        headers={"Cache-Control": "no-store"},
    )
    # A monitor asks every few seconds; one line for each would bury the rest.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures to this machine, and to bearers of an administrator token."""
    if not is_loopback(request.META.get("REMOTE_ADDR", "")):
        try:
            principal = authenticate(request.headers.get("Authorization"))
            principal.require_scope(Scope.ADMIN.value)
        except AppError as error:
            return JsonResponse(
                {"code": error.code, "detail": error.message}, status=error.status
            )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FiguresCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class FiguresCollector(Collector):
    """Reads the figures from the database when they are asked for."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield every figure; a dead database leaves those that need none."""
        up = GaugeMetricFamily(
            "campaign_component_up", "1 when the part works.", labels=["component"]
        )
        age = GaugeMetricFamily(
            "campaign_heartbeat_age_seconds",
            "Seconds since the last sign of life.",
            labels=["component"],
        )
        for name, part in components().items():
            up.add_metric([name], float(part.is_up))
            if part.age_seconds is not None:
                age.add_metric([name], part.age_seconds)
        yield up
        yield age
        yield from _database_figures()


def _database_figures() -> Iterator[GaugeMetricFamily]:
    depth = GaugeMetricFamily(
        "campaign_queue_tasks", "Tasks that wait or run.", labels=["queue"]
    )
    states = GaugeMetricFamily(
        "campaign_workflows", "Workflows by state.", labels=["state", "failed"]
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(_DEPTHS)
            for queue, count in cursor.fetchall():
                depth.add_metric([queue], count)
            cursor.execute(
                "SELECT state, failed, count(*) FROM workflows_workflow"
                " GROUP BY state, failed"
            )
            for state, failed, count in cursor.fetchall():
                states.add_metric([str(state), str(failed).lower()], count)
    except DatabaseError:
        return
    yield depth
    yield states


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
