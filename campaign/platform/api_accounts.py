"""External accounts over HTTP; secrets are written and never read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Query, Router, Schema, Status

from campaign.platform.models import ExternalAccount
from campaign.platform.services import account_changes, account_check
from workflows.api import paging
from workflows.api.caller import ADMIN, operator_with
from workflows.api.preconditions import expected_tag
from workflows.models import Source

router = Router(tags=["External accounts"])


class AccountOut(Schema):
    """An external account; of its secret only whether there is one."""

    internal_name: str
    label: str
    type: str
    enabled: bool
    config: dict[str, Any]
    has_secret: bool
    last_check_at: datetime | None
    last_check_status: str
    last_error: str
    version: str


class AccountPage(Schema):
    items: list[AccountOut]
    next: str | None


class AccountIn(Schema):
    """A new account; ``config`` has the settings of its type."""

    internal_name: str
    label: str
    type: str
    config: dict[str, Any] = {}
    secret: str = ""
    enabled: bool = True


class AccountChange(Schema):
    """What is to change; a secret "" is removed, null keeps the stored one."""

    label: str | None = None
    config: dict[str, Any] | None = None
    secret: str | None = None
    enabled: bool | None = None


class CheckedOut(Schema):
    """What a connection test found."""

    is_ok: bool
    text: str


def order_of(request: HttpRequest, permission: str) -> dict[str, Any]:
    """Return who acts, by the API, now. Raises PermissionRefused."""
    operator = operator_with(request, ADMIN, permission=permission)
    return {
        "acting_operator": operator,
        "source": Source.API,
        "at": timezone.now(),
    }


@router.get("/external-accounts", response=AccountPage, url_name="account_list")
def list_accounts(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the external accounts by name."""
    operator_with(request, ADMIN, permission=account_changes.VIEW_RIGHT)
    page = paging.keyset(
        ExternalAccount.objects.all(),
        limit=limit,
        cursor=cursor,
        order=("internal_name",),
    )
    return {"items": [_out(row) for row in page.items], "next": page.next}


@router.post("/external-accounts", response={201: AccountOut}, url_name="account_list")
def add_account(request: HttpRequest, body: AccountIn) -> Status[AccountOut]:
    """Add an external account."""
    made = account_changes.create_account(
        **body.dict(), **order_of(request, account_changes.ADD_RIGHT)
    )
    return Status(201, _out(made))


# Before the plain names, for a name may not hold a colon.
@router.post(
    "/external-accounts/{internal_name}:test",
    response=CheckedOut,
    url_name="account_test",
)
def test_account(request: HttpRequest, internal_name: str) -> CheckedOut:
    """Try the connection now; a server that does not answer is a result, no error."""
    checked = account_check.check_account(
        internal_name=internal_name,
        **order_of(request, account_changes.CHANGE_RIGHT),
    )
    return CheckedOut(is_ok=checked.is_ok, text=checked.text)


@router.get(
    "/external-accounts/{internal_name}", response=AccountOut, url_name="account_detail"
)
def show_account(
    request: HttpRequest, response: HttpResponse, internal_name: str
) -> AccountOut:
    """Show one external account."""
    operator_with(request, ADMIN, permission=account_changes.VIEW_RIGHT)
    return _answer(response, account_changes.find_account(internal_name))


@router.patch(
    "/external-accounts/{internal_name}", response=AccountOut, url_name="account_detail"
)
def change_account(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    body: AccountChange,
    if_match: str = Header("", alias="If-Match"),
) -> AccountOut:
    """Change an external account; the audit trail keeps what changed, no secret."""
    changed = account_changes.change_account(
        internal_name=internal_name,
        **body.dict(),
        expected_version=expected_tag(if_match),
        **order_of(request, account_changes.CHANGE_RIGHT),
    )
    return _answer(response, changed)


@router.delete(
    "/external-accounts/{internal_name}",
    response={204: None},
    url_name="account_detail",
)
def delete_account(request: HttpRequest, internal_name: str) -> Status[None]:
    """Delete an external account that nothing uses."""
    account_changes.delete_account(
        internal_name=internal_name,
        **order_of(request, account_changes.DELETE_RIGHT),
    )
    return Status(204, None)


def _answer(response: HttpResponse, account: ExternalAccount) -> AccountOut:
    shown = _out(account)
    response["ETag"] = f'"{shown.version}"'
    return shown


def _out(account: ExternalAccount) -> AccountOut:
    return AccountOut(
        internal_name=account.internal_name,
        label=account.label,
        type=account.type,
        enabled=account.enabled,
        config=account.config if isinstance(account.config, dict) else {},
        has_secret=bool(account.secrets),
        last_check_at=account.last_check_at,
        last_check_status=account.last_check_status,
        last_error=account.last_error,
        version=account_changes.version_of(account),
    )
