"""Telling supervisors by mail that a workflow needs them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.engine import journal
from workflows.models import Level, Task, Workflow

NOTIFY_FAILURE = "workflows.engine.notifications.notify_failure"


def mail_supervisors(*, workflow_id: int, subject: str, body: str) -> int:
    """Mail every active supervisor that has an address; return how many."""
    addresses = list(
        get_user_model()
        .objects.filter(groups__supervises=workflow_id, is_active=True)
        .exclude(email="")
        .values_list("email", flat=True)
        .distinct()
    )
    if addresses:
        EmailMessage(subject, body, settings.MAIL_FROM, addresses).send()
    return len(addresses)


def notify_failure(task_id: int, epoch: int) -> None:
    """Tell the supervisors once that a task put its workflow in error.

    A queue task; a second call for the same failure does nothing. An undeliverable
    notice becomes a journal warning, never an error of its own.
    """
    with transaction.atomic():
        task = (
            Task.objects.select_for_update(of=("self",))
            .select_related("workflow", "run")
            .filter(pk=task_id, epoch=epoch, status="failed")
            .first()
        )
        if task is None or task.variables.get("notified") == epoch:
            return
        task.variables["notified"] = epoch
        task.save(update_fields=["variables"])
    workflow: Workflow = task.workflow
    text = _(
        "The workflow %(label)s (%(name)s) is in error and waits for you.\n\n"
        "Activity: %(activity)s\nPlanned for: %(planned)s\nError: %(error)s\n\n"
        "Open it: %(url)s\n"
    ) % {
        "label": workflow.label,
        "name": workflow.internal_name,
        "activity": task.activity,
        "planned": (task.run and task.run.scheduled_for) or "-",
        "error": task.error.splitlines()[0] if task.error else "",
        "url": settings.PUBLIC_URL.rstrip("/") + workflow.get_absolute_url(),
    }
    try:
        sent = mail_supervisors(
            workflow_id=workflow.pk,
            subject=_("Workflow in error: %(label)s") % {"label": workflow.label},
            body=text,
        )
        message = (
            "%(count)s supervisors were notified by e-mail."
            if sent
            else "No supervisor has an e-mail address; nobody was told."
        )
        level = Level.INFO if sent else Level.WARNING
        error = ""
    except OSError as fault:
        message = "The supervisors could not be notified: %(error)s"
        level, sent, error = Level.WARNING, 0, str(fault)
    journal.write(
        workflow,
        message,
        at=timezone.now(),
        level=level,
        run=task.run,
        task=task,
        count=sent,
        error=error,
    )
