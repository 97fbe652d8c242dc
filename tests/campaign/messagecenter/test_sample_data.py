"""The sample: whole, valid, added once; and the purge of keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from campaign.access.models import Operator
from campaign.deliveries.models import Address
from campaign.messagecenter.models import EventType, IdempotencyKey, MessageTemplate
from campaign.messagecenter.services import sample_data
from campaign.messagecenter.services.event_body import (
    OWN_FIELDS,
    NewEvent,
    read_event,
)
from campaign.messagecenter.services.event_rules import find_rules
from campaign.messagecenter.services.purge import purge_idempotency_keys
from campaign.messagecenter.services.sample_contents import SAMPLES, Sample
from campaign.messagecenter.services.templates import preview_template
from tests.campaign.messagecenter.conftest import Caller
from tests.campaign.messagecenter.factories import AT

pytestmark = pytest.mark.django_db


def test_sample_is_published_and_added_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("sampledata")
    call_command("sampledata")

    assert "Added 4 event types" in capsys.readouterr().out
    assert EventType.objects.filter(publication_state="published").count() == 4
    assert MessageTemplate.objects.filter(publication_state="published").count() == 4
    assert Address.objects.count() == 3


def test_what_an_operator_changed_stays() -> None:
    sample_data.install(at=AT)
    MessageTemplate.objects.filter(internal_name="orderShipped").update(subject="Mine")

    added = sample_data.install(at=AT)

    assert (added.event_types, added.templates, added.addresses) == (0, 0, 0)
    assert MessageTemplate.objects.get(internal_name="orderShipped").subject == "Mine"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_sample_bodies_are_valid_and_fill_their_templates(sample: Sample) -> None:
    sample_data.install(at=AT)
    rules = find_rules(sample.event_id)
    template = MessageTemplate.objects.get(internal_name=sample.template)

    preview = preview_template(template, AT)

    assert rules is not None
    assert isinstance(read_event(sample.body, rules, OWN_FIELDS), NewEvent)
    assert preview.missing == ()
    assert "{" not in preview.message.subject + preview.message.text


def test_order_shipped_takes_an_empty_payload(call: Caller) -> None:
    sample_data.install(at=AT)
    body = {"email": "customer@example.com", "ctx": {}}

    reply = call("POST", "/local/campaign/mclocal/EVTorderShipped", body)

    assert reply.status == 201


def test_keys_are_kept_for_a_week(administrator: Operator) -> None:
    for days in (6, 8):
        IdempotencyKey.objects.create(
            operator=administrator,
            key=f"{days}",
            request_digest="x",
            event_kind="rt",
            event_id=days,
            created_at=AT - timedelta(days=days),
        )

    deleted = purge_idempotency_keys(at=AT)

    assert deleted == 1
    assert IdempotencyKey.objects.get().key == "6"
