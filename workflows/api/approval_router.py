"""Questions of workflows to operators: those that wait, answering, taking back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema, Status
from pydantic import ConfigDict

from workflows.actions import approval as approvals
from workflows.api.bodies import require_small
from workflows.api.caller import EXECUTE, READ, operator_with
from workflows.api.paging import DEFAULT_LIMIT, keyset
from workflows.api.workflow_router import Cursor, Limit
from workflows.exceptions import PermissionRefused
from workflows.models import Approval, Source

router = Router(tags=["Approvals"])


class ChoiceOut(Schema):
    """One answer that can be given."""

    name: str
    label: str


class ApprovalOut(Schema):
    """A question that waits for an answer."""

    id: int
    workflow: str
    activity: str
    task_id: int
    run_id: int | None
    title: str
    message: str
    choices: list[ChoiceOut]
    group: str = Field(description="Its members may answer; empty: one operator")
    operator: str
    is_multiple: bool = Field(description="Every assignee may answer, not one only")
    can_answer: bool = Field(
        description="Whether the caller is asked and has not answered yet"
    )
    opened_at: datetime


class ApprovalPage(Schema):
    items: list[ApprovalOut]
    next: str | None


class ReplyIn(Schema):
    """An answer, which is final."""

    model_config = ConfigDict(extra="forbid")

    choice: str = Field(description="The name of one of the choices")
    comment: str = Field("", description="Goes on as vars.response")


class ReplyOut(Schema):
    """An answer as it was recorded."""

    approval_id: int
    operator: str
    choice: str
    comment: str
    answered_at: datetime


@router.get("/approvals", response=ApprovalPage, url_name="approvals")
def list_approvals(
    request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> dict[str, Any]:
    """List the open questions that the caller is asked, newest first.

    A superuser sees those of others too, which only their assignees can answer.
    """
    operator = operator_with(request, READ, EXECUTE)
    if not (operator.has_perm("workflows.view") or operator.has_perm(approvals.ANSWER)):
        raise PermissionRefused(
            operator=operator.get_username(), permission=approvals.ANSWER
        )
    found = approvals.visible_to(operator).select_related("task__workflow__structure")
    page = keyset(found, limit=limit, cursor=cursor)
    open_to = approvals.answerable(page.items, operator)
    return {
        "items": [
            _approval_out(row, can_answer=row.pk in open_to) for row in page.items
        ],
        "next": page.next,
    }


@router.post(
    "/approvals/{approval_id}/reply",
    response={201: ReplyOut},
    url_name="approval_reply",
)
def post_reply(
    request: HttpRequest, approval_id: int, body: ReplyIn
) -> Status[ReplyOut]:
    """Answer a question; the answer is final and its branch goes on.

    403 for whoever is not asked, superusers included; 409 when it is closed or was
    answered already, with `already_answered`, or is just being looked at.
    """
    require_small(request)
    operator = operator_with(request, EXECUTE)
    reply = approvals.reply(
        approval_id=approval_id,
        choice=body.choice,
        comment=body.comment,
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
    )
    answer = ReplyOut(
        approval_id=reply.approval_id,
        operator=operator.get_username(),
        choice=reply.choice,
        comment=reply.comment,
        answered_at=reply.answered_at,
    )
    return Status(201, answer)


@router.delete(
    "/approvals/{approval_id}", response={204: None}, url_name="approval_withdraw"
)
def delete_approval(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Withdraw a question without an answer; its branch ends. For superusers."""
    approvals.withdraw(
        approval_id=approval_id,
        acting_operator=operator_with(request, EXECUTE),
        source=Source.API,
        at=timezone.now(),
    )
    return HttpResponse(status=204)


def _approval_out(row: Approval, *, can_answer: bool) -> ApprovalOut:
    return ApprovalOut(
        id=row.pk,
        workflow=row.task.workflow.internal_name,
        activity=row.task.activity,
        task_id=row.task_id,
        run_id=row.task.run_id,
        title=row.title,
        message=row.message,
        choices=[
            ChoiceOut(name=choice["name"], label=choice["label"])
            for choice in approvals.choices_of(row)
        ],
        group=row.group.name if row.group else "",
        operator=row.operator.get_username() if row.operator else "",
        is_multiple=row.is_multiple,
        can_answer=can_answer,
        opened_at=row.opened_at,
    )
