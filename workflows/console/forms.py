"""The forms of properties and schedule; they translate, the actions judge."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from workflows.exceptions import Fault
from workflows.models import Workflow
from workflows.registry import catalogue_entry

#: What the page has a place for; the API changes the rest.
SHOWN = (
    "own_label",
    "description",
    "owner",
    "runbook",
    "on_error",
    "supervisors",
    "severity",
    "history_days",
    "error_policy",
    "time_zone",
)


@cache
def zone_names() -> tuple[str, ...]:
    """Return the names of the tz database that a person may choose."""
    return tuple(
        sorted(n for n in zoneinfo.available_timezones() if "/" in n or n == "UTC")
    )


def add_faults(form: forms.BaseForm, faults: Iterable[Fault]) -> None:
    """Show each fault at its field, or above the form when it has none there."""
    aliases = getattr(form, "aliases", {})
    for fault in faults:
        name = fault.field.split(".")[0].split("[")[0]
        name = aliases.get(name, name)
        if name in form.fields:
            form.add_error(name, fault.message)
        else:
            form.add_error(None, f"{fault.field}: {fault.message}")


if TYPE_CHECKING:
    _WorkflowForm = forms.ModelForm[Workflow]
else:
    _WorkflowForm = forms.ModelForm


class PropertiesForm(_WorkflowForm):
    """What an administrator may change of a workflow (workflow-properties.md)."""

    supervisors = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        required=False,
        label=_("Supervisors"),
        help_text=_("Members with an address get a mail when the workflow fails."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Workflow
        fields = SHOWN
        help_texts = {
            "history_days": _(
                "Older runs, tasks and log lines are deleted daily; 0 keeps them for"
                " ever, and the database grows."
            ),
            "severity": _(
                "From Production on, the label stands out in lists and long pauses"
                " are never ended by themselves."
            ),
            "error_policy": _(
                "Stop the process pauses the workflow until a person acts; Ignore ends"
                " the branch and goes on."
            ),
            "own_label": _("Empty: the built-in label in the reader's language."),
            "time_zone": _("Name of the tz database; empty: the zone of the server."),
        }
        widgets = {
            "own_label": forms.TextInput,
            "description": forms.Textarea(attrs={"rows": 3}),
            "on_error": forms.Textarea(attrs={"rows": 4}),
            "time_zone": forms.TextInput(attrs={"list": "zones"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entry = catalogue_entry(self.instance.internal_name)
        if entry is not None:
            self.fields["own_label"].widget.attrs["placeholder"] = entry.label()

    def values(self) -> dict[str, Any]:
        """Return the changed values only, as the action wants them."""
        data = self.cleaned_data
        return {
            name: list(data[name]) if name == "supervisors" else data[name]
            for name in self.changed_data
            if name in SHOWN
        }

    def _post_clean(self) -> None:
        """Leave the instance alone: the action writes, under its lock."""
