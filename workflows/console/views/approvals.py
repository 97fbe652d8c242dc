"""Questions of workflows: those that wait for the reader, answering, taking back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from workflows.actions import approval as approvals
from workflows.console import access
from workflows.exceptions import AppError, NotFound, PermissionRefused
from workflows.models import Approval, Source

PAGE = 50


@access.requires(approvals.ANSWER)
def approval_list(request: HttpRequest) -> HttpResponse:
    """Show the open questions, newest first, a page at a time."""
    before = request.GET.get("before", "")
    found = approvals.visible_to(request.user)
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found[: PAGE + 1])
    open_to = approvals.answerable(rows, request.user)
    context = {
        "rows": [(row, row.pk in open_to) for row in rows[:PAGE]],
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "before": before,
    }
    return render(request, "workflows/approval_list.html", context)


@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def approval(request: HttpRequest, number: int) -> HttpResponse:
    """Show a question with its choices (GET); record the reader's answer (POST).

    A mailed link is good for whom it was sent to, and while the question is open.
    """
    if "key" in request.GET and request.method != "POST":
        _check_link(request, number)
    shown = approvals.find_visible(number, acting_operator=request.user)
    comment = ""
    if request.method == "POST":
        comment = request.POST.get("comment", "")
        if _reply(request, shown, comment):
            return HttpResponseRedirect(_after(request))
        shown = approvals.find_visible(number, acting_operator=request.user)
    context = {
        "approval": shown,
        "workflow": shown.task.workflow,
        "choices": approvals.choices_of(shown),
        "can_answer": shown.pk in approvals.answerable([shown], request.user),
        "is_open": approvals.is_open(shown),
        "replies": list(shown.replies.select_related("operator")[:PAGE]),
        "may_withdraw": request.user.is_superuser,
        "may_see_workflow": request.user.has_perm("workflows.view"),
        "comment": comment,
        "longest": approvals.COMMENT_LENGTH,
    }
    return render(request, "workflows/approval_detail.html", context)


@access.requires()
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Ask before a question is withdrawn (GET); withdraw it (POST)."""
    if not request.user.is_superuser:
        raise PermissionRefused(
            operator=request.user.get_username(), permission="superuser"
        )
    shown = approvals.find_visible(number, acting_operator=request.user)
    if request.method != "POST":
        context = {"approval": shown, "workflow": shown.task.workflow}
        return render(request, "workflows/approval_withdraw.html", context)
    try:
        approvals.withdraw(
            approval_id=number,
            acting_operator=request.user,
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    except (approvals.ApprovalClosed, approvals.ApprovalBusy) as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(reverse("workflows:approval", args=[number]))
    told = _("The question “%(title)s” is withdrawn.")
    messages.success(request, told % {"title": shown.title})
    return HttpResponseRedirect(_after(request))


def _check_link(request: HttpRequest, number: int) -> None:
    """Raise unless the link was made for this question and this reader."""
    key = request.GET["key"]
    try:
        linked = approvals.find_by_link(key, acting_operator=request.user)
    except approvals.ApprovalClosed:
        return  # its page says that no answer is needed any more
    if linked.pk != number:
        raise NotFound(_("This link is not sound; open it from the e-mail."))


def _reply(request: HttpRequest, shown: Approval, comment: str) -> bool:
    """Record an answer; what hinders it is told. Return whether it was recorded."""
    try:
        approvals.reply(
            approval_id=shown.pk,
            choice=request.POST.get("choice", ""),
            comment=comment,
            acting_operator=request.user,
            source=Source.CONSOLE,
            at=timezone.now(),
        )
    except (PermissionRefused, NotFound):
        raise
    except AppError as error:
        faults = " ".join(fault.message for fault in error.faults)
        messages.error(request, f"{error.message} {faults}".strip())
        return False
    told = _("Your answer to “%(title)s” is recorded.")
    messages.success(request, told % {"title": shown.title})
    return True


def _after(request: HttpRequest) -> str:
    """Return the list, for those who may see it."""
    if request.user.has_perm(approvals.ANSWER):
        return reverse("workflows:approval_list")
    return reverse("workflows:home")
