"""Who is told something: supervisors, and whoever else a kind concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

from workflows import conf
from workflows.models import Notification, NotificationKind, Workflow

# Long pauses concern those who made or last changed the workflow too.
_OF_A_PAUSE = frozenset({NotificationKind.PAUSED_LONG, NotificationKind.AUTO_STOPPED})


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with an address, the language and the zone they read in."""

    address: str
    language: str
    time_zone: str


def recipients_of(notification: Notification) -> list[Recipient]:
    """Return whom a notification goes to, by address. One query.

    Supervisors of its workflow; of any workflow when it concerns none. A long pause
    goes to the creator and the last modifier as well, its last notice and the stop
    to administrators too; a reminder goes to who paused.
    """
    found: dict[str, Recipient] = {}
    for operator in _reachable().filter(_condition(notification)).distinct():
        found.setdefault(operator.email.lower(), _recipient(operator))
    return [found[address] for address in sorted(found)]


def supervisors_of(workflow_id: int) -> list[Recipient]:
    """Return the supervisors of a workflow that have an address. One query."""
    operators = _reachable().filter(groups__supervises=workflow_id).distinct()
    return [_recipient(operator) for operator in operators.order_by("email")]


def unreachable_workflows() -> QuerySet[Workflow]:
    """Return the technical workflows of whose failure nobody would be told."""
    members = _reachable().filter(groups__supervises=OuterRef("pk"))
    return Workflow.objects.technical().filter(~Exists(members))


def _reachable() -> QuerySet[Any]:
    return get_user_model()._default_manager.filter(is_active=True).exclude(email="")


def _condition(notification: Notification) -> Q:
    workflow = notification.workflow
    if workflow is None:
        return Q(groups__supervises__isnull=False)
    told = Q(groups__supervises=workflow.pk)
    if notification.kind in _OF_A_PAUSE:
        told |= Q(pk__in=_known((workflow.created_by_id, workflow.modified_by_id)))
        if _is_the_end_of_a_pause(notification, workflow):
            told |= Q(is_superuser=True)
    if notification.kind == NotificationKind.PAUSE_REMINDER and workflow.paused_by:
        field = get_user_model().USERNAME_FIELD
        told |= Q(**{field: workflow.paused_by})
    return told


def _is_the_end_of_a_pause(notification: Notification, workflow: Workflow) -> bool:
    if notification.kind == NotificationKind.AUTO_STOPPED:
        return True
    most = int(conf.option("WorkflowPausedMaxNotices") or 0)
    return 0 < most <= workflow.pause_notice_count


def _known(keys: Iterable[int | None]) -> list[int]:
    return [key for key in keys if key is not None]


def _recipient(operator: Any) -> Recipient:
    language = getattr(operator, "language", "")
    known = dict(settings.LANGUAGES)
    return Recipient(
        address=operator.email,
        language=language if language in known else settings.LANGUAGE_CODE,
        time_zone=getattr(operator, "time_zone", "") or conf.server_zone(),
    )
