"""Every page in every language: nothing stays in English, nothing is broken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from campaign.deliveries.models import Delivery
from campaign.messagecenter.models import EventType, MessageTemplate
from tests.contracts.crawling import Visited, walk

#: In these two no word of English can be a word of theirs.
OTHER_SCRIPTS = {"ko": r"[\uac00-\ud7a3]", "zh-hant": r"[\u4e00-\u9fff]"}
#: Names that stay what they are in every language.
NAMES = re.compile(
    r"\b(Campaign|Adobe|Django|PostgreSQL|Python|django-q2|Prometheus|Grafana|HTTP"
    r"|HTTPS|SMTP|JSON|CSV|SQL|API|URL|TLS|STARTTLS|UTC|DST|PID|PSS|OpenAPI|IANA"
    r"|English|Français|Svenska|Ctrl|Shift|Enter|Esc|Escape|Delete|Tab|cron|HTML"
    r"|TOTP|QR|HMAC|SHA|UUID|ISO|KB|MB|GB|ms|webhook|Webhook|Message Center|AMP|XML|SMS"
    r"|LINE|iOS|Android|htmx|CPU|RSS|IP|EHLO|OK|Ok|N/A|ID|id|X6)\b"
)
#: What installations name themselves: addresses, keys, zones, versions, file names.
DATA = re.compile(
    r"\S*[@/_\\{}<>=:.]\S*\w|\b\w*\d\w*\b|\b[a-z]+[A-Z]\w*\b|\b[A-Za-z]+/[A-Za-z_]+\b"
)
QUEUES = ("workflows", "realtime", "bulk", "engine", "last")
WORD = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture
def installation(admin_client: Client) -> Client:
    """The built-in workflows and the sample of a first start, and who may see all."""
    Path(settings.CAMPAIGN_VAR).mkdir(parents=True, exist_ok=True)
    call_command("syncworkflows", verbosity=0)
    call_command("sampledata", verbosity=0)
    return admin_client


def in_english(page: Visited, language: str, kept: Sequence[str]) -> Iterator[str]:
    """Yield the texts of a page that hold words of English and none of ours."""
    own = re.compile(OTHER_SCRIPTS[language])
    for text in page.texts:
        if own.search(text):
            continue
        left = text
        for name in kept:
            left = left.replace(name, " ")
        left = DATA.sub(" ", NAMES.sub(" ", left))
        if WORD.search(left):
            yield f"{page.address}: {text}"


@pytest.mark.parametrize("language", sorted(OTHER_SCRIPTS))
def test_no_page_speaks_english(installation: Client, language: str) -> None:
    kept = sorted(set(_given_names()), key=len, reverse=True)

    left = [
        line
        for page in walk(installation, "/", **{"accept-language": language})
        for line in in_english(page, language, kept)
    ]

    faults = "\n".join(sorted(set(left)))
    assert not faults, faults


@pytest.mark.parametrize("language", ["en", "fr", "sv", "zh-hant", "ko"])
def test_every_link_leads_to_a_page(installation: Client, language: str) -> None:
    broken = [
        f"{page.address}: {page.answer.status_code}"
        for page in walk(installation, "/", **{"accept-language": language})
        if page.answer.status_code not in {200, 301, 302}
    ]

    assert broken == []


def _given_names() -> Iterator[str]:
    """Yield what the sample and the operators of the test are called."""
    yield from ("Administrator", "administrator", "Ad", "local", "admin")
    for model in (EventType, MessageTemplate, Delivery):
        yield from model.objects.values_list("label", flat=True)
    yield from EventType.objects.values_list("event_id", flat=True)
    yield from MessageTemplate.objects.values_list("subject", flat=True)
    yield from Group.objects.values_list("name", flat=True)
    yield from QUEUES
