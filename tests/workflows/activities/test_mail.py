from __future__ import annotations

import smtplib
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from campaign.access.models import Operator
from workflows.activities import find_type
from workflows.exceptions import ConfigurationError, RuntimeFault
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> Group:
    """A group with two addresses, one of them of somebody who left."""
    group = Group.objects.create(name="Buyers")
    for name, email, is_active in (
        ("ada", "ada@example.com", True),
        ("bo", "", True),
        ("cy", "cy@example.com", False),
    ):
        operator = Operator.objects.create_user(
            username=name, email=email, is_active=is_active
        )
        operator.groups.add(group)
    return group


@pytest.mark.parametrize(
    ("kind", "parameters", "field"),
    [
        ("alert", {}, "title"),
        ("alert", {"title": "{{ 1"}, "title"),
        ("alert", {"title": "x", "body": "{% include 'a' %}"}, "body"),
        ("alert", {"title": "x", "group": "a", "operator": "b"}, "operator"),
        ("email", {"subject": "x"}, "addresses"),
        ("email", {"subject": "x", "addresses": ["nobody"]}, "addresses.0"),
        ("email", {"addresses": ["a@example.com"]}, "subject"),
        ("email", {"subject": "two\nlines", "group": "x"}, "subject"),
    ],
)
def test_fault_names_its_field(
    kind: str, parameters: dict[str, Any], field: str
) -> None:
    assert field in [f.field for f in find_type(kind).faults(parameters)]


def test_group_that_does_not_exist_is_missing() -> None:
    faults = find_type("email").missing({"group": "Nobody"})

    assert [fault.field for fault in faults] == ["group"]


def test_email_goes_to_addresses_and_group_once(make_context, group: Group) -> None:
    context = make_context(
        {
            "group": "Buyers",
            "addresses": ["out@example.com", "ada@example.com"],
            "subject": "{{ vars.count }} rows",
            "body": "Total: {{ vars.count|times(2) }}",
        },
        vars={"count": 3},
    )

    result = find_type("email").execute(context)

    assert result.count == 2
    assert [sent.to for sent in mail.outbox] == [
        ["out@example.com"],
        ["ada@example.com"],
    ]
    message = mail.outbox[0]
    assert message.subject == "3 rows"
    assert message.body == "Total: 6"


def test_variable_cannot_add_a_header(make_context) -> None:
    context = make_context(
        {"addresses": ["a@example.com"], "subject": "{{ vars.x }}"},
        vars={"x": "a\r\nBcc: b@example.com"},
    )

    find_type("email").execute(context)

    assert mail.outbox[0].subject == "a Bcc: b@example.com"
    assert mail.outbox[0].bcc == []


def test_email_to_a_group_without_addresses_fails(make_context) -> None:
    Group.objects.create(name="Empty")

    with pytest.raises(ConfigurationError, match="Empty"):
        find_type("email").execute(make_context({"group": "Empty", "subject": "x"}))


def test_relay_that_is_away_is_a_fault_that_may_pass(
    make_context, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    context = make_context({"addresses": ["a@example.com"], "subject": "x"})

    with pytest.raises(RuntimeFault):
        find_type("email").execute(context)


class Choosy(EmailBackend):
    """A relay that refuses who is called bo, and goes away before zed."""

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            if message.to == ["bo@example.com"]:
                raise smtplib.SMTPRecipientsRefused({"bo@example.com": (550, b"no")})
            if message.to == ["zed@example.com"]:
                raise smtplib.SMTPServerDisconnected("gone")
        return super().send_messages(messages)


def send_by_choosy(make_context, settings: Any, *names: str) -> Any:
    settings.EMAIL_BACKEND = f"{__name__}.Choosy"
    addresses = [f"{name}@example.com" for name in names]
    context = make_context({"addresses": addresses, "subject": "x"})
    return context, find_type("email").execute(context)


def test_recipient_who_is_refused_keeps_nobody_else_waiting(
    make_context, settings: Any
) -> None:
    context, result = send_by_choosy(make_context, settings, "ada", "bo", "cy")

    assert [message.to[0] for message in mail.outbox] == [
        "ada@example.com",
        "cy@example.com",
    ]
    assert (result.count, result.rejected) == (2, 1)
    assert context.warnings[0].startswith("The e-mail to bo@example.com could not")


def test_relay_that_goes_away_half_way_makes_nobody_get_it_twice(
    make_context, settings: Any
) -> None:
    context, result = send_by_choosy(make_context, settings, "ada", "zed", "cy")

    assert len(mail.outbox) == 1
    assert (result.count, result.rejected) == (1, 2)
    assert len(context.warnings) == 2


def test_relay_that_took_none_is_a_fault_that_may_pass(
    make_context, settings: Any
) -> None:
    with pytest.raises(RuntimeFault, match="550"):
        send_by_choosy(make_context, settings, "bo")


def test_simulation_counts_the_recipients_and_sends_nothing(
    make_context, group: Group
) -> None:
    context = make_context(
        {"group": "Buyers", "subject": "{{ vars.x }}"}, vars={"x": 1}
    )

    would = find_type("email").would_do(context)

    assert would.count == 1
    assert would.message % would.parameters == (
        "The message “1” would go to ada@example.com."
    )
    assert mail.outbox == []


def test_alert_goes_to_the_supervisors(make_context, group: Group) -> None:
    workflow = Workflow.objects.create(internal_name="sample")
    workflow.supervisors.add(group)

    find_type("alert").execute(make_context({"title": "x"}, workflow_id=workflow.pk))

    assert mail.outbox[0].to == ["ada@example.com"]


def test_alert_goes_to_the_operator_chosen(make_context, group: Group) -> None:
    find_type("alert").execute(make_context({"title": "x", "operator": "ada"}))

    assert mail.outbox[0].to == ["ada@example.com"]


def test_alert_nobody_can_get_is_a_warning(make_context) -> None:
    context = make_context({"title": "x"})

    assert find_type("alert").execute(context).count == 0
    assert context.warnings == ["No assignee has an e-mail address; nobody was told."]


@pytest.mark.parametrize("kind", ["alert", "email"])
def test_message_is_never_repeated_after_a_crash(kind: str) -> None:
    assert find_type(kind).is_idempotent({}) is False
    assert find_type(kind).has_effect({}) is True
