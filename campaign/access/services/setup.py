"""What an instance needs before anybody signs in: groups and the first operator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from campaign.access.models import Operator
from campaign.access.services.tokens import ensure_environment_token
from workflows import audit
from workflows.models import Source

__all__ = [
    "ADMINISTRATORS",
    "ADMIN_NAME",
    "BUILT_IN_GROUPS",
    "STANDARD_USERS",
    "WORKFLOW_EXECUTION",
    "WORKFLOW_SUPERVISORS",
    "FirstPassword",
    "change_password",
    "ensure_admin",
    "ensure_environment_token",
    "ensure_groups",
    "new_password",
    "permissions_of_group",
]

ADMIN_NAME = "admin"
ADMINISTRATORS = "Administrators"
WORKFLOW_SUPERVISORS = "Workflow supervisors"
WORKFLOW_EXECUTION = "Workflow execution"
STANDARD_USERS = "Standard Users"

APPS = ("access", "platform", "packages", "deliveries", "messagecenter", "workflows")
_READ = (
    "workflows.view",
    "deliveries.view_delivery",
    "deliveries.view_broadlog",
    "messagecenter.view_eventtype",
    "messagecenter.view_messagetemplate",
    "messagecenter.view_rtevent",
    "messagecenter.view_batchevent",
)
_RIGHTS: dict[str, tuple[str, ...]] = {
    WORKFLOW_SUPERVISORS: (
        *_READ,
        "workflows.execute",
        "workflows.operate_technical",
        "deliveries.operate_delivery",
        "messagecenter.process_again",
        "access.own_token",
    ),
    WORKFLOW_EXECUTION: (*_READ, "workflows.execute", "workflows.answer"),
    STANDARD_USERS: _READ,
}
BUILT_IN_GROUPS = (ADMINISTRATORS, *_RIGHTS)


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """The operator ``admin``; ``generated`` is a password to be shown once."""

    operator: Operator
    generated: str = ""


def ensure_groups(using: str = "default") -> None:
    """Make the built-in groups with at least their rights; safe to run again.

    What an administrator added to a group stays. Called after every migrate.
    """
    for label in APPS:
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    with transaction.atomic(using=using):
        for name in BUILT_IN_GROUPS:
            group, _created = Group.objects.using(using).get_or_create(name=name)
            group.permissions.add(*permissions_of_group(name, using=using))


def permissions_of_group(name: str, *, using: str = "default") -> Iterable[Permission]:
    """Return the rights that a built-in group has from the start."""
    known = Permission.objects.using(using).filter(content_type__app_label__in=APPS)
    if name == ADMINISTRATORS:
        return known
    wanted = _RIGHTS[name]
    return [
        permission
        for permission in known.select_related("content_type")
        if f"{permission.content_type.app_label}.{permission.codename}" in wanted
    ]


def ensure_admin(password: str = "") -> FirstPassword:
    """Make the operator ``admin``, and give it ``password`` when one is passed.

    A password that is set already is not set again, so sessions live on. Without
    a password a new operator gets a random one, which is returned, and an
    existing one keeps its own.
    """
    with transaction.atomic():
        operator, created = Operator.objects.select_for_update().get_or_create(
            username=ADMIN_NAME, defaults={"is_staff": True, "is_superuser": True}
        )
        generated = new_password() if created and not password else ""
        wanted = password or generated
        if wanted and (created or not operator.check_password(wanted)):
            operator.set_password(wanted)
            operator.save(update_fields=["password"])
        if created:
            operator.groups.add(*Group.objects.filter(name=ADMINISTRATORS))
    return FirstPassword(operator, generated)


def change_password(
    *,
    operator: Operator,
    password: str,
    acting_operator: Operator | None,
    source: Source,
    at: datetime,
) -> None:
    """Set a password that the caller has validated; sessions of the operator end."""
    with transaction.atomic():
        operator.set_password(password)
        operator.save(update_fields=["password"])
        audit.record(
            action="access.operator.password_changed",
            object_type="access.operator",
            object_id=str(operator.pk),
            object_label=operator.username,
            acting_operator=acting_operator,
            source=source,
            at=at,
        )


def new_password() -> str:
    """Return a random password that passes every validator."""
    return secrets.token_urlsafe(15)
