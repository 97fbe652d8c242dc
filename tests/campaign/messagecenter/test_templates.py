"""Event types and templates: written, refused, published, audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from campaign.access.models import Operator
from campaign.messagecenter.models import EventType, MessageTemplate, TemplateVersion
from campaign.messagecenter.services.changes import (
    ChangedMeanwhile,
    PublicationRefused,
)
from campaign.messagecenter.services.event_types import (
    change_event_type,
    create_event_type,
    normalise_event_id,
    publish_event_type,
    unpublish_event_type,
)
from campaign.messagecenter.services.templates import (
    change_template,
    create_template,
    pause_template,
    preview_template,
    publish_template,
    resume_template,
    unpublish_template,
)
from tests.campaign.messagecenter.factories import AT, BY_ENGINE, make_template
from workflows.exceptions import InvalidInput, NotFound, PermissionRefused
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db


def by(operator: Operator) -> dict[str, Any]:
    return {"acting_operator": operator, "source": Source.CONSOLE, "at": AT}


@pytest.mark.parametrize(
    ("text", "event_id"),
    [
        ("EVTorderShipped", "EVTorderShipped"),
        (" orderShipped ", "EVTorderShipped"),
        ("a" * 61, "EVT" + "a" * 61),
    ],
)
def test_prefix_is_added_when_it_is_missing(text: str, event_id: str) -> None:
    assert normalise_event_id(text) == event_id


@pytest.mark.parametrize("text", ["", "EVT", "order-shipped", "é", "a" * 62, "a b"])
def test_id_of_the_wrong_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normalise_event_id(text)

    assert caught.value.faults[0].field == "event_id"


def test_every_fault_of_a_declaration_is_named() -> None:
    attributes = [
        {"name": "1st", "type": "string"},
        {"name": "ok", "type": "text"},
        {"name": "same", "type": "date", "mandatory": "yes"},
        {"name": "good", "type": "date"},
        {"name": "good", "type": "date"},
        {"name": "items", "type": "string"},
        {"name": "more", "type": "string", "length": 5},
        "nothing",
    ]

    with pytest.raises(InvalidInput) as caught:
        create_event_type(
            event_id="x", values={"label": "", "attributes": attributes}, **BY_ENGINE
        )

    assert {fault.field for fault in caught.value.faults} == {
        "label",
        "attributes.0.name",
        "attributes.1.type",
        "attributes.2.mandatory",
        "attributes.4.name",
        "attributes.5.name",
        "attributes.6.length",
        "attributes.7",
    }
    assert not EventType.objects.exists()


def test_id_that_exists_is_refused(order_shipped: EventType) -> None:
    with pytest.raises(InvalidInput, match="faults"):
        create_event_type(
            event_id="orderShipped", values={"label": "Again"}, **BY_ENGINE
        )


def test_channel_of_a_type_cannot_be_changed(order_shipped: EventType) -> None:
    with pytest.raises(InvalidInput) as caught:
        change_event_type(
            event_id="EVTorderShipped", values={"channel": 1}, **BY_ENGINE
        )

    assert caught.value.faults[0].field == "channel"


def test_type_in_use_cannot_be_withdrawn(order_shipped: EventType) -> None:
    make_template(order_shipped)

    with pytest.raises(PublicationRefused, match="orderShipped"):
        unpublish_event_type(event_id="EVTorderShipped", **BY_ENGINE)


def test_type_for_profiles_cannot_be_published_yet() -> None:
    create_event_type(
        event_id="EVTx", values={"label": "x", "targeting": "profile"}, **BY_ENGINE
    )

    with pytest.raises(InvalidInput) as caught:
        publish_event_type(event_id="EVTx", **BY_ENGINE)

    assert caught.value.faults[0].field == "targeting"


def test_same_change_twice_is_audited_once(order_shipped: EventType) -> None:
    for _ in range(2):
        change_event_type(
            event_id="EVTorderShipped", values={"label": "x"}, **BY_ENGINE
        )

    assert AuditEntry.objects.count() == 1


def test_every_fault_of_a_template_is_named(order_shipped: EventType) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_template(
            internal_name="no name",
            event_id="EVTorderShipped",
            values={
                "sample": {"ctx": []},
                "reply_address": "nobody",
                "validity_seconds": 5,
                "colour": "red",
            },
            **BY_ENGINE,
        )

    assert {fault.field for fault in caught.value.faults} == {
        "internal_name",
        "label",
        "sample",
        "reply_address",
        "validity_seconds",
        "colour",
    }


def test_draft_may_be_incomplete_but_is_not_published(order_shipped: EventType) -> None:
    create_template(
        internal_name="draft",
        event_id="EVTorderShipped",
        values={"label": "Draft", "html": "{{ ctx.x "},
        **BY_ENGINE,
    )

    with pytest.raises(InvalidInput) as caught:
        publish_template(internal_name="draft", **BY_ENGINE)

    assert {fault.field for fault in caught.value.faults} == {"subject", "html"}
    assert not TemplateVersion.objects.exists()


def test_template_of_a_draft_type_is_not_published() -> None:
    create_event_type(event_id="EVTx", values={"label": "x"}, **BY_ENGINE)
    create_template(
        internal_name="x",
        event_id="EVTx",
        values={"label": "x", "subject": "x", "text": "x"},
        **BY_ENGINE,
    )

    with pytest.raises(InvalidInput) as caught:
        publish_template(internal_name="x", **BY_ENGINE)

    assert [fault.field for fault in caught.value.faults] == ["event_type"]


def test_published_version_is_frozen(order_shipped: EventType) -> None:
    make_template(order_shipped)

    change_template(
        internal_name="orderShipped", values={"subject": "New"}, **BY_ENGINE
    )
    before = MessageTemplate.objects.get().published_version
    second = publish_template(internal_name="orderShipped", **BY_ENGINE)

    assert before is not None
    assert (before.number, before.content["subject"]) == (
        1,
        "Order {{ ctx.order_number }}",
    )
    assert (second.number, second.content["subject"]) == (2, "New")


def test_draft_changed_meanwhile_is_not_overwritten(order_shipped: EventType) -> None:
    template = make_template(order_shipped)

    with pytest.raises(ChangedMeanwhile):
        change_template(
            internal_name="orderShipped",
            values={"subject": "New"},
            expected_modified_at=template.modified_at - timedelta(seconds=1),
            **BY_ENGINE,
        )


def test_preview_shows_the_draft_and_what_is_missing(order_shipped: EventType) -> None:
    template = make_template(
        order_shipped,
        text="{{ ctx.order_number }} {{ ctx.colour }} {{ event.language }}",
        sample={"language": "fr", "ctx": {"order_number": "A-7"}},
    )

    preview = preview_template(template, AT)

    assert preview.message.subject == "Order A-7"
    assert preview.message.text == "A-7  fr"
    assert preview.missing == ("ctx.colour",)


@pytest.mark.parametrize("verb", [resume_template, pause_template, unpublish_template])
def test_verb_out_of_place_is_refused(order_shipped: EventType, verb: Any) -> None:
    create_template(
        internal_name="x",
        event_id="EVTorderShipped",
        values={"label": "x"},
        **BY_ENGINE,
    )

    with pytest.raises(PublicationRefused, match="Draft"):
        verb(internal_name="x", **BY_ENGINE)


@pytest.mark.parametrize(
    "verb",
    [publish_template, pause_template, resume_template, unpublish_template],
)
def test_verbs_need_their_right_and_a_template(
    order_shipped: EventType, outsider: Operator, verb: Any
) -> None:
    with pytest.raises(PermissionRefused):
        verb(internal_name="x", **by(outsider))
    with pytest.raises(NotFound):
        verb(internal_name="x", **BY_ENGINE)


def test_writing_and_publishing_are_separate_rights(
    order_shipped: EventType, outsider: Operator
) -> None:
    outsider.user_permissions.add(
        Permission.objects.get(codename="change_messagetemplate")
    )
    writer = Operator.objects.get(pk=outsider.pk)

    create_template(
        internal_name="x",
        event_id="EVTorderShipped",
        values={"label": "x", "subject": "x", "text": "x"},
        **by(writer),
    )

    with pytest.raises(PermissionRefused):
        publish_template(internal_name="x", **by(writer))
    assert AuditEntry.objects.get().author == "outsider"
