"""The forms that make, copy and import whole workflows; the actions judge."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: A structure of a hundred activities is a tenth of it.
LARGEST = 1_000_000
_NAME_HELP = gettext_lazy(
    "Up to 64 letters, digits and _, beginning with a letter. It cannot be changed"
    " later: logs, the API and other workflows call it by this name."
)


def _name(label: Any, help_text: Any = _NAME_HELP, *, required: bool) -> Any:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _label(help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Label"),
        help_text=help_text,
        required=False,
        max_length=128,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CreateForm(forms.Form):
    """Name and label of a workflow to be made."""

    internal_name = _name(gettext_lazy("Internal name"), required=True)
    label = _label(gettext_lazy("What lists and mails call it."))


class DuplicateForm(forms.Form):
    """Name and label of a copy."""

    new_name = _name(gettext_lazy("Internal name of the copy"), required=True)
    label = _label(gettext_lazy("Empty: “Copy of …”."))


class ImportForm(forms.Form):
    """A document, as a file or as text, and what becomes of a workflow of its name.

    The text keeps the document between preview and import; a file wins over it.
    """

    # Places of the document whose faults belong to the field that holds it.
    aliases = {"internal_name": "internal_name"}

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A workflow that was exported here or elsewhere."),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Or the document itself"),
        required=False,
        max_length=LARGEST,
        widget=forms.Textarea(
            attrs={"rows": 8, "class": "code", "spellcheck": "false"}
        ),
    )
    internal_name = _name(
        gettext_lazy("Internal name"),
        gettext_lazy("Empty: the name in the document."),
        required=False,
    )
    is_new_version = forms.BooleanField(
        label=gettext_lazy(
            "If there is a workflow of this name, give it a new version"
        ),
        required=False,
    )
    cancels = forms.BooleanField(
        label=gettext_lazy("Cancel live tasks of activities that are removed"),
        required=False,
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        help_text=gettext_lazy("Kept with the version."),
        required=False,
        max_length=512,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Read the document; the file's text is kept for the next step."""
        data = super().clean() or {}
        uploaded, field = data.get("file"), "text"
        text = data.get("text", "")
        if uploaded is not None:
            field = "file"
            if uploaded.size > LARGEST:
                self.add_error(field, _("The file is larger than 1 MB."))
                return data
            text = _decoded(uploaded.read())
        if not text.strip():
            if field not in self.errors:
                self.add_error("file", _("Choose a file, or paste the document."))
            return data
        try:
            data["document"] = json.loads(text)
        except ValueError as error:
            self.add_error(
                field, _("It cannot be read as JSON: %(error)s") % {"error": error}
            )
        data["text"] = text
        return data

    def order(self) -> dict[str, Any]:
        """Return what the action takes of the form."""
        data = self.cleaned_data
        return {
            "internal_name": data["internal_name"],
            "document": data["document"],
            "if_exists": "new_version" if data["is_new_version"] else "refuse",
            "removed_tasks": "cancel" if data["cancels"] else "refuse",
            "comment": data["comment"].strip(),
        }


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError({"file": _("Save the file as UTF-8.")}) from error
