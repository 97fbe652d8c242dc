"""The WSGI application: which calls take the short way."""

from __future__ import annotations

import io
from typing import Any

import pytest

from campaign import wsgi
from campaign.messagecenter import intake
from campaign.messagecenter.models import EventType, RtEvent
from tests.campaign.messagecenter.conftest import Caller


def request(method: str, path: str, **environ: Any) -> tuple[str, dict[str, str]]:
    """Call the application as a web server does; return status and headers."""
    started: list[Any] = []
    answer = wsgi.application(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "http",
            **environ,
        },
        lambda *start: started.append(start),
    )
    b"".join(answer)
    status, headers = started[0][:2]
    return status, dict(headers)


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("/api/v1/events/EVTx", True),
        ("/api/v1/events/rt-1", True),
        ("/api/v1/events:batch", True),
        ("/local/campaign/mclocal/EVTx", True),
        ("/local/campaign/mclocal/EVTx/@key", True),
        ("/api/v1/events", False),
        ("/api/v1/events/", False),
        ("/api/v1/event-types", False),
        ("/local/campaign/workflow/execution/1", False),
        ("/other/campaign/mcother/EVTx", False),
        ("/", False),
    ],
)
def test_paths_of_the_event_api(path: str, is_ours: bool) -> None:
    assert intake.accepts(path) is is_ours


@pytest.mark.django_db
def test_event_api_is_answered_without_the_middleware_chain() -> None:
    status, headers = request("POST", "/api/v1/events/EVTx")

    assert status == "401 Unauthorized"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" not in headers


@pytest.mark.django_db
def test_everything_else_goes_to_django() -> None:
    status, headers = request("GET", "/api/v1/event-types")

    assert status == "401 Unauthorized"
    assert "Content-Security-Policy" in headers


def test_failure_of_ours_is_500_and_says_nothing_more(
    call: Caller, order_shipped: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("campaign.messagecenter.intake_faces.read_event", broken)

    reply = call("POST", "/api/v1/events/EVTorderShipped", {"ctx": {}})

    assert reply.status == 500
    assert "secret" not in str(reply.body)
    assert not RtEvent.objects.exists()
