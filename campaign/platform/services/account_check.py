"""Trying whether an external account works, step by step, within seconds."""

from __future__ import annotations

import base64
import contextlib
import json
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from campaign.platform.models import ExternalAccount
from campaign.platform.services import accounts, webhooks
from campaign.platform.services.account_changes import (
    CHANGE_RIGHT,
    OBJECT,
    find_account,
)
from workflows import audit
from workflows.actions import rights
from workflows.activities import calling
from workflows.engine import webhooks as posting
from workflows.exceptions import AppError
from workflows.models import Source

#: A page waits for the result.
SECONDS = 5
OK, FAILED = webhooks.TAKEN, webhooks.REFUSED
_SUCCESS = range(200, 300)
_REFUSALS = (401, 403)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a connection test found; ``text`` says how far it came, or why not."""

    is_ok: bool
    text: str


def check_account(
    *, internal_name: str, acting_operator: Any, source: Source, at: datetime
) -> Checked:
    """Try the account now and keep the result with it.

    A disabled account is tried all the same. Raises NotFound and PermissionRefused,
    nothing for a server that does not answer.
    """
    rights.require(acting_operator, CHANGE_RIGHT)
    account = find_account(internal_name)
    checks: dict[str, Callable[[ExternalAccount, datetime], str]] = {
        ExternalAccount.Type.ROUTING: _check_routing,
        ExternalAccount.Type.WEBHOOK: _check_webhook,
        ExternalAccount.Type.HTTP: _check_http,
    }
    try:
        found = Checked(True, checks[account.type](account, at))
    except AppError as error:
        found = Checked(False, error.message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        found = Checked(False, _told(error))
    ExternalAccount.objects.filter(pk=account.pk).update(
        last_check_at=at,
        last_check_status=OK if found.is_ok else FAILED,
        last_error="" if found.is_ok else found.text[:1000],
    )
    audit.record(
        action=f"{OBJECT}.tested",
        object_type=OBJECT,
        object_id=internal_name,
        object_label=account.label,
        acting_operator=acting_operator,
        source=source,
        at=at,
        changes={"result": [None, found.text[:500]]},
    )
    return found


def _check_routing(account: ExternalAccount, _at: datetime) -> str:
    account.enabled = True  # not saved: the test is to come before the switch
    relay = accounts.relay_of(account)
    opener: Callable[..., smtplib.SMTP] = smtplib.SMTP
    if relay.tls:
        opener = partial(smtplib.SMTP_SSL, context=ssl.create_default_context())
    steps = [
        _("connected to %(host)s:%(port)s") % {"host": relay.host, "port": relay.port}
    ]
    client = opener(relay.host, relay.port, timeout=SECONDS)
    try:
        client.ehlo_or_helo_if_needed()
        steps.append("EHLO")
        if relay.starttls:
            client.starttls(context=ssl.create_default_context())
            client.ehlo_or_helo_if_needed()
        if relay.tls or relay.starttls:
            steps.append("TLS")
        if relay.username:
            client.login(relay.username, relay.password)
            steps.append(_("logged in as %(user)s") % {"user": relay.username})
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()
    finally:
        client.close()
    return ", ".join(steps)


def _check_webhook(account: ExternalAccount, at: datetime) -> str:
    secret = accounts.unseal(account).get("secret", "")
    if wrong := webhooks.faults(account.config, has_secret=bool(secret)):
        raise AppError(f"{wrong[0].field}: {wrong[0].message}")
    body = json.dumps(
        {"kind": "test", "message": "Connection test", "at": at.isoformat()}
    ).encode()
    answer = calling.request(
        posting.target_of(account.config["url"]),
        method="POST",
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Campaign-Webhook/1",
            "Connection": "close",
            posting.SIGNATURE: posting.sign(secret, body, at),
        },
        body=body,
        seconds=SECONDS,
    )
    if answer.status not in _SUCCESS:
        raise AppError(
            _("The receiver answered HTTP %(status)s: it has to answer 200 to 299."),
            status=answer.status,
        )
    return _("posted, answered HTTP %(status)s") % {"status": answer.status}


def _check_http(account: ExternalAccount, _at: datetime) -> str:
    host = str(account.config.get("host") or "")
    user = str(account.config.get("user") or "")
    password = accounts.unseal(account).get("password", "")
    headers = {"User-Agent": "Campaign/1", "Connection": "close"}
    if user:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    elif password:
        headers["Authorization"] = f"Bearer {password}"
    answer = calling.request(
        posting.target_of(f"https://{host}/"),
        method="GET",
        headers=headers,
        body=None,
        seconds=SECONDS,
    )
    if answer.status in _REFUSALS:
        raise AppError(
            _("The server refused us (HTTP %(status)s): check user and secret."),
            status=answer.status,
        )
    if answer.status >= 500:
        raise AppError(
            _("The server has a fault (HTTP %(status)s)."), status=answer.status
        )
    return _("reached over TLS, answered HTTP %(status)s") % {"status": answer.status}


def _told(error: Exception) -> str:
    """Return the words of a failure, an answer of the server decoded."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
        return f"{error.smtp_code} {text}"
    if isinstance(error, TimeoutError):
        return _("The server did not answer within %(seconds)s s.") % {
            "seconds": SECONDS
        }
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
