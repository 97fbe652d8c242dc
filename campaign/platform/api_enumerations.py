"""Enumerations, their values and aliases over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from campaign.platform.api_accounts import order_of
from campaign.platform.models import Enumeration
from campaign.platform.services import enumerations
from workflows.api import paging
from workflows.api.caller import ADMIN, operator_with

router = Router(tags=["Enumerations"])


class ValueOut(Schema):
    """One value with its aliases."""

    value: str
    label: str
    order: int
    is_default: bool
    aliases: list[str]


class EnumerationOut(Schema):
    """An enumeration with all it holds."""

    internal_name: str
    label: str
    kind: str
    cleanses_aliases: bool
    values: list[ValueOut]


class EnumerationPage(Schema):
    items: list[EnumerationOut]
    next: str | None


class EnumerationIn(Schema):
    """A new enumeration: open, or closed."""

    internal_name: str
    label: str
    kind: str = "open"
    cleanses_aliases: bool = False


class EnumerationChange(Schema):
    """What is to change of an enumeration."""

    label: str | None = None
    kind: str | None = None
    cleanses_aliases: bool | None = None


class ValueIn(Schema):
    """What a value is to be; ``value`` renames it."""

    value: str | None = None
    label: str | None = None
    order: int | None = None
    is_default: bool | None = None


class AliasIn(Schema):
    """The value that an alias stands for."""

    value: str


@router.get("/enumerations", response=EnumerationPage, url_name="enumeration_list")
def list_enumerations(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the enumerations by name."""
    operator_with(request, ADMIN, permission=enumerations.VIEW_RIGHT)
    page = paging.keyset(
        Enumeration.objects.prefetch_related("values__aliases"),
        limit=limit,
        cursor=cursor,
        order=("internal_name",),
    )
    return {"items": [_out(row) for row in page.items], "next": page.next}


@router.post(
    "/enumerations", response={201: EnumerationOut}, url_name="enumeration_list"
)
def add_enumeration(
    request: HttpRequest, body: EnumerationIn
) -> Status[EnumerationOut]:
    """Add an enumeration."""
    made = enumerations.create_enumeration(
        **body.dict(), **order_of(request, enumerations.ADD_RIGHT)
    )
    return Status(201, _out(made))


@router.get(
    "/enumerations/{internal_name}",
    response=EnumerationOut,
    url_name="enumeration_detail",
)
def show_enumeration(request: HttpRequest, internal_name: str) -> EnumerationOut:
    """Show one enumeration."""
    operator_with(request, ADMIN, permission=enumerations.VIEW_RIGHT)
    return _out(enumerations.find_enumeration(internal_name))


@router.patch(
    "/enumerations/{internal_name}",
    response=EnumerationOut,
    url_name="enumeration_detail",
)
def change_enumeration(
    request: HttpRequest, internal_name: str, body: EnumerationChange
) -> EnumerationOut:
    """Change label, kind or alias cleansing."""
    return _out(
        enumerations.change_enumeration(
            internal_name=internal_name,
            **body.dict(),
            **order_of(request, enumerations.CHANGE_RIGHT),
        )
    )


@router.delete(
    "/enumerations/{internal_name}",
    response={204: None},
    url_name="enumeration_detail",
)
def delete_enumeration(request: HttpRequest, internal_name: str) -> Status[None]:
    """Delete an enumeration with its values and aliases."""
    enumerations.delete_enumeration(
        internal_name=internal_name, **order_of(request, enumerations.DELETE_RIGHT)
    )
    return Status(204, None)


@router.put(
    "/enumerations/{internal_name}/values/{value}",
    response=EnumerationOut,
    url_name="enumeration_value",
)
def put_value(
    request: HttpRequest, internal_name: str, value: str, body: ValueIn
) -> EnumerationOut:
    """Add a value, or change it."""
    given = body.dict()
    enumerations.save_value(
        internal_name=internal_name,
        value=value,
        new_value=given.pop("value"),
        **given,
        **order_of(request, enumerations.CHANGE_RIGHT),
    )
    return _out(enumerations.find_enumeration(internal_name))


@router.delete(
    "/enumerations/{internal_name}/values/{value}",
    response={204: None},
    url_name="enumeration_value",
)
def delete_value(request: HttpRequest, internal_name: str, value: str) -> Status[None]:
    """Delete a value with its aliases."""
    enumerations.delete_value(
        internal_name=internal_name,
        value=value,
        **order_of(request, enumerations.CHANGE_RIGHT),
    )
    return Status(204, None)


@router.put(
    "/enumerations/{internal_name}/aliases/{alias}",
    response=EnumerationOut,
    url_name="enumeration_alias",
)
def put_alias(
    request: HttpRequest, internal_name: str, alias: str, body: AliasIn
) -> EnumerationOut:
    """Have an alias stand for a value."""
    enumerations.save_alias(
        internal_name=internal_name,
        alias=alias,
        value=body.value,
        **order_of(request, enumerations.CHANGE_RIGHT),
    )
    return _out(enumerations.find_enumeration(internal_name))


@router.delete(
    "/enumerations/{internal_name}/aliases/{alias}",
    response={204: None},
    url_name="enumeration_alias",
)
def delete_alias(request: HttpRequest, internal_name: str, alias: str) -> Status[None]:
    """Forget an alias."""
    enumerations.delete_alias(
        internal_name=internal_name,
        alias=alias,
        **order_of(request, enumerations.CHANGE_RIGHT),
    )
    return Status(204, None)


def _out(enumeration: Enumeration) -> EnumerationOut:
    return EnumerationOut(
        internal_name=enumeration.internal_name,
        label=enumeration.label,
        kind=enumeration.kind,
        cleanses_aliases=enumeration.cleanses_aliases,
        values=[
            ValueOut(
                value=row.value,
                label=row.label,
                order=row.order,
                is_default=row.is_default,
                aliases=[alias.alias for alias in row.aliases.all()],
            )
            for row in enumeration.values.all()
        ],
    )
