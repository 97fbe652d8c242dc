from __future__ import annotations

import pytest
from django.utils import timezone

from campaign.packages.models import InstalledPackage
from campaign.packages.services import installing
from campaign.packages.services.installing import Availability

pytestmark = pytest.mark.django_db
EVENT_WORKFLOWS = {
    "rtEventsProcessing",
    "batchEventsProcessing",
    "updateEventsStatus",
}


def installed() -> set[str]:
    return set(InstalledPackage.objects.values_list("slug", flat=True))


def test_packages_of_this_version_are_installed_with_the_tables():
    assert installed() == {"builtin", "delivery", "mc-control", "mc-execution"}


def test_second_run_installs_nothing():
    assert installing.install_missing(at=timezone.now()) == []


def test_roles_decide_what_is_installed(settings):
    InstalledPackage.objects.all().delete()
    settings.CAMPAIGN_ROLES = ("execution",)

    installing.install_missing(at=timezone.now())

    assert installed() == {"builtin", "delivery", "mc-execution"}
    assert installing.availability("mc-control") is Availability.OTHER_ROLE


def test_package_once_installed_stays(settings):
    settings.CAMPAIGN_ROLES = ("marketing",)

    installing.install_missing(at=timezone.now())

    listed = {package.slug: package for package in installing.list_packages()}
    assert listed["mc-execution"].is_installed


def test_list_shows_every_package_installed_ones_first(django_assert_num_queries):
    with django_assert_num_queries(1):
        listed = installing.list_packages()

    marks = [package.is_installed for package in listed]
    assert marks == sorted(marks, reverse=True)
    assert listed[-1].status == "Not available in this version"


def test_workflows_of_this_version_are_told_from_the_rest():
    available = {
        workflow.internal_name
        for package in installing.list_packages()
        for workflow in package.workflows
        if workflow.is_available
    }

    assert available == EVENT_WORKFLOWS | {"cleanupPausedWorkflows"}
