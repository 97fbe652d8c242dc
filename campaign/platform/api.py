"""Options over HTTP, for administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Query, Router, Schema

from campaign.platform.services import options
from workflows.api.caller import ADMIN, operator_with
from workflows.api.preconditions import expected_tag
from workflows.models import Source

router = Router(tags=["Options"])


class OptionOut(Schema):
    """An option with the value in force."""

    name: str
    data_type: str
    value: Any
    default: Any
    is_default: bool
    description: str
    version: str


class OptionPage(Schema):
    items: list[OptionOut]
    next: str | None


class OptionIn(Schema):
    """A new value; null goes back to the default."""

    value: Any
    reason: str = ""


@router.get("/options", response=OptionPage, url_name="option_list")
def list_options(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the options by name; the cursor is the last name shown."""
    operator_with(request, ADMIN, permission="platform.view_option")
    values = options.values()
    names = [name for name in values if cursor is None or name > cursor]
    shown = names[:limit]
    return {
        "items": [_option_out(name, values[name]) for name in shown],
        "next": shown[-1] if len(names) > limit else None,
    }


@router.get("/options/{name}", response=OptionOut, url_name="option_detail")
def show_option(request: HttpRequest, response: HttpResponse, name: str) -> OptionOut:
    """Show one option."""
    operator_with(request, ADMIN, permission="platform.view_option")
    return _answer(response, name)


@router.put("/options/{name}", response=OptionOut, url_name="option_detail")
def put_option(
    request: HttpRequest,
    response: HttpResponse,
    name: str,
    body: OptionIn,
    if_match: str = Header("", alias="If-Match"),
) -> OptionOut:
    """Change one option; the audit trail keeps both values."""
    operator = operator_with(request, ADMIN, permission=options.CHANGE_RIGHT)
    options.set_value(
        name=name,
        value=body.value,
        acting_operator=operator,
        source=Source.API,
        reason=body.reason,
        expected_version=expected_tag(if_match),
        at=timezone.now(),
    )
    return _answer(response, name)


def _answer(response: HttpResponse, name: str) -> OptionOut:
    shown = _option_out(name, options.get(name))
    response["ETag"] = f'"{shown.version}"'
    return shown


def _option_out(name: str, value: Any) -> OptionOut:
    option = options.find(name)
    return OptionOut(
        name=name,
        data_type=option.data_type.value,
        value=value,
        default=option.default,
        is_default=value == option.default,
        description=str(option.description),
        version=options.version_of(value),
    )
