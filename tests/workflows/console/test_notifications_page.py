from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from tests.workflows.console.conftest import NOW, MakeWorkflow
from workflows.engine import alarms
from workflows.models import (
    AuditEntry,
    Level,
    Notification,
    NotificationKind,
    NotificationRead,
    Workflow,
)

PAGE = "/workflows/notifications/"


def tell(workflow: Workflow | None = None, **values: Any) -> Notification:
    number = Notification.objects.count()
    values.setdefault("kind", NotificationKind.FAILED)
    values.setdefault("last_at", NOW + timedelta(seconds=number))
    return Notification.objects.create(
        workflow=workflow,
        fingerprint=f"f{number}",
        level=Level.ERROR,
        message="%(name)s failed: %(error)s",
        parameters={"name": f"work{number}", "error": "<b>gone</b>"},
        path=workflow.get_absolute_url() if workflow else "/workflows/",
        first_at=NOW,
        **values,
    )


def test_list_shows_what_operators_were_told(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    tell(make_workflow(), count=3, sent_count=2)

    page = supervisor_client.get(PAGE).content.decode()

    assert "work0 failed: &lt;b&gt;gone&lt;/b&gt;" in page
    assert 'href="/workflows/sample/"' in page
    assert "2 mails" in page


def test_bell_counts_what_is_new_to_the_reader(
    supervisor_client: Client, supervisor: Operator
) -> None:
    tell()
    tell()
    NotificationRead.objects.create(operator=supervisor, read_until=NOW)

    page = supervisor_client.get("/workflows/").content.decode()

    assert 'aria-label="Notifications, 1 new"' in page


def test_bell_stops_counting_at_its_bound(supervisor_client: Client) -> None:
    for _number in range(101):
        tell()

    page = supervisor_client.get("/workflows/").content.decode()

    assert 'aria-label="Notifications, 99+ new"' in page


def test_marking_as_read_empties_the_bell(
    supervisor_client: Client, supervisor: Operator
) -> None:
    tell(last_at=timezone.now())

    supervisor_client.post(f"{PAGE}read/")

    page = supervisor_client.get(PAGE).content.decode()
    assert 'aria-label="Notifications"' in page
    assert ">New<" not in page


def test_marking_as_read_needs_a_post(supervisor_client: Client) -> None:
    assert supervisor_client.get(f"{PAGE}read/").status_code == 405


def test_one_operator_reading_leaves_the_others_bell(
    supervisor_client: Client, administrator: Operator
) -> None:
    tell()
    NotificationRead.objects.create(operator=administrator, read_until=timezone.now())

    page = supervisor_client.get("/workflows/").content.decode()

    assert 'aria-label="Notifications, 1 new"' in page


def test_older_ones_follow_by_key_without_gap_or_repetition(
    supervisor_client: Client,
) -> None:
    rows = [tell(last_at=NOW) for _number in range(120)]
    seen: list[int] = []
    older = ""

    for _page in range(3):
        slice_ = supervisor_client.get(PAGE, {"before": older}).context["slice"]
        seen += [told.notification.pk for told in slice_.rows]
        older = slice_.older

    assert seen == [row.pk for row in reversed(rows)]
    assert older == ""


def test_open_ones_can_be_seen_alone(supervisor_client: Client) -> None:
    tell(resolved_at=NOW)
    tell()

    rows = supervisor_client.get(PAGE, {"view": "open"}).context["slice"].rows

    assert [told.notification.text[:5] for told in rows] == ["work1"]


@pytest.mark.parametrize("before", ["x", "MjAyNg", "%00", "LTE"])
def test_nonsense_in_the_address_counts_as_absent(
    supervisor_client: Client, before: str
) -> None:
    tell()

    page = supervisor_client.get(PAGE, {"before": before, "view": "x"})

    assert len(page.context["slice"].rows) == 1


def test_list_costs_few_queries_however_long(
    supervisor_client: Client, django_assert_max_num_queries: Any
) -> None:
    for _number in range(60):
        tell()

    with django_assert_max_num_queries(10):
        supervisor_client.get(PAGE)


def test_operator_without_the_right_sees_neither_list_nor_bell(
    outsider_client: Client,
) -> None:
    tell()

    page = outsider_client.get("/accounts/profile/").content.decode()

    refused = outsider_client.get(PAGE, headers={"accept": "text/html"})
    assert refused.status_code == 403
    assert PAGE not in page


def test_workflows_that_nobody_watches_are_named_on_every_page(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("lonely")

    alarms.look(NOW)

    page = supervisor_client.get("/workflows/").content.decode()
    assert "Nobody is told when these workflows fail: lonely." in page
    assert 'href="/workflows/lonely/properties/"' in page


def test_mute_asks_first_and_changes_nothing(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow()

    page = supervisor_client.get("/workflows/sample/mute/").content.decode()

    workflow.refresh_from_db()
    assert "Mute for 24 hours: sample" in page
    assert workflow.muted_until is None


def test_mute_lasts_a_day_and_is_audited(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow()

    supervisor_client.post("/workflows/sample/mute/", {"reason": "release"})

    workflow.refresh_from_db()
    entry = AuditEntry.objects.get(action="workflows.workflow.muted")
    assert workflow.muted_until is not None
    assert timedelta(hours=23) < workflow.muted_until - timezone.now()
    assert (entry.author, entry.reason) == ("supervisor", "release")


def test_muted_workflow_can_be_heard_again(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow(muted_until=timezone.now() + timedelta(hours=3))

    page = supervisor_client.get("/workflows/sample/mute/").content.decode()
    supervisor_client.post("/workflows/sample/mute/", {"mute": "off"})

    workflow.refresh_from_db()
    assert "Send again" in page
    assert workflow.muted_until is None


def test_mute_needs_the_right_to_operate(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow()

    response = viewer_client.post(
        "/workflows/sample/mute/", headers={"accept": "text/html"}
    )

    workflow.refresh_from_db()
    assert response.status_code == 403
    assert workflow.muted_until is None


def test_supervision_page_counts_what_reached_nobody(
    supervisor_client: Client,
) -> None:
    tell(sent_at=timezone.now(), last_at=timezone.now())

    page = supervisor_client.get("/monitoring/").content.decode()

    assert "Notifications that reached nobody" in page


def test_supervision_page_says_nothing_while_everybody_is_reached(
    supervisor_client: Client,
) -> None:
    tell(sent_at=timezone.now(), last_at=timezone.now(), sent_count=1)

    page = supervisor_client.get("/monitoring/").content.decode()

    assert "Notifications that reached nobody" not in page
