"""Answering an approval, and taking one back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from workflows import audit
from workflows.actions import rights
from workflows.actions.find import lock_workflow
from workflows.activities.approval import SALT
from workflows.engine import journal, waking
from workflows.exceptions import (
    AppError,
    Fault,
    InvalidInput,
    NotFound,
    PermissionRefused,
)
from workflows.models import (
    Approval,
    ApprovalReply,
    Source,
    Substate,
    TaskStatus,
    Workflow,
)

ANSWER = "workflows.answer"
COMMENT_LENGTH = 4_096


class NotAssigned(PermissionRefused):
    """The question is not addressed to %(operator)s; only its assignees can answer."""


class AlreadyAnswered(AppError):
    """%(operator)s has answered %(choice)s already; answers are final."""

    code = "already_answered"
    status = 409


class ApprovalClosed(AppError):
    """The question is closed: it was answered, has expired or was withdrawn."""

    code = "approval_closed"
    status = 409


class ApprovalBusy(AppError):
    """The question is just being asked or closed; try again in a second."""

    code = "approval_busy"
    status = 409


def visible_to(operator: Any) -> QuerySet[Approval]:
    """Return the open questions that an operator may answer; a superuser sees all.

    Newest first, with workflow, group and operator.
    """
    opened = Approval.objects.filter(
        closed_at=None, task__status=TaskStatus.ACTIVE
    ).select_related("task__workflow", "group", "operator")
    if operator.is_superuser:
        return opened
    return opened.filter(
        Q(operator=operator) | Q(operator=None, group__in=operator.groups.all())
    )


def find_visible(approval_id: int, *, acting_operator: Any) -> Approval:
    """Return a question that the operator may see, open or closed.

    Raises NotFound for any other, as for one that does not exist.
    """
    approval = _find(approval_id)
    if not (acting_operator.is_superuser or _is_assigned(approval, acting_operator)):
        raise NotFound(_("There is no question %(number)s."), number=approval_id)
    return approval


def is_open(approval: Approval) -> bool:
    """Return whether the question still waits. No SQL with its task."""
    return approval.closed_at is None and approval.task.status == TaskStatus.ACTIVE


def waiting_for(operator: Any) -> QuerySet[Approval]:
    """Return the open questions that the operator is asked and can still answer."""
    if not operator.has_perm(ANSWER):
        return Approval.objects.none()
    given = ApprovalReply.objects.filter(approval=OuterRef("pk")).filter(
        Q(approval__is_multiple=False) | Q(operator=operator)
    )
    return Approval.objects.filter(
        ~Exists(given),
        Q(operator=operator) | Q(operator=None, group__in=operator.groups.all()),
        closed_at=None,
        task__status=TaskStatus.ACTIVE,
    )


def answerable(approvals: Iterable[Approval], operator: Any) -> set[int]:
    """Return the keys of those that the operator can answer now. One query."""
    keys = [approval.pk for approval in approvals]
    found = waiting_for(operator).filter(pk__in=keys)
    return set(found.values_list("pk", flat=True))


def choices_of(approval: Approval) -> list[dict[str, Any]]:
    """Return the choices in force: a changed list counts at once (approval.md)."""
    structure = approval.task.workflow.structure
    for activity in structure.activities if structure else ():
        if (
            activity["name"] == approval.task.activity
            and activity["type"] == "approval"
            and (choices := activity.get("parameters", {}).get("choices"))
        ):
            return list(choices)
    return list(approval.choices)


def find_by_link(token: str, *, acting_operator: Any) -> Approval:
    """Return the open question of a mailed link, for whom it was sent to.

    Raises NotFound for a link that is not ours, NotAssigned for another operator,
    ApprovalClosed when the question is closed: the link ends with it.
    """
    try:
        content: Mapping[str, Any] = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise NotFound(_("This link is not sound; open it from the e-mail.")) from error
    approval = _find(content["approval"])
    if content["operator"] != acting_operator.pk:
        raise NotAssigned(operator=acting_operator.get_username())
    _require_open(approval)
    return approval


def reply(
    *,
    approval_id: int,
    choice: str,
    comment: str = "",
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> ApprovalReply:
    """Record an operator's final answer and have the task go on with it.

    Raises NotFound, PermissionRefused without the right, NotAssigned (a superuser
    who is no assignee cannot answer either), InvalidInput for an unknown choice,
    AlreadyAnswered, ApprovalClosed and ApprovalBusy.
    """
    name = _find(approval_id).task.workflow.internal_name
    with transaction.atomic():
        workflow = lock_workflow(name)
        approval = _hold(approval_id)
        _require_assignee(approval, acting_operator)
        _require_free(approval, acting_operator)
        _require_open(approval)
        _require_known(approval, choice, comment)
        answer = ApprovalReply.objects.create(
            approval=approval,
            operator=acting_operator,
            choice=choice,
            comment=comment,
            answered_at=at,
        )
        _record(approval, "answered", acting_operator, source, at, choice=choice)
        journal.write(
            workflow,
            "%(who)s answered “%(title)s” with %(choice)s. %(comment)s",
            at=at,
            run=approval.task.run,
            task=approval.task,
            operator=acting_operator.get_username(),
            who=acting_operator.get_username(),
            title=approval.title,
            choice=choice,
            comment=comment,
        )
        _wake(workflow, approval, at)
    return answer


def withdraw(
    *, approval_id: int, acting_operator: Any, source: Source, at: datetime
) -> None:
    """Close a question without an answer; its branch ends. For superusers.

    Raises NotFound, PermissionRefused, ApprovalClosed and ApprovalBusy.
    """
    if not (acting_operator and acting_operator.is_superuser):
        raise PermissionRefused(
            operator=acting_operator.get_username() if acting_operator else source,
            permission="superuser",
        )
    name = _find(approval_id).task.workflow.internal_name
    with transaction.atomic():
        workflow = lock_workflow(name)
        approval = _hold(approval_id)
        _require_open(approval)
        approval.closed_at = at
        approval.save(update_fields=["closed_at"])
        _record(approval, "withdrawn", acting_operator, source, at)
        _wake(workflow, approval, at)


def _find(approval_id: int) -> Approval:
    approval = (
        Approval.objects.select_related("task__workflow__structure", "task__run")
        .filter(pk=approval_id)
        .first()
    )
    if approval is None:
        raise NotFound(_("There is no question %(number)s."), number=approval_id)
    return approval


def _hold(approval_id: int) -> Approval:
    """Return the question as it is now, held until the transaction ends."""
    Approval.objects.select_for_update().get(pk=approval_id)
    return _find(approval_id)


def _require_assignee(approval: Approval, operator: Any) -> None:
    if operator is None:
        raise NotAssigned(operator="-")
    rights.require(operator, ANSWER)
    if not _is_assigned(approval, operator):
        raise NotAssigned(operator=operator.get_username())


def _is_assigned(approval: Approval, operator: Any) -> bool:
    """Return whether the operator is asked. One query at most."""
    if approval.operator_id is not None:
        return bool(approval.operator_id == operator.pk)
    return bool(operator.groups.filter(pk=approval.group_id).exists())


def _require_free(approval: Approval, operator: Any) -> None:
    """Raise AlreadyAnswered when the answer, or this operator's, was given."""
    replies = approval.replies.select_related("operator")
    if approval.is_multiple:
        replies = replies.filter(operator=operator)
    given = replies.first()
    if given is not None:
        raise AlreadyAnswered(
            operator=given.operator.get_username(), choice=given.choice
        )


def _require_open(approval: Approval) -> None:
    if not is_open(approval):
        raise ApprovalClosed


def _require_known(approval: Approval, choice: str, comment: str) -> None:
    known = [item["name"] for item in choices_of(approval)]
    if choice not in known:
        raise InvalidInput(
            _("This is no choice of the question."),
            faults=[
                Fault(
                    "choice", _("Use one of %(known)s.") % {"known": ", ".join(known)}
                )
            ],
        )
    if len(comment) > COMMENT_LENGTH or "\x00" in comment:
        raise InvalidInput(
            _("The comment cannot be kept."),
            faults=[
                Fault(
                    "comment",
                    _("Give it at most %(limit)d characters.")
                    % {"limit": COMMENT_LENGTH},
                )
            ],
        )


def _wake(workflow: Workflow, approval: Approval, at: datetime) -> None:
    """Have the task look at the question; raises ApprovalBusy while it does so.

    The task notices what was committed before it looked, so that what comes while it
    looks has to come again.
    """
    task = approval.task
    if task.substate == Substate.RUNNING:
        raise ApprovalBusy
    task.workflow = workflow
    waking.call_again(task, at)


def _record(
    approval: Approval,
    verb: str,
    operator: Any,
    source: Source,
    at: datetime,
    **changes: Any,
) -> None:
    audit.record(
        action=f"workflows.approval.{verb}",
        object_type="workflows.approval",
        object_id=approval.pk,
        object_label=approval.title,
        changes={name: ["", value] for name, value in changes.items()},
        acting_operator=operator,
        source=source,
        at=at,
    )
