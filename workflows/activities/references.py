"""Kinds of parameters that name something kept elsewhere.

Form is judged at once; whether the thing exists, :meth:`Reference.missing` asks the
database, because that may change after a structure was saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from workflows import conf
from workflows.activities.kinds import Text
from workflows.models import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Text):
    """The name of something that has to exist when the activity is executed."""

    longest: int = 150

    def missing(self, name: str) -> str:
        """Return what to say when nothing has that name, else "". One query."""
        raise NotImplementedError(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowName(Reference):
    """The internal name of a workflow."""

    longest: int = 64
    kind: ClassVar[str] = "workflow"

    def missing(self, name: str) -> str:
        if Workflow.objects.visible().filter(internal_name=name).exists():
            return ""
        return _("There is no workflow %(name)s; choose another one.") % {"name": name}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupName(Reference):
    """The name of an operator group."""

    kind: ClassVar[str] = "group"

    def missing(self, name: str) -> str:
        if Group.objects.filter(name=name).exists():
            return ""
        return _("There is no operator group %(name)s; choose another one.") % {
            "name": name
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorName(Reference):
    """The name of an operator."""

    kind: ClassVar[str] = "operator"

    def missing(self, name: str) -> str:
        operators = get_user_model().objects.filter(username=name, is_active=True)
        if operators.exists():
            return ""
        return _("There is no active operator %(name)s; choose another one.") % {
            "name": name
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef(Reference):
    """The name of an external account; its secrets are read when they are needed."""

    longest: int = 64
    kind: ClassVar[str] = "external_account"

    def missing(self, name: str) -> str:
        if conf.account(name) is not None:
            return ""
        return _(
            "There is no enabled external account %(name)s of the type HTTP; make it"
            " or choose another one."
        ) % {"name": name}
