"""Webhooks: what is posted, signed how, and what happens when nobody takes it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.test import Client

from campaign.platform.models import ExternalAccount, Option, WebhookDelivery
from campaign.platform.services import accounts, webhooks
from tests.workflows.samples import START, sample_workflow, three_rows
from workflows import conf
from workflows.engine import notifications
from workflows.engine.webhooks import sign
from workflows.models import Level, Notification, NotificationKind, Workflow

pytestmark = pytest.mark.django_db
SECRET = "a secret of some length"
MINUTE = timedelta(minutes=1)


class Receiver(ThreadingHTTPServer):
    """A system that takes notifications, or answers with another status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.taken: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?from=campaign"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(({"path": self.path, **self.headers}, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def _private_allowed() -> Iterator[None]:
    Option.objects.create(
        name="WORKFLOW_HTTP_ALLOW_PRIVATE", data_type="integer", value=1
    )
    conf.forget_options()
    yield
    conf.forget_options()


@pytest.fixture
def hook(receiver: Receiver, _private_allowed: None) -> ExternalAccount:
    return make_hook(receiver.url)


def make_hook(url: str, **config: Any) -> ExternalAccount:
    return ExternalAccount.objects.create(
        internal_name="pager",
        label="Pager",
        type=ExternalAccount.Type.WEBHOOK,
        config={"url": url, **config},
        secrets=accounts.seal({"secret": SECRET}),
    )


@pytest.fixture
def workflow(db: None) -> Iterator[Workflow]:
    with sample_workflow(three_rows) as made:
        yield made


def tell(
    workflow: Workflow, kind: NotificationKind = NotificationKind.OVERDUE
) -> Notification:
    """Have a notification sent as the queue does."""
    row = notifications.notify(
        kind=kind,
        workflow=workflow,
        activity="process",
        level=Level.ERROR,
        message="%(name)s is late.",
        parameters={"name": "sample", "run": 12},
        at=START,
    )
    with time_machine.travel(START, tick=False):
        notifications.deliver(row.pk)
    return row


def post_all(at: Any = START) -> None:
    """Do what the queue was told to post."""
    with time_machine.travel(at, tick=False):
        for key in WebhookDelivery.objects.values_list("pk", flat=True):
            webhooks.post(key)


def test_notification_is_posted_with_a_signature_that_holds(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    tell(workflow)

    post_all()

    ((headers, body),) = receiver.taken
    moment, given = (
        part.split("=")[1] for part in headers["X-Campaign-Signature"].split(",")
    )
    expected = hmac.new(
        SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256
    ).hexdigest()
    assert headers["path"] == "/hook?from=campaign"
    assert headers["Content-Type"] == "application/json"
    assert moment == str(int(START.timestamp()))
    assert hmac.compare_digest(given, expected)


def test_posted_document_names_workflow_kind_and_absolute_address(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    row = tell(workflow)

    post_all()

    told = json.loads(receiver.taken[0][1])
    assert told["id"] == row.pk
    assert told["kind"] == "overdue"
    assert told["message"] == "sample is late."
    assert told["workflow"]["internal_name"] == "sample"
    assert told["run_id"] == 12
    assert told["url"] == "http://127.0.0.1:8000/workflows/sample/"


def documented_check() -> Any:
    """Return the function that docs/notifications.md gives to receivers."""
    text = (settings.BASE_DIR / "docs" / "notifications.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    known: dict[str, Any] = {}
    exec(compile(code, "notifications.md", "exec"), known)  # noqa: S102
    return known["is_genuine"]


def test_documented_check_takes_what_we_post(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    tell(workflow)
    post_all()

    ((headers, body),) = receiver.taken
    header = headers["X-Campaign-Signature"]
    assert documented_check()(header, body, SECRET, START.timestamp())


@pytest.mark.parametrize(
    ("body", "secret", "late"),
    [(b"{ }", SECRET, 0), (b"{}", "another", 0), (b"{}", SECRET, 301)],
    ids=["another body", "another secret", "too old"],
)
def test_documented_check_refuses_what_we_did_not_post(
    body: bytes, secret: str, late: int
) -> None:
    header = sign(SECRET, b"{}", START)

    assert not documented_check()(header, body, secret, START.timestamp() + late)


def test_another_body_has_another_signature() -> None:
    assert sign(SECRET, b"{}", START) != sign(SECRET, b"{ }", START)


def test_second_order_posts_nothing(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    tell(workflow)

    post_all()
    post_all()

    assert len(receiver.taken) == 1


def test_what_is_not_taken_is_tried_three_times(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    receiver.status = 503
    tell(workflow)

    for minutes in (0, 0.5, 2, 4, 9, 30):
        post_all(START + minutes * MINUTE)

    delivery = WebhookDelivery.objects.get()
    hook.refresh_from_db()
    assert len(receiver.taken) == 3
    assert (delivery.attempts, delivery.next_at, delivery.status_code) == (3, None, 503)
    assert (hook.last_check_status, hook.last_error) == ("failed", "HTTP 503")
    line = workflow.journal.get(message__startswith="The webhook")
    assert line.text == ("The webhook pager did not take a notification: HTTP 503")


def test_second_attempt_that_is_taken_ends_it(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    receiver.status = 500
    tell(workflow)
    post_all()
    receiver.status = 200

    post_all(START + 2 * MINUTE)

    delivery = WebhookDelivery.objects.get()
    hook.refresh_from_db()
    assert (delivery.attempts, delivery.next_at) == (2, None)
    assert delivery.delivered_at == START + 2 * MINUTE
    assert hook.last_check_status == "ok"


def test_redirect_is_not_followed(
    hook: ExternalAccount, receiver: Receiver, workflow: Workflow
) -> None:
    receiver.status = 302
    tell(workflow)

    post_all()

    assert WebhookDelivery.objects.get().error == "HTTP 302"


def test_private_address_is_refused_unless_the_option_allows_it(
    receiver: Receiver, workflow: Workflow
) -> None:
    conf.forget_options()
    make_hook(receiver.url)
    tell(workflow)

    post_all()

    assert receiver.taken == []
    assert "WORKFLOW_HTTP_ALLOW_PRIVATE" in WebhookDelivery.objects.get().error


def test_webhook_gets_the_kinds_that_it_wants(
    receiver: Receiver, workflow: Workflow
) -> None:
    make_hook(receiver.url, kinds=["failed"])

    tell(workflow)

    assert not WebhookDelivery.objects.exists()


def test_webhook_that_is_switched_off_gets_nothing(
    hook: ExternalAccount, workflow: Workflow
) -> None:
    ExternalAccount.objects.update(enabled=False)

    tell(workflow)

    assert not WebhookDelivery.objects.exists()


def test_secret_of_another_key_is_told_with_a_remedy(
    hook: ExternalAccount,
    receiver: Receiver,
    workflow: Workflow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell(workflow)
    monkeypatch.setattr(settings, "CAMPAIGN_SECRETS_KEY", "another key")

    post_all()

    assert receiver.taken == []
    assert "CAMPAIGN_SECRETS_KEY" in WebhookDelivery.objects.get().error


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ([], "config"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "https://user@example.com/"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": "https://example.com/", "kinds": ["failures"]}, "kinds"),
        ({"url": "https://example.com/", "verify": False}, "verify"),
    ],
)
def test_wrong_settings_are_refused_by_name(config: Any, field: str) -> None:
    assert [fault.field for fault in webhooks.faults(config)] == [field]


def test_form_seals_the_secret_of_a_webhook(
    admin_client: Client, administrator: AbstractUser
) -> None:
    admin_client.post(
        "/system/platform/externalaccount/add/",
        {
            "internal_name": "pager",
            "label": "Pager",
            "type": "webhook",
            "enabled": "on",
            "config": '{"url": "https://example.com/hook"}',
            "password": SECRET,
        },
    )

    account = ExternalAccount.objects.get(internal_name="pager")
    assert SECRET not in account.secrets
    assert accounts.unseal(account) == {"secret": SECRET}


def test_form_refuses_a_webhook_without_secret(
    admin_client: Client, administrator: AbstractUser
) -> None:
    response = admin_client.post(
        "/system/platform/externalaccount/add/",
        {
            "internal_name": "pager",
            "label": "Pager",
            "type": "webhook",
            "config": '{"url": "https://example.com/hook"}',
        },
    )

    assert "Give the secret that the receiver checks with." in (
        response.content.decode()
    )
    assert not ExternalAccount.objects.filter(internal_name="pager").exists()
