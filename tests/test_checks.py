"""Every misconfiguration has a system check with its own id."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings


def ids(*, deploy: bool = False) -> set[str]:
    """Return the ids of all messages that are not silenced."""
    return {
        message.id
        for message in run_checks(include_deployment_checks=deploy)
        if message.id and not message.is_silenced()
    }


def test_the_queue_settings_of_the_project_pass() -> None:
    assert not {found for found in ids() if found.startswith("workflows.E00")} - {
        "workflows.E006"  # tests keep no connection
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cluster_name": "other"}, "workflows.E001"),
        ({"orm": "replica"}, "workflows.E002"),
        ({"broker_class": "django_q.brokers.orm.ORM"}, "workflows.E002"),
        ({"retry": 600}, "workflows.E003"),
        ({"save_limit": 250}, "workflows.E004"),
        ({"ack_failures": False}, "workflows.E004"),
    ],
)
def test_a_wrong_queue_setting_is_told(
    settings: Settings, change: dict[str, Any], expected: str
) -> None:
    settings.Q_CLUSTER = {**deepcopy(configured.Q_CLUSTER), **change}

    assert expected in ids()


def test_a_lease_of_another_queue_is_checked_too(settings: Settings) -> None:
    changed = deepcopy(configured.Q_CLUSTER)
    changed["ALT_CLUSTERS"]["bulk"]["retry"] = 900
    settings.Q_CLUSTER = changed

    assert "workflows.E003" in ids()


def test_a_connection_pool_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": True})

    assert "workflows.E005" in ids()


def test_connections_of_no_age_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)

    assert "workflows.E006" in ids()


def test_a_missing_key_for_secrets_is_told(settings: Settings) -> None:
    settings.CAMPAIGN_SECRETS_KEY = ""

    assert "campaign.E001" in ids()


@pytest.mark.parametrize(
    "organisation", ["api", "system", "accounts", "i18n", "static", "healthz"]
)
def test_an_organisation_named_like_a_page_of_ours_is_refused(
    settings: Settings, organisation: str
) -> None:
    settings.CAMPAIGN_ORG = organisation

    assert "campaign.E002" in ids()


def test_the_usual_organisation_is_allowed() -> None:
    assert "campaign.E002" not in ids()


def test_https_without_a_known_proxy_is_refused(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://campaign.example.com"
    settings.TRUSTED_PROXIES = ()

    assert "campaign.E003" in ids()


def test_production_without_a_public_address_is_told(settings: Settings) -> None:
    settings.PUBLIC_URL_IS_SET = False

    assert "campaign.W001" in ids(deploy=True)
    assert "campaign.W001" not in ids()
