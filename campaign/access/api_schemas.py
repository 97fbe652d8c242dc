"""What the API of access management takes and answers."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema


class MeOut(Schema):
    """The caller: an operator, acting by a token."""

    username: str
    token: str
    scopes: list[str]
    rights: list[str]


class OperatorOut(Schema):
    """An operator; never with a password or secret."""

    username: str
    first_name: str
    last_name: str
    email: str
    language: str
    time_zone: str
    groups: list[str]
    is_active: bool
    is_superuser: bool
    has_second_factor: bool
    last_login: datetime | None


class OperatorPage(Schema):
    items: list[OperatorOut]
    next: str | None


class RightOut(Schema):
    """A named right, and by what the operator has it."""

    name: str
    label: str
    has_it: bool
    sources: list[str]


class OperatorIn(Schema):
    """A new operator; the answer holds the first password, once."""

    username: str = Field(examples=["night-shift"])
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    language: str = ""
    time_zone: str = Field("", examples=["Europe/Paris"])
    groups: list[str] = Field([], examples=[["Standard Users"]])
    reason: str = ""


class OperatorChange(Schema):
    """What changes; what is not given stays."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    language: str | None = None
    time_zone: str | None = None
    reason: str = ""


class GroupsIn(Schema):
    """All groups of the operator."""

    groups: list[str]
    reason: str = ""


class ReasonIn(Schema):
    """Why; kept in the audit."""

    reason: str = ""


class NewPasswordOut(Schema):
    """A password that is shown only in this answer."""

    username: str
    password: str


class GroupOut(Schema):
    """A group with its named rights."""

    name: str
    is_built_in: bool
    rights: list[str]
    members: list[str]


class GroupPage(Schema):
    items: list[GroupOut]
    next: str | None


class GroupIn(Schema):
    """A new group."""

    name: str
    rights: list[str] = []
    reason: str = ""


class RightsIn(Schema):
    """All named rights of the group."""

    rights: list[str]
    reason: str = ""


class TokenOut(Schema):
    """A token, never its secret."""

    name: str
    operator: str
    scopes: list[str]
    is_active: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenPage(Schema):
    items: list[TokenOut]
    next: str | None


class TokenIn(Schema):
    """A new token; the answer holds its secret, once."""

    name: str
    operator: str = Field("", description="Empty: the caller.")
    scopes: list[str] = Field(examples=[["event:push", "event:read"]])
    expires_at: datetime | None = None


class TokenChange(Schema):
    """All scopes of the token, and until when it counts."""

    scopes: list[str]
    expires_at: datetime | None = None
    reason: str = ""


class NewTokenOut(TokenOut):
    """A token with its secret, which is shown only in this answer."""

    secret: str
