from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core import mail
from django.core.mail.backends import locmem

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, three_rows, tick, work_off
from workflows.actions.sync import SUPERVISORS
from workflows.engine.notifications import mail_supervisors, notify_failure
from workflows.exceptions import RuntimeFault
from workflows.models import Task, Workflow
from workflows.registry import Done, RunContext

pytestmark = pytest.mark.django_db
FIRED = START.replace(minute=1, second=0)


def fail(_run: RunContext) -> Done:
    raise RuntimeFault("The relay is away.")


@pytest.fixture
def watcher(supervisor: Operator) -> Operator:
    """A supervisor who belongs to the group that is told."""
    group, _created = Group.objects.get_or_create(name=SUPERVISORS)
    supervisor.groups.add(group)
    return supervisor


def failed_task(workflow: Workflow) -> Task:
    tick(FIRED)
    work_off(FIRED)
    return workflow.tasks.get(activity="process")


def test_supervisors_are_told_once_with_cause_and_link(watcher: Operator) -> None:
    with sample_workflow(fail) as workflow:
        task = failed_task(workflow)

        notify_failure(task.pk, task.epoch)
        notify_failure(task.pk, task.epoch)

        (message,) = mail.outbox
        assert message.to == [watcher.email]
        assert "The relay is away." in message.body
        (link,) = re.findall(r"https?://\S+", message.body)
        assert link == f"{settings.PUBLIC_URL.rstrip('/')}/workflows/sample/"


def test_nobody_to_tell_is_a_warning_in_the_journal() -> None:
    with sample_workflow(fail) as workflow:
        task = failed_task(workflow)

        notify_failure(task.pk, task.epoch)

        assert workflow.journal.filter(message__startswith="No supervisor").exists()


def test_relay_that_is_away_is_a_warning_in_the_journal(
    watcher: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", refuse)
    with sample_workflow(fail) as workflow:
        task = failed_task(workflow)

        notify_failure(task.pk, task.epoch)

        line = workflow.journal.get(message__startswith="The supervisors could not")
        assert line.parameters["error"] == "nobody listens"


def test_alert_mails_every_supervisor_with_an_address(watcher: Operator) -> None:
    with sample_workflow(three_rows) as workflow:
        sent = mail_supervisors(workflow_id=workflow.pk, subject="Look", body="Now")

        assert sent == 1
        assert mail.outbox[0].subject == "Look"
