"""The page of the packages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.packages.catalogue import packages
from campaign.packages.models import InstalledPackage
from workflows.models import Workflow

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
