"""Options over HTTP, for administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Query, Router, Schema, Status

from campaign.platform.services import custom_options, options
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
    used_by: str
    is_custom: bool
    is_secret: bool


class OptionPage(Schema):
    items: list[OptionOut]
    next: str | None


class OptionIn(Schema):
    """A new value; null goes back to the default."""

    value: Any
    reason: str = ""


class OptionNew(Schema):
    """A custom option; a secret value is never shown."""

    name: str
    label: str
    data_type: str
    value: Any
    is_secret: bool = False


@router.get("/options", response=OptionPage, url_name="option_list")
def list_options(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the options by name; the cursor is the last name shown."""
    operator_with(request, ADMIN, permission="platform.view_option")
    states = [
        state
        for state in options.listed()
        if cursor is None or state.option.name > cursor
    ]
    shown = states[:limit]
    return {
        "items": [_option_out(state) for state in shown],
        "next": shown[-1].option.name if len(states) > limit else None,
    }


@router.post("/options", response={201: OptionOut}, url_name="option_list")
def add_option(request: HttpRequest, body: OptionNew) -> Status[OptionOut]:
    """Add a custom option."""
    operator = operator_with(request, ADMIN, permission=custom_options.ADD_RIGHT)
    made = custom_options.create_option(
        **body.dict(),
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
    )
    return Status(201, _option_out(made))


@router.delete("/options/{name}", response={204: None}, url_name="option_detail")
def delete_option(request: HttpRequest, name: str) -> Status[None]:
    """Delete a custom option."""
    operator = operator_with(request, ADMIN, permission=custom_options.DELETE_RIGHT)
    custom_options.delete_option(
        name=name, acting_operator=operator, source=Source.API, at=timezone.now()
    )
    return Status(204, None)


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
    shown = _option_out(options.state_of(name))
    response["ETag"] = f'"{shown.version}"'
    return shown


def _option_out(state: options.OptionState) -> OptionOut:
    option = state.option
    return OptionOut(
        name=option.name,
        data_type=option.data_type.value,
        value=options.MASK if option.is_secret and state.value else state.value,
        default=option.default,
        is_default=not state.is_changed,
        description=str(option.description),
        version=state.version,
        used_by=str(option.used_by),
        is_custom=option.is_custom,
        is_secret=option.is_secret,
    )
