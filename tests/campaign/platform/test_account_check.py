"""Connection tests of external accounts, against real servers on this host."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult
from django.utils import timezone

from campaign.platform.models import ExternalAccount
from campaign.platform.services import account_changes, account_check, options
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db


def by_engine() -> dict[str, Any]:
    return {"acting_operator": None, "source": Source.CLI, "at": timezone.now()}


def add(name: str, kind: str, config: dict[str, Any], secret: str = "") -> None:
    account_changes.create_account(
        internal_name=name,
        label=name,
        type=kind,
        config=config,
        secret=secret,
        **by_engine(),
    )


def check(name: str) -> account_check.Checked:
    return account_check.check_account(internal_name=name, **by_engine())


@pytest.fixture
def relay() -> Iterator[int]:
    """A mail server that takes the password "right"."""

    def authenticate(_server: Any, _session: Any, _envelope: Any, _how: Any, data: Any):
        return AuthResult(success=data.password == b"right", handled=False)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=port,
        authenticator=authenticate,
        auth_require_tls=False,
    )
    server.start()
    yield port
    server.stop()


class _Receiver(BaseHTTPRequestHandler):
    status = 204

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        type(self).received = (dict(self.headers), self.rfile.read(length))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[type[Any], str]]:
    handler: type[Any] = type("Receiver", (_Receiver,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    options.set_value(name="WORKFLOW_HTTP_ALLOW_PRIVATE", value=1, **by_engine())
    yield handler, f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


def test_relay_that_takes_the_login_is_ok(relay: int) -> None:
    config = {"host": "127.0.0.1", "port": relay, "user": "us"}
    add("relay", "routing", config, "right")

    found = check("relay")

    assert found.is_ok, found.text
    assert "logged in as us" in found.text
    account = ExternalAccount.objects.get(internal_name="relay")
    assert (account.last_check_status, account.last_error) == ("ok", "")


def test_wrong_password_is_told_with_the_answer_of_the_relay(relay: int) -> None:
    config = {"host": "127.0.0.1", "port": relay, "user": "us"}
    add("relay", "routing", config, "wrong")

    found = check("relay")

    assert not found.is_ok
    assert found.text.startswith("535")
    entry = AuditEntry.objects.get(action="platform.externalaccount.tested")
    assert "wrong" not in str(entry.changes)


def test_disabled_account_can_be_tested_and_stays_disabled(relay: int) -> None:
    add("relay", "routing", {"host": "127.0.0.1", "port": relay})
    account_changes.change_account(internal_name="relay", enabled=False, **by_engine())

    assert check("relay").is_ok
    assert not ExternalAccount.objects.get(internal_name="relay").enabled


def test_webhook_is_posted_signed(receiver: Any) -> None:
    handler, url = receiver
    add("hook", "webhook", {"url": url}, "hush-hush-1")

    found = check("hook")

    assert found.is_ok, found.text
    headers, body = handler.received
    assert headers["X-Campaign-Signature"].startswith("t=")
    assert b'"kind": "test"' in body


def test_webhook_that_refuses_is_told(receiver: Any) -> None:
    handler, url = receiver
    handler.status = 500
    add("hook", "webhook", {"url": url}, "hush-hush-1")

    found = check("hook")

    assert not found.is_ok
    assert "500" in found.text


def test_private_address_is_refused_by_default() -> None:
    add("inner", "http", {"host": "127.0.0.1"}, "token")

    found = check("inner")

    assert not found.is_ok
    assert "WORKFLOW_HTTP_ALLOW_PRIVATE" in found.text
