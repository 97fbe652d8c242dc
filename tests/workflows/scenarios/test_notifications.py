"""Scenario 30: links are absolute, nobody to tell is a banner, no flood, recovery."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import Group
from django.core import checks, mail
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from tests.workflows.samples import START, sample_workflow, tick, work_off
from workflows.actions import issue_command
from workflows.actions.sync import SUPERVISORS
from workflows.checks import public_url_is_absolute
from workflows.engine import alarms, notifications
from workflows.exceptions import RuntimeFault
from workflows.models import CommandName, Notification, Source, Workflow
from workflows.registry import Done, RunContext

pytestmark = pytest.mark.django_db
FIRED = START.replace(minute=1, second=0)
MINUTE = timedelta(minutes=1)


class Relay:
    """The work of the sample: fails while it is away."""

    is_away = True

    def __call__(self, _run: RunContext) -> Done:
        if self.is_away:
            raise RuntimeFault("The relay 10.0.0.7 is away.")
        return Done(count=1, written=1)


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def workflow(relay: Relay) -> Iterator[Workflow]:
    with sample_workflow(relay) as made:
        Workflow.objects.exclude(pk=made.pk).update(is_technical=False)
        yield made


@pytest.fixture
def watcher(supervisor: Operator) -> Operator:
    group, _created = Group.objects.get_or_create(name=SUPERVISORS)
    supervisor.groups.add(group)
    return supervisor


def run(at: datetime) -> None:
    """Let clock and worker live one planned instant, and its news be sent."""
    tick(at)
    work_off(at)
    send(at)


def send(at: datetime) -> None:
    """Do what the queue was told to send, at an instant."""
    with time_machine.travel(at, tick=False):
        notifications.send_due()


def resume(at: datetime) -> None:
    issue_command(
        internal_name="sample",
        name=CommandName.START,
        acting_operator=None,
        source=Source.ENGINE,
        at=at,
    )
    work_off(at)
    send(at)


def subjects() -> list[str]:
    return [str(message.subject) for message in mail.outbox]


def test_scenario_30_links_are_absolute_and_lead_to_pages(
    workflow: Workflow, watcher: Operator, admin_client: Client
) -> None:
    run(FIRED)

    links = re.findall(r"https?://\S+", str(mail.outbox[0].body))
    pages = [admin_client.get(urlsplit(link).path).status_code for link in links]
    assert len(links) == 4
    assert all(link.startswith(settings.PUBLIC_URL.rstrip("/") + "/") for link in links)
    assert pages == [200, 200, 200, 200]


def test_scenario_30_links_ask_a_stranger_to_sign_in(
    workflow: Workflow, watcher: Operator, client: Client
) -> None:
    run(FIRED)

    links = re.findall(r"https?://\S+", str(mail.outbox[0].body))
    answers = [client.get(urlsplit(link).path) for link in links]
    assert {answer.status_code for answer in answers} == {302}
    assert all("/sign-in/" in answer.headers["Location"] for answer in answers)


@pytest.mark.parametrize("address", ["", "campaign.example.com", "/console"])
def test_scenario_30_public_address_that_is_not_absolute_is_told_at_start(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PUBLIC_URL", address)

    (fault,) = public_url_is_absolute(None)

    assert fault.id == "workflows.E007"
    assert fault.level == checks.ERROR


def test_scenario_30_no_supervisor_with_an_address_is_a_banner(
    workflow: Workflow, watcher: Operator, admin_client: Client
) -> None:
    Operator.objects.filter(pk=watcher.pk).update(email="")

    alarms.look(timezone.now())

    page = admin_client.get("/workflows/").content.decode()
    assert "Nobody is told when these workflows fail: sample." in page


def test_scenario_30_banner_goes_when_a_supervisor_has_an_address(
    workflow: Workflow, watcher: Operator, admin_client: Client
) -> None:
    Operator.objects.filter(pk=watcher.pk).update(email="")
    alarms.look(timezone.now())
    Operator.objects.filter(pk=watcher.pk).update(email="watcher@example.com")

    alarms.look(timezone.now())

    page = admin_client.get("/workflows/").content.decode()
    assert "Nobody is told" not in page


def test_scenario_30_nobody_to_tell_is_written_in_the_journal(
    workflow: Workflow,
) -> None:
    run(FIRED)

    assert mail.outbox == []
    assert workflow.journal.filter(message__startswith="No supervisor").exists()


def test_scenario_30_the_same_failure_is_told_once_then_hourly(
    workflow: Workflow, watcher: Operator
) -> None:
    run(FIRED)
    for minutes in (1, 2, 3):
        resume(FIRED + minutes * MINUTE)
    within_the_hour = len(mail.outbox)

    send(FIRED + 61 * MINUTE)

    row = Notification.objects.get()
    assert (within_the_hour, row.count) == (1, 4)
    assert subjects() == ["Workflow in error: Sample sample"] * 2
    assert "Occurrences: 4" in mail.outbox[1].body


def test_scenario_30_recovery_is_told_once(
    workflow: Workflow, watcher: Operator, relay: Relay
) -> None:
    run(FIRED)
    relay.is_away = False

    resume(FIRED + MINUTE)
    run(FIRED + 2 * MINUTE)
    run(FIRED + 3 * MINUTE)

    assert subjects() == [
        "Workflow in error: Sample sample",
        "Workflow recovered: Sample sample",
    ]
    assert not Notification.objects.filter(resolved_at__isnull=True).exists()
