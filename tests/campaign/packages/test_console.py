"""The page of the packages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.packages.catalogue import packages
from campaign.packages.models import InstalledPackage
from campaign.packages.services import installing, removal
from workflows.actions.command import issue_command
from workflows.actions.sync import sync_workflows
from workflows.exceptions import CommandRefused
from workflows.models import AuditEntry, Source, State, Workflow

pytestmark = pytest.mark.django_db


def test_every_package_is_shown_and_missing_workflows_say_so(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    InstalledPackage.objects.get_or_create(
        slug=next(iter(packages())), defaults={"installed_at": timezone.now()}
    )

    with django_assert_max_num_queries(10):
        reply = admin_client.get("/packages/")

    assert len(reply.context["packages"]) == len(packages())
    assert "Not available in this version" in reply.content.decode()


def test_workflow_leads_to_its_page(admin_client: Client) -> None:
    workflow, _created = Workflow.objects.get_or_create(
        internal_name="updateEventsStatus", defaults={"package": "message_center"}
    )

    page = admin_client.get("/packages/").content.decode()

    assert f'href="{workflow.get_absolute_url()}"' in page


def html(client: Client) -> Client:
    client.defaults["HTTP_ACCEPT"] = "text/html"
    return client


def remove(slug: str) -> removal.Removal:
    return removal.remove_package(
        slug=slug, acting_operator=None, source=Source.CLI, at=timezone.now()
    )


def test_package_whose_workflow_runs_is_not_removed(admin_client: Client) -> None:
    Workflow.objects.create(
        internal_name="rtEventsProcessing", package="mc-execution", state=State.STARTED
    )
    client = html(admin_client)

    asked = client.get("/packages/mc-execution/remove/").content.decode()
    reply = client.post("/packages/mc-execution/remove/")

    assert "stop its workflows first: rtEventsProcessing" in asked
    assert reply.status_code == 409
    assert InstalledPackage.objects.get(slug="mc-execution").removed_at is None


def test_removed_package_keeps_its_workflows_which_do_not_start(db: None) -> None:
    sync_workflows(at=timezone.now())
    names = Workflow.objects.filter(package="mc-execution")
    names.update(state=State.FINISHED)
    before = names.count()

    remove("mc-execution")

    with pytest.raises(CommandRefused, match="was removed"):
        issue_command(
            internal_name="rtEventsProcessing",
            name="start",
            acting_operator=None,
            source=Source.CLI,
            at=timezone.now(),
        )
    assert names.count() == before > 0
    assert AuditEntry.objects.get(action="packages.package.removed")


def test_migrate_does_not_bring_a_removed_package_back(db: None) -> None:
    remove("mc-execution")

    installing.install_missing(at=timezone.now())
    sync_workflows(at=timezone.now())

    assert removal.is_removed("mc-execution")
    assert not Workflow.objects.filter(internal_name="rtEventsProcessing").exists()


def test_installing_creates_and_starts_the_workflows(admin_client: Client) -> None:
    remove("mc-execution")
    client = html(admin_client)

    asked = client.get("/packages/mc-execution/install/").content.decode()
    client.post("/packages/mc-execution/install/", {"reason": "needed"})

    assert "rtEventsProcessing" in asked
    assert Workflow.objects.get(internal_name="rtEventsProcessing").state in (
        State.STARTED,
        State.START_ASAP,
        State.START_PENDING,
    )
    entry = AuditEntry.objects.get(action="packages.package.installed")
    assert entry.reason == "needed"


def test_package_of_no_workflow_here_is_refused(admin_client: Client) -> None:
    client = html(admin_client)

    assert client.post("/packages/social/install/").status_code == 409
    assert client.get("/packages/nothing/install/").status_code == 404


def test_needed_package_stays(admin_client: Client) -> None:
    reply = html(admin_client).post("/packages/delivery/remove/")

    assert reply.status_code == 409
    assert "needs it" in reply.content.decode()


def test_list_can_show_installed_ones_only(admin_client: Client) -> None:
    shown = admin_client.get("/packages/?show=installed").context["packages"]

    assert {one.package.slug for one in shown} == set(
        InstalledPackage.objects.values_list("slug", flat=True)
    )


def test_supervisor_may_look_but_not_remove(client: Client, supervisor: Any) -> None:
    client.force_login(supervisor, "django.contrib.auth.backends.ModelBackend")

    page = html(client).get("/packages/").content.decode()

    assert "You lack the right packages.delete_installedpackage." in page
    assert client.post("/packages/mc-execution/remove/").status_code == 403
