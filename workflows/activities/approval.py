"""Approval: a question to operators; the branch goes on with their answer."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from workflows.activities.base import ActivityType, Context, register
from workflows.activities.branching import twins
from workflows.activities.expirations import (
    EXPIRATIONS,
    Expiration,
    expirations_of,
    incomplete,
)
from workflows.activities.kinds import Boolean, LongTemplate, Name, Template, Text
from workflows.activities.records import ListOf
from workflows.activities.references import GroupName, OperatorName
from workflows.engine.conditions import render
from workflows.exceptions import ConfigurationError, Fault
from workflows.models import Approval, ApprovalReply
from workflows.registry import Again, Done, Emission, Result, Wait, WouldDo

SALT = "workflows.approval"
TITLE_LENGTH = 256


@register
class ApprovalActivity(ActivityType):
    """Asks a group or one operator and waits for an answer (approval.md).

    The first answer wins; with *several answers* each one activates its transition
    until all have answered. Answers are final. Only assignees can answer.
    """

    name = "approval"
    label = gettext_lazy("Approval")
    help_text = gettext_lazy(
        "Asks operators; the answer chooses the transition. vars.response is the"
        " comment, vars.responseOperator who answered."
    )
    icon = "list-check"
    output_lists = ("choices", "expirations")
    parameters = (
        GroupName(
            name="group",
            label=gettext_lazy("Operator group"),
            help_text=gettext_lazy("Its members may answer; at least two are advised."),
        ),
        OperatorName(
            name="operator",
            label=gettext_lazy("Operator"),
            help_text=gettext_lazy("Only this one may answer."),
        ),
        Template(name="title", label=gettext_lazy("Title"), required=True),
        LongTemplate(name="message", label=gettext_lazy("Message"), default=""),
        ListOf(
            name="choices",
            label=gettext_lazy("Choices"),
            help_text=gettext_lazy("Each has a transition; a single one is possible."),
            required=True,
            fields=(
                Name(name="name", label=gettext_lazy("Transition"), required=True),
                Text(name="label", label=gettext_lazy("Label"), required=True),
            ),
        ),
        Boolean(
            name="multiple",
            label=gettext_lazy("Several answers"),
            help_text=gettext_lazy(
                "Every assignee may answer, not the first one only."
            ),
        ),
        EXPIRATIONS,
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Ask for one assignment, names that differ, and complete expirations."""
        faults = []
        if bool(parameters.get("group")) == bool(parameters.get("operator")):
            faults.append(
                Fault("group", _("Choose an operator group, or else one operator."))
            )
        choices = parameters["choices"]
        expirations = parameters.get("expirations") or []
        faults += twins("choices", choices, taken=("error",))
        names = ("error", *(choice["name"] for choice in choices))
        faults += twins("expirations", expirations, taken=names)
        return [*faults, *incomplete(expirations)]

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return True: people are asked."""
        return True

    def can_fail_softly(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: a relay that is away is a warning, not an error."""
        return False

    def would_do(self, context: Context) -> WouldDo:
        """Count the assignees and show the question."""
        given = self.values(context.parameters)
        return WouldDo(
            len(_assignees(_group(given), _operator(given))),
            gettext_noop("“%(title)s” would be asked."),
            {"title": _title(given, context)},
        )

    def execute(self, context: Context) -> Result:
        """Ask; called again, go on with what was answered or has expired."""
        given = self.values(context.parameters)
        approval = _opened(context, given)
        expirations = expirations_of(context, given["expirations"], approval.opened_at)
        if not context.own.get("told"):
            context.own["told"] = True
            _tell(approval, context)
        with transaction.atomic():
            held = Approval.objects.select_for_update().get(pk=approval.pk)
            result = _decide(context, held, expirations)
            if isinstance(result, Done) and held.closed_at is None:
                held.closed_at = context.started_at
                held.save(update_fields=["closed_at"])
        return result


def link_token(approval: Approval, operator: Any) -> str:
    """Return what a mailed link carries: good for one question and one operator."""
    return signing.dumps(
        {"approval": approval.pk, "operator": operator.pk}, salt=SALT, compress=True
    )


def _opened(context: Context, given: Mapping[str, Any]) -> Approval:
    """Return the question of this task; title and text are of its first asking."""
    group, operator = _group(given), _operator(given)
    approval, _made = Approval.objects.get_or_create(
        task_id=context.task_id,
        defaults={
            "title": _title(given, context),
            "message": render(given["message"], context.variables),
            "choices": given["choices"],
            "group": group,
            "operator": operator,
            "is_multiple": given["multiple"],
            "opened_at": context.started_at,
        },
    )
    return approval


def _title(given: Mapping[str, Any], context: Context) -> str:
    return " ".join(render(given["title"], context.variables).split())[:TITLE_LENGTH]


def _group(given: Mapping[str, Any]) -> Group | None:
    name = given["group"]
    if not name:
        return None
    group = Group.objects.filter(name=name).first()
    if group is None:
        raise ConfigurationError(
            "There is no operator group %(name)s to ask; choose another one.", name=name
        )
    return group


def _operator(given: Mapping[str, Any]) -> Any:
    name = given["operator"]
    if not name:
        return None
    operator = get_user_model().objects.filter(username=name, is_active=True).first()
    if operator is None:
        raise ConfigurationError(
            "There is no active operator %(name)s to ask; choose another one.",
            name=name,
        )
    return operator


def _assignees(group: Group | None, operator: Any) -> list[Any]:
    """Return the active operators who may answer. One query."""
    if operator is not None:
        return [operator] if operator.is_active else []
    if group is None:
        return []
    members = get_user_model().objects.filter(groups=group, is_active=True)
    return list(members.order_by("pk"))


def _decide(
    context: Context, approval: Approval, expirations: list[Expiration]
) -> Result:
    """Return how the task goes on. The question is held: no answer comes meanwhile."""
    own = context.own
    if ending := own.get("ending"):
        return Done(output=ending["output"], variables=ending["variables"])
    taken: list[int] = own.setdefault("taken", [])
    fresh = [
        reply for reply in approval.replies.order_by("pk") if reply.pk not in taken
    ]
    taken += [reply.pk for reply in fresh]
    approval.replies.filter(pk__in=taken, taken_at=None).update(
        taken_at=context.started_at
    )
    emissions = [_emission(reply) for reply in fresh]
    if emissions and not approval.is_multiple:
        return Done(output=emissions[0].output, variables=emissions[0].variables)
    if fresh and _everybody_answered(approval):
        last = emissions.pop()
        return _ended(context, approval, last, emissions)
    if approval.closed_at is not None:
        context.info("The question was withdrawn.")
        return _ended(context, approval, Emission(""), emissions)
    return _expire(context, approval, expirations, emissions)


def _expire(
    context: Context,
    approval: Approval,
    expirations: list[Expiration],
    emissions: list[Emission],
) -> Result:
    """Take what has expired; wait for the rest, for an answer, or for both."""
    expired: list[str] = context.own.setdefault("expired", [])
    waiting = [item for item in expirations if item.name not in expired]
    for item in waiting:
        if item.at > context.started_at:
            return Wait(item.at, tuple(emissions))
        expired.append(item.name)
        context.info("The expiration %(name)s was reached.", name=item.name)
        if not item.keeps_open:
            return _ended(context, approval, Emission(item.name), emissions)
        emissions.append(Emission(item.name))
    return Wait(None, tuple(emissions))


def _ended(
    context: Context, approval: Approval, last: Emission, before: list[Emission]
) -> Result:
    """End by ``last``, in a further call when others are to be activated first."""
    if not before:
        return Done(output=last.output, variables=last.variables)
    context.own["ending"] = {"output": last.output, "variables": dict(last.variables)}
    if approval.closed_at is None:
        approval.closed_at = context.started_at
        approval.save(update_fields=["closed_at"])
    return Again(emissions=tuple(before))


def _emission(reply: ApprovalReply) -> Emission:
    return Emission(
        reply.choice,
        {"response": reply.comment, "responseOperator": str(reply.operator_id)},
    )


def _everybody_answered(approval: Approval) -> bool:
    answered = set(approval.replies.values_list("operator_id", flat=True))
    assignees = _assignees(approval.group, approval.operator)
    return all(operator.pk in answered for operator in assignees)


def _tell(approval: Approval, context: Context) -> None:
    """Mail every assignee a link of their own; nobody reached is a warning."""
    told = 0
    for operator in _assignees(approval.group, approval.operator):
        if not operator.email:
            continue
        address = (
            settings.PUBLIC_URL.rstrip("/")
            + reverse("workflows:approval", args=[approval.pk])
            + f"?key={link_token(approval, operator)}"
        )
        language = getattr(operator, "language", "") or settings.LANGUAGE_CODE
        with translation.override(language):
            body = _("%(message)s\n\nChoices: %(choices)s\nAnswer here: %(url)s\n") % {
                "message": approval.message,
                "choices": ", ".join(choice["label"] for choice in approval.choices),
                "url": address,
            }
        try:
            EmailMessage(
                approval.title, body, settings.MAIL_FROM, [operator.email]
            ).send()
        except (smtplib.SMTPException, OSError) as error:
            context.warning(
                "The e-mail to %(who)s could not be sent: %(error)s",
                who=operator.get_username(),
                error=str(error),
            )
            continue
        told += 1
    if told:
        context.info("%(count)s assignees were asked by e-mail.", count=told)
    else:
        context.warning("No assignee has an e-mail address; nobody was told.")
