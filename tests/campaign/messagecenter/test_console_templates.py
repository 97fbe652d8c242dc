"""Event types and message templates in the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaign.access.models import Operator
from campaign.messagecenter.models import EventType, MessageTemplate, TemplateVersion
from workflows.models import AuditEntry

TYPES = "/message-center/event-types/"
TEMPLATES = "/message-center/templates/"
pytestmark = pytest.mark.django_db


def rows_of(*rows: dict[str, str], total: int | None = None) -> dict[str, str]:
    data = {
        "attributes-TOTAL_FORMS": str(total or len(rows)),
        "attributes-INITIAL_FORMS": "0",
    }
    for index, row in enumerate(rows):
        data |= {f"attributes-{index}-{name}": value for name, value in row.items()}
    return data


def draft(**values: str) -> dict[str, str]:
    return {
        "label": "Order shipped",
        "subject": "Your order {{ ctx.order_number }}",
        "html": "<p>Order {{ ctx.order_number }}</p>",
        "text": "Order {{ ctx.order_number }}",
        "sender_name": "Shop",
        "sender_address": "shop@example.com",
        "reply_address": "",
        "sample": '{"ctx": {"order_number": "A-<1>"}}',
        "validity_seconds_number": "5",
        "validity_seconds_unit": "86400",
        **values,
    }


@pytest.fixture
def shipped(db: None) -> EventType:
    """A published event type with one attribute."""
    return EventType.objects.create(
        event_id="EVTparcelSent",
        label="Parcel sent",
        publication_state=EventType.PublicationState.PUBLISHED,
        attributes=[{"name": "order_number", "type": "string", "mandatory": False}],
    )


@pytest.fixture
def template(shipped: EventType) -> MessageTemplate:
    """A draft that can be published."""
    return MessageTemplate.objects.create(
        internal_name="parcelSent",
        label="Parcel sent",
        event_type=shipped,
        subject="Your order",
        html="<p>Order</p>",
        text="Order",
    )


def test_new_event_type_is_a_draft_with_its_attributes(admin_client: Client) -> None:
    data = {"event_id": "cartLeft", "label": "Cart", "channel": "0"}
    rows = rows_of(
        {"name": "total", "type": "number", "mandatory": "on"},
        {"name": "", "type": "string"},
    )

    reply = admin_client.post(
        "/message-center/new-event-type/", {**data, "targeting": "event", **rows}
    )

    created = EventType.objects.get(event_id="EVTcartLeft")
    assert reply["Location"] == f"{TYPES}EVTcartLeft/"
    assert created.attributes == [
        {"name": "total", "type": "number", "mandatory": True}
    ]
    assert AuditEntry.objects.filter(
        action="messagecenter.event_type.created", author="administrator"
    ).exists()


def test_faults_of_attributes_stand_in_their_row(
    admin_client: Client, shipped: EventType
) -> None:
    rows = rows_of(
        {"name": "", "type": "string"},
        {"name": "good", "type": "string"},
        {"name": "9 lives", "type": "string"},
    )

    reply = admin_client.post(shipped.get_absolute_url(), {"label": "X", **rows})

    assert reply.status_code == 422
    assert "Start with a letter" in str(reply.context["formset"].forms[2].errors)
    assert not reply.context["formset"].forms[1].errors


def test_rows_are_added_without_javascript_and_nothing_is_saved(
    admin_client: Client, shipped: EventType
) -> None:
    rows = rows_of({"name": "one", "type": "integer"})

    reply = admin_client.post(
        shipped.get_absolute_url(), {"label": "X", "add_rows": "yes", **rows}
    )

    assert reply.status_code == 200
    assert len(reply.context["formset"].forms) == 4
    assert 'value="one"' in reply.content.decode()
    shipped.refresh_from_db()
    assert shipped.label == "Parcel sent"


def test_event_type_in_use_cannot_be_unpublished(
    admin_client: Client, template: MessageTemplate
) -> None:
    admin_client.post(f"{TEMPLATES}parcelSent/publish/")

    reply = admin_client.post(f"{TYPES}EVTparcelSent/unpublish/", follow=True)

    assert "unpublish it first" in reply.content.decode()
    assert EventType.objects.get().publication_state == "published"


def test_new_template_is_a_draft(admin_client: Client, shipped: EventType) -> None:
    reply = admin_client.post(
        "/message-center/new-template/",
        draft(internal_name="shipped", event_type="EVTparcelSent"),
    )

    created = MessageTemplate.objects.get(internal_name="shipped")
    assert reply["Location"] == f"{TEMPLATES}shipped/"
    assert created.validity_seconds == 432_000
    assert created.sample == {"ctx": {"order_number": "A-<1>"}}


def test_editing_keeps_what_is_published(
    admin_client: Client, template: MessageTemplate
) -> None:
    admin_client.post(f"{TEMPLATES}parcelSent/publish/")

    admin_client.post(f"{TEMPLATES}parcelSent/", draft(subject="Newer"))
    page = admin_client.get(f"{TEMPLATES}parcelSent/").content.decode()

    assert TemplateVersion.objects.get().content["subject"] == "Your order"
    assert "The draft differs from what is published" in page


def test_stale_draft_is_refused(
    admin_client: Client, template: MessageTemplate
) -> None:
    shown = template.modified_at.isoformat()
    admin_client.post(f"{TEMPLATES}parcelSent/", draft(subject="First"))

    reply = admin_client.post(
        f"{TEMPLATES}parcelSent/", draft(subject="Second", modified=shown)
    )

    assert reply.status_code == 412
    assert "changed by somebody else" in reply.content.decode()
    template.refresh_from_db()
    assert template.subject == "First"


def test_faults_of_publishing_stand_at_their_field(
    admin_client: Client, template: MessageTemplate
) -> None:
    MessageTemplate.objects.update(html="<p>{{ ctx.order_number</p>")

    reply = admin_client.post(f"{TEMPLATES}parcelSent/publish/")

    assert reply.status_code == 422
    assert reply.context["form"]["html"].errors
    assert not TemplateVersion.objects.exists()


@pytest.mark.parametrize(
    ("verbs", "state"),
    [
        (["publish"], "published"),
        (["publish", "pause"], "paused"),
        (["publish", "pause", "resume"], "published"),
        (["publish", "unpublish"], "draft"),
    ],
)
def test_publication_follows_the_buttons(
    admin_client: Client, template: MessageTemplate, verbs: list[str], state: str
) -> None:
    replies = [admin_client.post(f"{TEMPLATES}parcelSent/{verb}/") for verb in verbs]

    template.refresh_from_db()
    assert {reply.status_code for reply in replies} == {302}
    assert template.publication_state == state


def test_preview_of_what_is_typed_escapes_data_and_keeps_nothing(
    admin_client: Client, template: MessageTemplate
) -> None:
    reply = admin_client.post(f"{TEMPLATES}parcelSent/preview/", draft())

    page = reply.content.decode()
    assert "A-&amp;lt;1&amp;gt;" in page  # escaped by the template, then by srcdoc
    assert "Your order A-&lt;1&gt;" in page
    assert reply["X-Frame-Options"] == "SAMEORIGIN"
    assert "default-src 'none'" in reply["Content-Security-Policy"]
    template.refresh_from_db()
    assert template.subject == "Your order"


def test_preview_names_what_the_sample_lacks(
    admin_client: Client, template: MessageTemplate
) -> None:
    reply = admin_client.post(
        f"{TEMPLATES}parcelSent/preview/", draft(sample='{"ctx": {}}')
    )

    assert "ctx.order_number" in reply.content.decode()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sample": "{"}, "no JSON"),
        ({"sample": "[]"}, "must be an object"),
        ({"html": "{{ ctx.x"}, "html"),
    ],
)
def test_preview_says_what_is_wrong(
    admin_client: Client,
    template: MessageTemplate,
    values: dict[str, str],
    words: str,
) -> None:
    reply = admin_client.post(f"{TEMPLATES}parcelSent/preview/", draft(**values))

    assert reply.status_code == 200
    assert words in reply.content.decode()


def test_reader_sees_but_may_not_change(
    client: Client, outsider: Operator, template: MessageTemplate
) -> None:
    names = ["view_eventtype", "view_messagetemplate"]
    outsider.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")

    page = client.get(f"{TEMPLATES}parcelSent/").content.decode()
    saved = client.post(
        f"{TEMPLATES}parcelSent/", draft(), headers={"accept": "text/html"}
    )
    created = client.get(
        "/message-center/new-template/", headers={"accept": "text/html"}
    )

    assert "You lack the right messagecenter.change_messagetemplate" in page
    assert [saved.status_code, created.status_code] == [403, 403]
    template.refresh_from_db()
    assert template.subject == "Your order"


@pytest.mark.parametrize(
    "address",
    [
        TYPES,
        f"{TYPES}EVTparcelSent/",
        TEMPLATES,
        f"{TEMPLATES}parcelSent/",
        "/message-center/new-template/",
        "/message-center/new-event-type/",
    ],
)
def test_pages_ask_few_queries(
    admin_client: Client,
    template: MessageTemplate,
    address: str,
    django_assert_max_num_queries: Any,
) -> None:
    with django_assert_max_num_queries(10):
        assert admin_client.get(address).status_code == 200
