"""Lists in pages that stay as quick at the end as at the beginning.

A cursor remembers the sort key of the last row shown; the next page begins after
it. No row is counted or skipped by number.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, Q, QuerySet
from django.utils.translation import gettext as _

from workflows.exceptions import Fault, InvalidInput
from workflows.searching import end_of_step

DEFAULT_LIMIT = 50
HIGHEST_LIMIT = 500
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Slice(Generic[M]):
    """One page of rows and the cursor of the next one, or None at the end."""

    items: list[M]
    next: str | None


def keyset(
    rows: QuerySet[M],
    *,
    limit: int,
    cursor: str | None,
    order: Sequence[str] = ("-id",),
) -> Slice[M]:
    """Return a page of ``rows`` in ``order``.

    ``order`` names fields that are never null, all of one direction, the last one
    unique. One query of at most ``limit`` + 1 rows. Raises InvalidInput for a
    cursor that this list did not give out.
    """
    names = [name.lstrip("-") for name in order]
    if cursor:
        rows = rows.filter(_after(rows, names, _decode(cursor, order), order))
    found = list(rows.order_by(*order)[: limit + 1])
    shown = found[:limit]
    following = None
    if len(found) > limit:
        following = _encode(order, [getattr(shown[-1], name) for name in names])
    return Slice(shown, following)


def searched(
    found: QuerySet[M], *, among: QuerySet[M], limit: int, cursor: str | None
) -> Slice[M]:
    """Return a page of ``found``, newest first, that reads a bounded part of ``among``.

    ``found`` are those of ``among`` that match a filter. A page may hold fewer rows
    than ``limit``, even none, and still name a next one: there the search goes on.
    Two queries. Raises InvalidInput for a cursor that this list did not give out.
    """
    order = ("-id",)
    before: int | None = None
    if cursor:
        values = _decode(cursor, order)
        _after(among, ["id"], values, order)  # refuses what is no key
        before = int(values[0])
    end = end_of_step(among, before)
    if end is None:
        return keyset(found, limit=limit, cursor=cursor, order=order)
    page = keyset(found.filter(pk__gte=end), limit=limit, cursor=cursor, order=order)
    return page if page.next else Slice(page.items, _encode(order, [end]))


def _after(
    rows: QuerySet[M], names: list[str], values: list[Any], order: Sequence[str]
) -> Q:
    """Return the condition for rows behind ``values``; its first part fits an index."""
    beyond = "lt" if order[0].startswith("-") else "gt"
    try:
        keys = [
            _field(rows, name).to_python(value)
            for name, value in zip(names, values, strict=True)
        ]
    except (ValidationError, FieldDoesNotExist, ValueError, TypeError) as error:
        raise _bad_cursor() from error
    if any(key is None for key in keys):
        raise _bad_cursor()
    condition = Q()
    for position in range(len(names)):
        equal = Q(**dict(zip(names[:position], keys[:position], strict=True)))
        condition |= equal & Q(**{f"{names[position]}__{beyond}": keys[position]})
    return Q(**{f"{names[0]}__{beyond}e": keys[0]}) & condition


def _field(rows: QuerySet[M], name: str) -> Field[Any, Any]:
    field = rows.model._meta.get_field(name)
    if not isinstance(field, Field):
        raise FieldDoesNotExist(name)
    return field


def _encode(order: Sequence[str], values: list[Any]) -> str:
    text = json.dumps([list(order), values], cls=_KeyEncoder, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, order: Sequence[str]) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise _bad_cursor() from error
    if (
        not isinstance(decoded, list)
        or len(decoded) != 2
        or decoded[0] != list(order)
        or not isinstance(decoded[1], list)
    ):
        raise _bad_cursor()
    return decoded[1]


def _bad_cursor() -> InvalidInput:
    fault = Fault("cursor", _("Pass the value of next as it was, or none to begin."))
    return InvalidInput(_("The cursor is not one of this list."), faults=[fault])


class _KeyEncoder(DjangoJSONEncoder):
    """Keeps the microseconds, without which rows of one instant would be lost."""

    def default(self, value: Any) -> Any:
        return (
            value.isoformat() if hasattr(value, "isoformat") else super().default(value)
        )
