"""Forms of access management; the services judge their values."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.console.zones import zone_choices
from campaign.access.models import Operator, Scope
from campaign.access.services import token_care


def scope_choices() -> list[tuple[str, str]]:
    """Return every scope by its word in the reader's language."""
    return [(value, f"{label} ({value})") for value, label in Scope.choices]


class GroupsField(forms.ModelMultipleChoiceField):
    """Groups as checkboxes, by name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            Group.objects.order_by("name"),
            to_field_name="name",
            required=False,
            widget=forms.CheckboxSelectMultiple,
            **options,
        )


class OperatorForm(forms.Form):
    """Name, e-mail, language and zone of an operator."""

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy(
            "Letters, digits and @ . + - _; stays as it is, since audit entries and"
            " run accounts name it."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    first_name = forms.CharField(
        label=gettext_lazy("First name"), max_length=150, required=False
    )
    last_name = forms.CharField(
        label=gettext_lazy("Last name"), max_length=150, required=False
    )
    email = forms.CharField(
        label=gettext_lazy("Email"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("Alerts of workflows go there."),
        widget=forms.EmailInput,
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        widget=forms.Select(
            attrs={"data-zones": gettext_lazy("Filter the zones"), "translate": "no"}
        ),
    )

    def __init__(self, *args: Any, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["language"].choices = [
            ("", _("As the browser asks")),
            *settings.LANGUAGES,
        ]
        fields["time_zone"].choices = zone_choices(timezone.now(), settings.TIME_ZONE)
        if is_new:
            fields["groups"] = GroupsField(label=_("Groups"))
        else:
            del fields["username"]


class GroupsForm(forms.Form):
    """The groups of an operator."""

    groups = GroupsField(label=gettext_lazy("Groups"))


class GroupForm(forms.Form):
    """A new group."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=150)


class CheckForm(forms.Form):
    """Whose rights to show."""

    operator = forms.CharField(
        label=gettext_lazy("User name"),
        widget=forms.TextInput(attrs={"list": "operators", "autocomplete": "off"}),
    )


class TokenForm(forms.Form):
    """What a token allows, and until when."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=64,
        help_text=gettext_lazy("Of the program that will use it."),
    )
    operator = forms.ModelChoiceField(
        Operator.objects.none(),
        label=gettext_lazy("Operator"),
        to_field_name="username",
        empty_label=None,
        help_text=gettext_lazy("The token never may more than this operator."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=scope_choices,
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Expires"),
        required=False,
        help_text=gettext_lazy("In your time zone. Empty: never."),
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
    )

    def __init__(
        self,
        *args: Any,
        reader: Operator,
        is_manager: bool,
        is_new: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        if not is_manager:
            fields["scopes"].choices = [
                choice
                for choice in fields["scopes"].choices
                if choice[0] != Scope.ADMIN.value
            ]
        if not is_new:
            del fields["name"], fields["operator"]
            return
        operators = Operator.objects.filter(is_active=True).order_by("username")
        if not is_manager:
            operators = operators.filter(pk=reader.pk)
        fields["operator"].queryset = operators
        fields["operator"].initial = reader.username


def scope_rows() -> list[tuple[str, str]]:
    """Return every scope with what it opens."""
    return [(value, str(token_care.MEANINGS[value])) for value in Scope.values]
