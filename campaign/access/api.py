"""Operators, groups and tokens over HTTP, and who calls."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from campaign.access.api_schemas import (
    GroupIn,
    GroupOut,
    GroupPage,
    GroupsIn,
    MeOut,
    NewPasswordOut,
    NewTokenOut,
    OperatorChange,
    OperatorIn,
    OperatorOut,
    OperatorPage,
    ReasonIn,
    RightOut,
    RightsIn,
    TokenChange,
    TokenIn,
    TokenOut,
    TokenPage,
)
from campaign.access.models import ApiToken, Operator, SecondFactor
from campaign.access.services import groups, operators, rights, token_care
from workflows.api.caller import ADMIN
from workflows.api.paging import keyset
from workflows.exceptions import PermissionRefused
from workflows.models import Source

router = Router(tags=["Access"])


def _operator(request: HttpRequest, *, right: str = rights.MANAGE) -> Operator:
    """Return the calling administrator."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require_scope(ADMIN)
    operator: Operator = caller.operator()
    if right and not operator.has_perm(right):
        raise PermissionRefused(operator=caller.username, permission=right)
    return operator


def _by(operator: Operator, reason: str = "") -> dict[str, Any]:
    return {
        "acting_operator": operator,
        "source": Source.API,
        "at": timezone.now(),
        "reason": reason,
    }


@router.get("/me", response=MeOut, url_name="me")
def show_me(request: HttpRequest) -> MeOut:
    """Tell who calls: the operator, the token's scopes, the operator's rights."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    operator: Operator = caller.operator()
    return MeOut(
        username=operator.username,
        token=caller.token_name,
        scopes=sorted(caller.scopes),
        rights=[each.right.name for each in rights.verdicts(operator) if each.has_it],
    )


@router.get("/operators", response=OperatorPage, url_name="operator_list")
def list_operators(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
    is_active: bool | None = None,
    group: str = "",
) -> dict[str, Any]:
    """List the operators by user name."""
    _operator(request)
    found = Operator.objects.prefetch_related("groups").select_related("second_factor")
    if is_active is not None:
        found = found.filter(is_active=is_active)
    if group:
        found = found.filter(
            pk__in=Operator.objects.filter(groups__name=group).values("pk")
        )
    page = keyset(found, limit=limit, cursor=cursor, order=("username",))
    return {"items": [_operator_out(each) for each in page.items], "next": page.next}


@router.post("/operators", response={201: NewPasswordOut}, url_name="operator_list")
def create_operator(request: HttpRequest, body: OperatorIn) -> Status:
    """Make an operator; the answer holds the first password, once."""
    made = operators.create_operator(
        username=body.username,
        values={name: getattr(body, name) for name in operators.CHANGEABLE},
        groups=body.groups,
        **_by(_operator(request), body.reason),
    )
    return Status(
        201,
        NewPasswordOut(username=made.operator.username, password=made.password),
    )


@router.get("/operators/{username}", response=OperatorOut, url_name="operator_detail")
def show_operator(request: HttpRequest, username: str) -> OperatorOut:
    """Show one operator."""
    _operator(request)
    return _operator_out(operators.find(username))


@router.patch("/operators/{username}", response=OperatorOut, url_name="operator_detail")
def change_operator(
    request: HttpRequest, username: str, body: OperatorChange
) -> OperatorOut:
    """Change name, e-mail, language or zone."""
    values = body.model_dump(exclude_none=True, exclude={"reason"})
    return _operator_out(
        operators.change_operator(
            username=username, values=values, **_by(_operator(request), body.reason)
        )
    )


@router.get(
    "/operators/{username}/rights",
    response=list[RightOut],
    url_name="operator_rights",
)
def show_rights(request: HttpRequest, username: str) -> list[RightOut]:
    """Tell what an operator may do, and by which group."""
    _operator(request)
    return [
        RightOut(
            name=each.right.name,
            label=each.right.label,
            has_it=each.has_it,
            sources=list(each.sources),
        )
        for each in rights.verdicts(operators.find(username))
    ]


@router.put(
    "/operators/{username}/groups", response=OperatorOut, url_name="operator_groups"
)
def put_groups(request: HttpRequest, username: str, body: GroupsIn) -> OperatorOut:
    """Put an operator into exactly these groups."""
    return _operator_out(
        operators.set_groups(
            username=username,
            groups=body.groups,
            **_by(_operator(request), body.reason),
        )
    )


@router.post(
    "/operators/{username}/disable", response=OperatorOut, url_name="operator_disable"
)
def disable_operator(
    request: HttpRequest, username: str, body: ReasonIn | None = None
) -> OperatorOut:
    """Disable an operator: sessions end and tokens are refused."""
    return _set_active(request, username, body, is_active=False)


@router.post(
    "/operators/{username}/enable", response=OperatorOut, url_name="operator_enable"
)
def enable_operator(
    request: HttpRequest, username: str, body: ReasonIn | None = None
) -> OperatorOut:
    """Enable an operator again."""
    return _set_active(request, username, body, is_active=True)


@router.post(
    "/operators/{username}/reset-password",
    response=NewPasswordOut,
    url_name="operator_reset_password",
)
def reset_password(
    request: HttpRequest, username: str, body: ReasonIn | None = None
) -> NewPasswordOut:
    """Give a new password, shown once; sessions end."""
    made = operators.reset_password(
        username=username, **_by(_operator(request), body.reason if body else "")
    )
    return NewPasswordOut(username=username, password=made.password)


@router.post(
    "/operators/{username}/unlock", response=OperatorOut, url_name="operator_unlock"
)
def unlock_operator(
    request: HttpRequest, username: str, body: ReasonIn | None = None
) -> OperatorOut:
    """Forget failed sign-ins."""
    return _operator_out(
        operators.reset_lockout_of(
            username=username, **_by(_operator(request), body.reason if body else "")
        )
    )


@router.post(
    "/operators/{username}/reset-second-factor",
    response=OperatorOut,
    url_name="operator_reset_second_factor",
)
def reset_second_factor(
    request: HttpRequest, username: str, body: ReasonIn | None = None
) -> OperatorOut:
    """Take the second factor off an operator who lost it."""
    return _operator_out(
        operators.reset_second_factor(
            username=username, **_by(_operator(request), body.reason if body else "")
        )
    )


@router.get("/groups", response=GroupPage, url_name="group_list")
def list_groups(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the groups by name."""
    _operator(request)
    found = Group.objects.prefetch_related("permissions__content_type", "user_set")
    page = keyset(found, limit=limit, cursor=cursor, order=("name",))
    return {"items": [_group_out(each) for each in page.items], "next": page.next}


@router.post("/groups", response={201: GroupOut}, url_name="group_list")
def create_group(request: HttpRequest, body: GroupIn) -> Status:
    """Make a group, with rights when some are given."""
    group = groups.create_group_with_rights(
        name=body.name, names=body.rights, **_by(_operator(request), body.reason)
    )
    return Status(201, _group_out(group))


@router.get("/groups/{name}", response=GroupOut, url_name="group_detail")
def show_group(request: HttpRequest, name: str) -> GroupOut:
    """Show one group."""
    _operator(request)
    return _group_out(groups.find(name))


@router.put("/groups/{name}/rights", response=GroupOut, url_name="group_rights")
def put_rights(request: HttpRequest, name: str, body: RightsIn) -> GroupOut:
    """Give a group exactly these named rights."""
    return _group_out(
        groups.set_rights(
            name=name, names=body.rights, **_by(_operator(request), body.reason)
        )
    )


@router.delete("/groups/{name}", response={204: None}, url_name="group_detail")
def delete_group(request: HttpRequest, name: str) -> Status:
    """Delete a group that is not built in."""
    groups.delete_group(name=name, **_by(_operator(request)))
    return Status(204, None)


@router.get("/tokens", response=TokenPage, url_name="token_list")
def list_tokens(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the tokens by name: all to administrators of access, else one's own."""
    found = token_care.visible_to(_operator(request, right=""))
    page = keyset(found, limit=limit, cursor=cursor, order=("name",))
    return {"items": [_token_out(each) for each in page.items], "next": page.next}


@router.post("/tokens", response={201: NewTokenOut}, url_name="token_list")
def create_token(request: HttpRequest, body: TokenIn) -> Status:
    """Make a token; the answer holds its secret, once."""
    caller = _operator(request, right="")
    operator = operators.find(body.operator) if body.operator else caller
    made = token_care.issue(
        name=body.name,
        operator=operator,
        scopes=body.scopes,
        expires_at=body.expires_at,
        acting_operator=caller,
        source=Source.API,
        at=timezone.now(),
    )
    shown = _token_out(made.token).model_dump()
    return Status(201, NewTokenOut(**shown, secret=made.secret))


@router.get("/tokens/{name}", response=TokenOut, url_name="token_detail")
def show_token(request: HttpRequest, name: str) -> TokenOut:
    """Show one token."""
    return _token_out(
        token_care.find(name, among=token_care.visible_to(_operator(request, right="")))
    )


@router.put("/tokens/{name}", response=TokenOut, url_name="token_detail")
def put_token(request: HttpRequest, name: str, body: TokenChange) -> TokenOut:
    """Change what a token allows and until when."""
    return _token_out(
        token_care.change(
            name=name,
            scopes=body.scopes,
            expires_at=body.expires_at,
            **_by(_operator(request, right=""), body.reason),
        )
    )


@router.post("/tokens/{name}/revoke", response=TokenOut, url_name="token_revoke")
def revoke_token(request: HttpRequest, name: str) -> TokenOut:
    """End a token for good."""
    return _token_out(
        token_care.revoke(
            name=name,
            acting_operator=_operator(request, right=""),
            source=Source.API,
            at=timezone.now(),
        )
    )


def _set_active(
    request: HttpRequest, username: str, body: ReasonIn | None, *, is_active: bool
) -> OperatorOut:
    return _operator_out(
        operators.set_active(
            username=username,
            is_active=is_active,
            **_by(_operator(request), body.reason if body else ""),
        )
    )


def _operator_out(operator: Operator) -> OperatorOut:
    factor: SecondFactor | None = getattr(operator, "second_factor", None)
    return OperatorOut(
        **{name: getattr(operator, name) for name in operators.CHANGEABLE},
        username=operator.username,
        groups=sorted(group.name for group in operator.groups.all()),
        is_active=operator.is_active,
        is_superuser=operator.is_superuser,
        has_second_factor=factor is not None and factor.confirmed_at is not None,
        last_login=operator.last_login,
    )


def _group_out(group: Group) -> GroupOut:
    return GroupOut(
        name=group.name,
        is_built_in=group.name in groups.BUILT_IN_GROUPS,
        rights=sorted(
            rights.name_of(each)
            for each in group.permissions.all()
            if not each.codename.startswith(rights.UNASKED)
        ),
        members=sorted(member.username for member in group.user_set.all()),
    )


def _token_out(token: ApiToken) -> TokenOut:
    return TokenOut(
        name=token.name,
        operator=token.operator.username,
        scopes=token.scopes,
        is_active=token.is_active,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )
