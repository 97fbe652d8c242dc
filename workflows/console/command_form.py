"""The parameters of a command as a form; the action judges them.

A choice that is over by now is not refused here: the action refuses it, and the
ledger tells so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from workflows.actions.command_parameters import (
    PARAMETERS,
    allowed_grades,
    given_parameters,
)
from workflows.actions.effects import GRADES
from workflows.models import CommandName, Substate, Task, TaskStatus, Workflow

Choices = list[tuple[Any, str]]
#: In so many of the last tasks the activities to restart from are looked for.
LOOKED_AT = 500
GRADE_LABELS = {
    "ask": _("Ask: it ends at its next checkpoint"),
    "sql": _("Cancel its SQL"),
    "force": _("Force: it fails at once, what its worker still brings is refused"),
}


class OpenChoice(forms.MultipleChoiceField):
    """Several values, of which the offered ones are a help only."""

    def valid_value(self, value: Any) -> bool:
        """Return True: the action judges."""
        return True


class CommandForm(forms.Form):
    """What goes with one command of one workflow, as this operator may give it."""

    def __init__(
        self, workflow: Workflow, name: CommandName, data: QueryDict, operator: Any
    ) -> None:
        self._workflow, self._operator = workflow, operator
        self.command = name
        self.labels = _labels(workflow)
        #: Why there is nothing to choose from, or "".
        self.nothing = ""
        made = {key: _FIELDS[key](self) for key in PARAMETERS[name]}
        self._given: QueryDict = data.copy()
        super().__init__(self._given)
        self.fields.update(made)

    def suggest(self) -> None:
        """Fill in what is most likely meant; what was chosen stays."""
        if "task" in self.fields and len(self.running) == 1:
            self._given.setdefault("task", str(self.running[0][0]))
        if "grade" in self.fields:
            self._given.setdefault("grade", "ask")

    @property
    def running(self) -> Choices:
        """Return the tasks that run, the oldest first. One query, once."""
        if not hasattr(self, "_running"):
            found = _active(self._workflow, Substate.RUNNING)
            self._running: Choices = [
                (task.pk, f"{self.label(task.activity)} ({task.pk})") for task in found
            ]
            if not found:
                self.nothing = translate("No task runs now.")
        return self._running

    def label(self, activity: str) -> str:
        """Return the label of an activity, or its name."""
        return self.labels.get(activity) or activity

    def pending(self) -> Choices:
        """Return the activities whose task waits for its time. One query."""
        names = {t.activity for t in _active(self._workflow, Substate.PENDING)}
        every = ("", translate("All pending tasks"))
        return [every, *((name, self.label(name)) for name in sorted(names))]

    def ended(self) -> Choices:
        """Return the activities that a run can begin at, again. One query."""
        newest = (
            Task.objects.filter(workflow=self._workflow)
            .exclude(status=TaskStatus.ACTIVE)
            .filter(run__isnull=False)
            .order_by("-pk")
            .values_list("activity", flat=True)[:LOOKED_AT]
        )
        known = [name for name in dict.fromkeys(newest) if name in self.labels]
        if not known:
            self.nothing = translate("No activity has an ended task yet.")
        return [(name, self.label(name)) for name in known]

    def grades(self) -> Choices:
        """Return the ways of ending a task that this operator has."""
        may = allowed_grades(self._workflow, self._operator)
        return [(g, str(GRADE_LABELS[g])) for g in GRADES if g in may]

    def clean_variables(self) -> dict[str, Any]:
        """Return the variables; a list or a number is none."""
        text = self.cleaned_data["variables"].strip()
        try:
            given = json.loads(text) if text else {}
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise ValidationError(translate("Give a JSON object of names and values."))
        return given

    def clean_tasks(self) -> list[int]:
        """Return the numbers of tasks."""
        given = self.cleaned_data["tasks"]
        if not all(number.isdecimal() for number in given):
            raise ValidationError(translate("Give the numbers of tasks."))
        return [int(number) for number in given]

    def parameters(self) -> dict[str, Any]:
        """Return what was given, as the ledger keeps it; the form is valid."""
        return given_parameters(self.command, self.cleaned_data)

    def faults(self) -> list[str]:
        """Return every fault in words, with its field."""
        return [
            f"{self.fields[name].label}: {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
        ]


def _labels(workflow: Workflow) -> dict[str, str]:
    structure = workflow.structure
    return {
        activity["name"]: translate(activity.get("label") or activity["name"])
        for activity in (structure.activities if structure else ())
    }


def _active(workflow: Workflow, substate: Substate) -> list[Task]:
    return list(
        workflow.tasks.filter(status=TaskStatus.ACTIVE, substate=substate)
        .defer("variables", "traceback")
        .order_by("pk")[:100]
    )


def instant_field(label: Any, help_text: Any) -> forms.DateTimeField:
    """Return an optional instant, typed in the reader's time zone."""
    return forms.DateTimeField(
        required=False,
        label=label,
        help_text=help_text,
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )


def _instant(label: Any) -> forms.DateTimeField:
    zone = {"zone": timezone.get_current_timezone_name()}
    return instant_field(label, translate("In the time zone %(zone)s.") % zone)


def _flag(label: Any) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label)


_FIELDS: Mapping[str, Callable[[CommandForm], forms.Field]] = {
    "variables": lambda form: forms.CharField(
        required=False,
        label=_("Parameters"),
        help_text=_('Variables of the instance, such as {"day": "2026-01-05"}.'),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    ),
    "clear_variables": lambda form: _flag(
        _("Begin without the variables of the instance")
    ),
    "same_user": lambda form: _flag(_("Keep the account of the last start")),
    "until": lambda form: _instant(_("Paused until")),
    "remind_at": lambda form: _instant(_("Reminder")),
    "activity": lambda form: forms.CharField(
        required=False, label=_("Activity"), widget=forms.Select(choices=form.pending())
    ),
    "activities": lambda form: OpenChoice(
        required=False,
        label=_("Begin at"),
        choices=form.ended(),
        widget=forms.CheckboxSelectMultiple,
    ),
    "tasks": lambda form: OpenChoice(
        required=False, label=_("Tasks"), widget=forms.MultipleHiddenInput
    ),
    "task": lambda form: forms.IntegerField(
        required=False,
        label=_("Task"),
        widget=forms.Select(choices=[("", "—"), *form.running]),
    ),
    "grade": lambda form: forms.CharField(
        required=False,
        label=_("How"),
        widget=forms.RadioSelect(choices=form.grades()),
    ),
}
