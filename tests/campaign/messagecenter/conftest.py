"""What the tests of Message Center share: published types, templates, a caller."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from campaign.access.models import Operator
from campaign.access.services.tokens import create_token, forget_cached
from campaign.messagecenter import intake
from campaign.messagecenter.models import EventType
from campaign.messagecenter.services.event_rules import forget_rules

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call of the event API answered."""

    status: int
    headers: dict[str, str]
    body: Any


Caller = Callable[..., Reply]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    forget_rules()
    forget_cached()
    yield
    forget_rules()
    forget_cached()


@pytest.fixture
def order_shipped(db: None) -> EventType:
    """A published event type with one attribute of each type."""
    return EventType.objects.create(
        event_id="EVTorderShipped",
        label="Order shipped",
        publication_state=EventType.PublicationState.PUBLISHED,
        attributes=[
            {"name": "order_number", "type": "string", "mandatory": False},
            {"name": "lines", "type": "integer", "mandatory": False},
            {"name": "total", "type": "number", "mandatory": False},
            {"name": "is_gift", "type": "boolean", "mandatory": False},
            {"name": "expected_on", "type": "date", "mandatory": False},
            {"name": "shipped_at", "type": "datetime", "mandatory": False},
        ],
    )


@pytest.fixture
def password_reset(db: None) -> EventType:
    """A published event type with a mandatory attribute."""
    return EventType.objects.create(
        event_id="EVTpasswordReset",
        label="Password reset",
        publication_state=EventType.PublicationState.PUBLISHED,
        attributes=[{"name": "link", "type": "string", "mandatory": True}],
    )


def token_with(operator: Operator, *scopes: str) -> str:
    """Return the secret of a new token of that operator."""
    name = f"test {' '.join(scopes)}"
    return create_token(name=name, operator=operator, scopes=scopes).secret


def send(
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str = "",
    key: str = "",
    raw: bytes | None = None,
    **environ: Any,
) -> Reply:
    """Call the event API as a web server does."""
    data = (
        raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    )
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
        **environ,
    }
    if token:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    if key:
        environ["HTTP_IDEMPOTENCY_KEY"] = key
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks = intake.serve(
        environ, lambda status, headers: started.append((status, headers))
    )
    status, headers = started[0]
    return Reply(int(status[:3]), dict(headers), json.loads(b"".join(chunks)))


@pytest.fixture
def call(administrator: Operator) -> Caller:
    """A caller with administrator rights."""
    secret = token_with(administrator, "admin")

    def call_with_token(method: str, path: str, body: Any = None, **rest: Any) -> Reply:
        return send(method, path, body, **{"token": secret, **rest})

    return call_with_token
