"""Telling other systems: a notification as signed JSON, posted within five seconds.

The signature is ``t=<unix seconds>,v1=<hex>``, the HMAC-SHA-256 of ``<t>.<body>`` with
the secret of the webhook, so that a receiver knows who posted and when. How often a
post is tried again is the affair of who keeps the webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation
from django.utils.translation import gettext_noop

from workflows.activities import addresses, calling
from workflows.engine.notifying import contents
from workflows.exceptions import AppError, ConfigurationError
from workflows.models import Level, Notification, Severity, Workflow

SIGNATURE = "X-Campaign-Signature"
TIME_LIMIT = 5.0
_PORTS = {"http": 80, "https": 443}
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a post: the status of the answer, or why there was none."""

    status: int | None = None
    error: str = ""

    @property
    def is_taken(self) -> bool:
        """Return whether the receiver took it."""
        return self.status in _SUCCESS


def sign(secret: str, body: bytes, at: datetime) -> str:
    """Return the value of the signature header."""
    moment = str(int(at.timestamp()))
    signed = moment.encode() + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def body_of(notification: Notification) -> bytes:
    """Return the JSON that tells a notification, in English. No SQL with its workflow.

    ``id`` stays the same for the same thing, ``count`` says how often it happened.
    """
    with translation.override("en"):
        told = {
            "id": notification.pk,
            "kind": notification.kind,
            "level": Level(notification.level).name.lower(),
            "message": notification.text,
            "instance": contents.instance(),
            "workflow": _workflow(notification.workflow),
            "activity": notification.activity,
            "run_id": notification.parameters.get("run"),
            "task_id": notification.parameters.get("task"),
            "count": notification.count,
            "first_at": notification.first_at,
            "last_at": notification.last_at,
            "resolved_at": notification.resolved_at,
            "url": contents.absolute(notification.path),
        }
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False).encode()


def _workflow(workflow: Workflow | None) -> dict[str, Any] | None:
    if workflow is None:
        return None
    return {
        "internal_name": workflow.internal_name,
        "label": workflow.label,
        "package": workflow.package,
        "severity": Severity(workflow.severity).name.lower(),
        "state": workflow.state,
        "failed": workflow.failed,
    }


def post(url: str, secret: str, notification: Notification, at: datetime) -> Posted:
    """Post a notification once and return what became of it.

    A redirect is no success, and a private address is refused unless the option
    WORKFLOW_HTTP_ALLOW_PRIVATE allows it. Raises nothing.
    """
    body = body_of(notification)
    try:
        target = target_of(url)
        answer = calling.request(
            target,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "User-Agent": "Campaign-Webhook/1",
                "Connection": "close",
                SIGNATURE: sign(secret, body, at),
            },
            body=body,
            seconds=TIME_LIMIT,
        )
    except AppError as error:
        return Posted(error=error.message)
    if answer.status in _SUCCESS:
        return Posted(answer.status)
    return Posted(answer.status, f"HTTP {answer.status}")


def target_of(url: str) -> calling.Target:
    """Return where a webhook is, its name resolved.

    Raises ConfigurationError for an address that cannot be one or must not be called,
    and RuntimeFault for a name that is not known now.
    """
    scheme, host, port, path = split(url)
    return calling.Target(scheme, host, port, addresses.resolve(host, port), path)


def split(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path with query of a webhook's address.

    Raises ConfigurationError with what is wrong with it. No look-up.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not is_plain or not port or not parts.hostname or parts.username is not None:
        raise ConfigurationError(
            gettext_noop(
                "%(url)s is no address of a webhook: write http:// or https://, a host"
                " and a path, without a user name."
            ),
            url=url,
        )
    path = parts.path or "/"
    return (
        parts.scheme,
        parts.hostname,
        port,
        f"{path}?{parts.query}" if parts.query else path,
    )
