from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.workflows.console.conftest import MakeWorkflow, add_run, add_task
from workflows.models import (
    AuditEntry,
    Freeze,
    RunStatus,
    Source,
    State,
    Substate,
    TaskStatus,
)

HTML = {"accept": "text/html"}


@pytest.fixture
def frozen(db: None) -> Freeze:
    """Return a freeze of the instance."""
    now = timezone.now()
    return Freeze.objects.create(
        reason="database move",
        author="night shift",
        source=Source.CLI,
        started_at=now,
        until=now + timedelta(hours=2),
    )


def test_every_page_tells_of_a_freeze_with_its_progress(
    admin_client: Client, frozen: Freeze, make_workflow: MakeWorkflow
) -> None:
    add_task(
        add_run(make_workflow("one"), RunStatus.RUNNING),
        status=TaskStatus.ACTIVE,
        substate=Substate.RUNNING,
        completed_at=None,
    )

    pages = [
        admin_client.get(path).content.decode()
        for path in ("/workflows/", "/workflows/one/", "/workflows/notifications/")
    ]

    assert all("The instance is frozen by night shift since" in p for p in pages)
    assert all("database move" in page for page in pages)
    assert all("1 task still runs." in page for page in pages)
    assert all("It ends by itself on" in page for page in pages)
    assert all('action="/workflows/thaw/"' in page for page in pages)


def test_frozen_instance_that_came_to_rest_says_so(
    admin_client: Client, frozen: Freeze
) -> None:
    page = admin_client.get("/workflows/").content.decode()

    assert "Nothing runs any more." in page


def test_banner_costs_nothing_while_nothing_is_frozen(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        page = admin_client.get("/workflows/").content.decode()

    assert "is frozen by" not in page


def test_thaw_is_offered_to_those_who_may(
    viewer_client: Client, frozen: Freeze
) -> None:
    page = viewer_client.get("/workflows/").content.decode()

    assert "The instance is frozen by night shift" in page
    assert "/workflows/thaw/" not in page


def test_thaw_ends_the_freeze_and_leads_back(
    admin_client: Client, frozen: Freeze
) -> None:
    response = admin_client.post("/workflows/thaw/", {"next": "/workflows/?q=a"})

    frozen.refresh_from_db()
    assert response["Location"] == "/workflows/?q=a"
    assert frozen.ended_by == "administrator"
    assert AuditEntry.objects.get().source == Source.CONSOLE


def test_thaw_of_what_is_not_frozen_is_told(admin_client: Client) -> None:
    response = admin_client.post("/workflows/thaw/", follow=True)

    assert "The instance is not frozen any more." in response.content.decode()


def test_thaw_needs_its_right(viewer_client: Client, frozen: Freeze) -> None:
    response = viewer_client.post("/workflows/thaw/", headers=HTML)

    frozen.refresh_from_db()
    assert response.status_code == 403
    assert frozen.ended_at is None


def test_thaw_refuses_get_and_foreign_addresses(
    admin_client: Client, frozen: Freeze
) -> None:
    refused = admin_client.get("/workflows/thaw/")
    response = admin_client.post("/workflows/thaw/", {"next": "//elsewhere.example"})

    assert refused.status_code == 405
    assert response["Location"] == "/workflows/"


def test_freeze_asks_first_and_holds_everything(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")

    page = admin_client.get("/workflows/freeze/").content.decode()
    admin_client.post("/workflows/freeze/", {"reason": "database move"})

    workflow.refresh_from_db()
    assert "Each workflow keeps its own state." in page
    assert "data-confirm-body" in page
    assert Freeze.objects.get().reason == "database move"
    assert workflow.state == State.STARTED


@pytest.mark.parametrize(
    "values", [{"reason": " "}, {"reason": "x", "until": "2020-01-05T10:00"}]
)
def test_faults_of_a_freeze_are_shown(
    values: dict[str, str], admin_client: Client
) -> None:
    page = admin_client.post("/workflows/freeze/", values).content.decode()

    assert 'aria-invalid="true"' in page
    assert not Freeze.objects.exists()


def test_second_freeze_is_told(admin_client: Client, frozen: Freeze) -> None:
    response = admin_client.post("/workflows/freeze/", {"reason": "x"}, follow=True)

    assert "The instance is frozen already." in response.content.decode()
    assert Freeze.objects.count() == 1


def test_freeze_needs_its_right(viewer_client: Client) -> None:
    response = viewer_client.post("/workflows/freeze/", {"reason": "x"}, headers=HTML)

    assert response.status_code == 403
    assert not Freeze.objects.exists()
