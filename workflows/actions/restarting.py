"""Restarting workflows after an error, where their properties ask for it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from workflows.actions.command import issue_command
from workflows.engine import journal, notifications, restarting
from workflows.exceptions import AppError
from workflows.models import (
    CommandName,
    Level,
    NotificationKind,
    Source,
    State,
    Workflow,
)

NOT_RESTARTED = gettext_noop("The workflow could not be restarted: %(error)s")
GAVE_UP = gettext_noop(
    "The workflow failed again after %(count)s automatic restarts today; the next"
    " attempt is at midnight."
)


def look(at: datetime) -> int:
    """Plan the restarts of failed workflows and make those that are due.

    Return how many were tried. Two may look at once: rows are taken with SKIP LOCKED.
    """
    failed = Workflow.objects.filter(
        Q(restart_at__isnull=True) | Q(restart_at__lte=at),
        state=State.PAUSED,
        failed=True,
        auto_restart=True,
    )
    made = 0
    for pk in failed.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            workflow = failed.filter(pk=pk).select_for_update(skip_locked=True).first()
            if workflow is not None:
                made += _treat(workflow, at)
    return made


def _treat(workflow: Workflow, at: datetime) -> bool:
    """Plan or make the restart of a workflow; return whether it was tried."""
    if workflow.restart_at is None:
        if not restarting.plan(workflow, at):
            _give_up(workflow, at)
        workflow.save(update_fields=restarting.FIELDS)
    if workflow.restart_at is None or workflow.restart_at > at:
        return False
    restarting.count(workflow, at)
    workflow.save(update_fields=restarting.FIELDS)
    journal.write(
        workflow,
        "Automatic restart after an error, number %(count)s of at most %(most)s today.",
        at=at,
        level=Level.WARNING,
        count=workflow.restarts_of_day,
        most=restarting.MOST_PER_DAY,
    )
    try:
        issue_command(
            internal_name=workflow.internal_name,
            name=CommandName.RESUME,
            acting_operator=None,
            source=Source.ENGINE,
            reason=f"automatic restart after an error, {workflow.restarts_of_day}"
            f" of {restarting.MOST_PER_DAY} today",
            at=at,
        )
    except (AppError, ValueError, KeyError) as error:  # a structure may be broken
        journal.write(
            workflow, NOT_RESTARTED, at=at, level=Level.ERROR, error=str(error)
        )
        restarting.put_off(workflow, at)
        workflow.save(update_fields=restarting.FIELDS)
    return True


def _give_up(workflow: Workflow, at: datetime) -> None:
    """Tell that the day has had its restarts."""
    count = workflow.restarts_of_day
    journal.write(workflow, GAVE_UP, at=at, level=Level.ERROR, count=count)
    notifications.notify(
        kind=NotificationKind.RESTART_GAVE_UP,
        workflow=workflow,
        level=Level.ERROR,
        message=GAVE_UP,
        parameters={"count": count},
        at=at,
    )
