"""Groups, the matrix of their rights, and what an operator may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaign.access.console import looks
from campaign.access.console.acting import operator_of
from campaign.access.console.forms import GroupForm
from campaign.access.console.tables import GroupTable
from campaign.access.models import Operator
from campaign.access.services import groups, rights
from campaign.access.services.setup import BUILT_IN_GROUPS
from workflows.console import access
from workflows.console.forms import add_faults
from workflows.exceptions import AppError, InvalidInput, NotFound
from workflows.models import AuditEntry, Source

MOST = 200


@dataclass(frozen=True, slots=True)
class Box:
    """One checkbox of the matrix."""

    name: str
    label: str
    is_checked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A named right with a checkbox for each group."""

    right: rights.Right
    boxes: tuple[Box, ...]
    #: The part to which this and the next lines belong, at the first of them.
    opens_part: str


def find(pk: int) -> Group:
    """Return a group. Raises NotFound."""
    found = Group.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("This group does not exist."))
    return found


@access.requires(rights.MANAGE)
def group_list(request: HttpRequest) -> HttpResponse:
    """Show the groups by name."""
    rows: list[Any] = list(
        Group.objects.annotate(member_count=Count("user", distinct=True))
        .order_by("name")
        .prefetch_related("permissions")[:MOST]
    )
    known = {right.pk for right in rights.known_rights()}
    for row in rows:
        row.right_count = sum(1 for each in row.permissions.all() if each.pk in known)
        row.is_built_in = row.name in BUILT_IN_GROUPS
    return render(
        request, "access/group_list.html", {"table": GroupTable(rows), "rows": rows}
    )


@access.requires(rights.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def group_create(request: HttpRequest) -> HttpResponse:
    """Make a group; its rights are given in the matrix."""
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            group = groups.create_group(
                name=form.cleaned_data["name"],
                acting_operator=operator_of(request),
                source=Source.CONSOLE,
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_faults(form, error.faults)
        else:
            text = _("%(name)s is made: give it rights and members.")
            messages.success(request, text % {"name": group.name})
            return redirect("access:group_detail", group.pk)
    return render(
        request,
        "access/group_create.html",
        {"form": form},
        status=422 if request.method == "POST" else 200,
    )


@access.requires(rights.MANAGE)
def group_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a group: members, rights, changes."""
    group = find(pk)
    held = {rights.name_of(p) for p in group.permissions.select_related("content_type")}
    members: list[Any] = list(group.user_set.order_by("username")[:MOST])
    for member in members:
        member.look = looks.of_operator(member)
    entries = AuditEntry.objects.filter(
        object_type=groups.OBJECT_TYPE, object_id=str(group.pk)
    )
    return render(
        request,
        "access/group_detail.html",
        {
            "group": group,
            "is_built_in": group.name in BUILT_IN_GROUPS,
            "members": members,
            "rights": [each for each in rights.known_rights() if each.name in held],
            "entries": entries.order_by("-id")[:10],
        },
    )


@access.requires(rights.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a group; asks first."""
    group = find(pk)
    if request.method != "POST":
        return render(
            request,
            "access/confirm.html",
            {
                "title": _("Delete the group %(name)s?") % {"name": group.name},
                "effect": _("Its members lose the rights that it gave them."),
                "button": _("Delete"),
                "icon_name": "trash",
                "address": request.path,
                "back": reverse("access:group_detail", args=[pk]),
            },
        )
    try:
        groups.delete_group(
            name=group.name,
            acting_operator=operator_of(request),
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
        return redirect("access:group_detail", pk)
    messages.success(request, _("%(name)s is deleted.") % {"name": group.name})
    return redirect("access:group_list")


@access.requires(rights.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def matrix(request: HttpRequest) -> HttpResponse:
    """Show which group has which right; show what changes, then save it."""
    shown = list(
        Group.objects.order_by("name").prefetch_related("permissions__content_type")
    )[:MOST]
    known = rights.known_rights()
    held = {
        group.pk: {rights.name_of(each) for each in group.permissions.all()}
        for group in shown
    }
    differences: list[groups.GroupDiff] = []
    problem = ""
    if request.method == "POST":
        sent = set(request.POST.getlist("right"))
        wanted = {
            group.pk: {r.name for r in known if f"{group.pk}:{r.name}" in sent}
            for group in shown
        }
        differences = groups.difference(wanted)
        held = wanted
        if "save" in request.POST or not differences:
            problem = _save(request, differences, wanted)
            if not problem:
                return redirect("access:matrix")
    return render(
        request,
        "access/matrix.html",
        {
            "groups": shown,
            "lines": _lines(known, shown, held),
            "differences": differences,
            "problem": problem,
        },
        status=422 if problem else 200,
    )


def _save(
    request: HttpRequest,
    differences: list[groups.GroupDiff],
    wanted: dict[int, set[str]],
) -> str:
    """Save every group or none; return what was refused."""
    try:
        with transaction.atomic():
            for each in differences:
                groups.set_rights(
                    name=each.group.name,
                    names=wanted[each.group.pk],
                    acting_operator=operator_of(request),
                    source=Source.CONSOLE,
                    at=timezone.now(),
                    reason=request.POST.get("reason", "").strip(),
                )
    except AppError as error:
        return error.message
    if differences:
        messages.success(request, _("The rights are changed and hold from now on."))
    else:
        messages.info(request, _("Nothing to change."))
    return ""


def _lines(
    known: list[rights.Right], shown: list[Group], held: dict[int, set[str]]
) -> list[Line]:
    lines, part = [], ""
    for right in known:
        boxes = tuple(
            Box(
                f"{group.pk}:{right.name}",
                _("%(group)s: %(right)s") % {"group": group.name, "right": right.label},
                right.name in held[group.pk],
            )
            for group in shown
        )
        lines.append(Line(right, boxes, right.part if right.part != part else ""))
        part = right.part
    return lines


@access.requires(rights.MANAGE)
def check(request: HttpRequest) -> HttpResponse:
    """Show what an operator may do now, and by what."""
    name = request.GET.get("operator", "").strip()
    operator = Operator.objects.filter(username=name).first() if name else None
    return render(
        request,
        "access/check.html",
        {
            "name": name,
            "operator": operator,
            "verdicts": rights.verdicts(operator) if operator else (),
            "has_it": looks.HAS_IT,
            "lacks_it": looks.LACKS_IT,
            "names": Operator.objects.order_by("username").values_list(
                "username", flat=True
            )[:500],
        },
    )
