"""Alert and e-mail: activities that tell people something."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import LongTemplate, Parameter, Template, Text, Unfit
from workflows.activities.records import Values
from workflows.activities.references import GroupName, OperatorName
from workflows.engine.conditions import render
from workflows.exceptions import ConfigurationError, Fault, RuntimeFault
from workflows.registry import Done, Result, WouldDo


class Address(Text):
    """One e-mail address."""

    kind = "email"

    def checked(self, text: str) -> str:
        try:
            validate_email(text)
        except ValidationError as error:
            raise Unfit(_("Write an e-mail address, such as ada@example.com.")) from (
                error
            )
        return text

    def limits(self) -> dict[str, Any]:
        return {"format": "email", "maxLength": self.longest}


@dataclass(frozen=True, slots=True)
class Unsent:
    """A recipient whom the relay did not take, and its answer."""

    address: str
    error: str


def texts(title: str) -> tuple[Parameter, ...]:
    """Return the parameters of a message: ``title``, which is required, and body."""
    return (
        Template(
            name=title,
            label=gettext_lazy("Title"),
            help_text=gettext_lazy("The subject; variables stand in double braces."),
            required=True,
        ),
        LongTemplate(name="body", label=gettext_lazy("Body"), default=""),
    )


def members_of(group: str) -> list[str]:
    """Return the addresses of a group's active members. One query."""
    return _addresses(groups__name=group)


def _addresses(**of: Any) -> list[str]:
    return list(
        get_user_model()
        .objects.filter(is_active=True, **of)
        .exclude(email="")
        .order_by("email")
        .values_list("email", flat=True)
        .distinct()
    )


def send(recipients: list[str], subject: str, body: str) -> list[Unsent]:
    """Hand each recipient a message of their own; return whom the relay refused.

    Nobody sees the others. Raises RuntimeFault when it took none at all: only then
    may it be tried again, or some would get it twice.
    """
    line = " ".join(subject.split())
    unsent: list[Unsent] = []
    relay = get_connection()
    for number, recipient in enumerate(recipients):
        message = EmailMessage(
            line, body, settings.MAIL_FROM, [recipient], connection=relay
        )
        try:
            if number == 0:
                relay.open()
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            unsent.append(Unsent(recipient, str(error)))
        except (smtplib.SMTPException, OSError) as error:
            unsent += [Unsent(one, str(error)) for one in recipients[number:]]
            break
    with suppress(smtplib.SMTPException, OSError):
        relay.close()
    if len(unsent) == len(recipients):
        raise RuntimeFault(
            "The e-mail could not be sent: %(error)s", error=unsent[0].error
        )
    return unsent


class Message(ActivityType):
    """What alert and e-mail have in common: recipients, and a message to each."""

    title: str

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: a second mail would be a second message."""
        return False

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return True: people are told."""
        return True

    def recipients(self, context: Context, given: Mapping[str, Any]) -> list[str]:
        """Return the addresses that the message goes to."""
        raise NotImplementedError(self.name)

    def would_do(self, context: Context) -> WouldDo:
        """Count the recipients and show the subject."""
        given = self.values(context.parameters)
        recipients = self.recipients(context, given)
        return WouldDo(
            len(recipients),
            gettext_noop("The message “%(subject)s” would go to %(recipients)s."),
            {
                "subject": render(given[self.title], context.variables),
                "recipients": ", ".join(recipients[:20]) or "-",
            },
        )

    def execute(self, context: Context) -> Result:
        """Send; without any address there is nothing to do but to say so."""
        given = self.values(context.parameters)
        recipients = self.recipients(context, given)
        if not recipients:
            return self.without_recipients(context)
        unsent = send(
            recipients,
            render(given[self.title], context.variables),
            render(given["body"], context.variables),
        )
        for one in unsent:
            context.warning(
                "The e-mail to %(who)s could not be sent: %(error)s",
                who=one.address,
                error=one.error,
            )
        sent = len(recipients) - len(unsent)
        context.info("The message was sent to %(count)s.", count=sent)
        return Done(count=sent, rejected=len(unsent))

    def without_recipients(self, context: Context) -> Result:
        """Decide what happens when nobody has an address."""
        raise NotImplementedError(self.name)


@register
class Alert(Message):
    """Tells the supervisors, or others, something; nobody has to answer (alert.md)."""

    name = "alert"
    label = gettext_lazy("Alert")
    help_text = gettext_lazy("Tells operators something by e-mail, without an answer.")
    icon = "bell"
    title = "title"
    parameters = (
        *texts("title"),
        GroupName(
            name="group",
            label=gettext_lazy("Operator group"),
            help_text=gettext_lazy("Empty: the supervisors of the workflow."),
        ),
        OperatorName(name="operator", label=gettext_lazy("Operator")),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for one kind of assignment."""
        if parameters.get("group") and parameters.get("operator"):
            return [Fault("operator", _("Choose a group or an operator, not both."))]
        return []

    def recipients(self, context: Context, given: Mapping[str, Any]) -> list[str]:
        """Return the group's or operator's addresses, else the supervisors'."""
        if given["group"]:
            return members_of(given["group"])
        if given["operator"]:
            return _addresses(username=given["operator"])
        return _addresses(groups__supervises=context.workflow_id)

    def without_recipients(self, context: Context) -> Result:
        """Warn; a missing address is no error (our choice)."""
        context.warning("No assignee has an e-mail address; nobody was told.")
        return Done()


@register
class Mail(Message):
    """Sends an e-mail to an operator group, to addresses, or both (our choice)."""

    name = "email"
    label = gettext_lazy("E-mail")
    help_text = gettext_lazy(
        "Sends an e-mail to operators and other addresses; nobody sees the others."
    )
    icon = "mail"
    title = "subject"
    parameters = (
        GroupName(name="group", label=gettext_lazy("Operator group")),
        Values(
            name="addresses",
            label=gettext_lazy("Addresses"),
            item=Address(name="address"),
        ),
        *texts("subject"),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for somebody to write to."""
        if parameters.get("group") or parameters.get("addresses"):
            return []
        return [Fault("addresses", _("Give an address or choose an operator group."))]

    def recipients(self, context: Context, given: Mapping[str, Any]) -> list[str]:
        """Return the addresses, then those of the group's members."""
        members = members_of(given["group"]) if given["group"] else []
        return list(dict.fromkeys([*given["addresses"], *members]))

    def without_recipients(self, context: Context) -> Result:
        """Fail: nobody would get what the workflow is made to send."""
        raise ConfigurationError(
            "No active member of the group %(group)s has an e-mail address; add one"
            " or give addresses.",
            group=context.parameters.get("group") or "-",
        )
