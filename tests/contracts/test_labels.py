"""The names of the original, in its five languages, where an operator reads them."""

from __future__ import annotations

from html import escape

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from campaign.packages.catalogue import event_statuses
from workflows.models import Workflow
from workflows.registry import catalogue_entry

LANGUAGES = ("en", "fr", "sv", "zh-hant", "ko")
#: One of each as the help pages of the original spell it.
SPELLED = {
    "fr": "Traitement des événements temps réel",
    "sv": "Bearbetar realtidshändelser",
    "zh-hant": "處理即時事件",
    "ko": "실시간 이벤트 처리",
}


@pytest.fixture
def installation(admin_client: Client) -> Client:
    call_command("syncworkflows", verbosity=0)
    return admin_client


def read(client: Client, address: str, language: str) -> str:
    """Return a page as a reader of that language gets it."""
    answer = client.get(
        address, headers={"accept": "text/html", "accept-language": language}
    )
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_names_every_workflow(installation: Client, language: str) -> None:
    names = Workflow.objects.technical().values_list("internal_name", flat=True)
    labels = [catalogue_entry(name).labels[language] for name in names]

    page = read(installation, "/workflows/", language)

    assert labels
    assert [label for label in labels if escape(label) not in page] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_event_history_names_every_status(
    installation: Client, language: str
) -> None:
    statuses = event_statuses(settings.CAMPAIGN_EDITION).values()
    labels = [status.labels[language] for status in statuses]

    page = read(installation, "/message-center/events/", language)

    assert labels
    assert [label for label in labels if escape(label) not in page] == []


@pytest.mark.parametrize(("language", "label"), SPELLED.items())
def test_a_label_is_spelled_as_in_the_original(
    installation: Client, language: str, label: str
) -> None:
    assert label in read(installation, "/workflows/", language)
