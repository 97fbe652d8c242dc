"""Forms of the configuration pages; the services judge their values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaign.platform.models import Enumeration, ExternalAccount, Option
from campaign.platform.services import account_types, options
from campaign.platform.services.account_types import AccountType, FieldKind, Setting

_NO_FILL = {"autocomplete": "off", "spellcheck": "false"}


def written(option: options.DeclaredOption[Any], value: Any) -> str:
    """Return a value as a person would write it; a secret one stays unsaid."""
    if option.is_secret:
        return ""
    return shown(option, value)


def shown(option: options.DeclaredOption[Any], value: Any) -> str:
    """Return a value as text; that of a secret option masked."""
    if option.is_secret:
        return options.MASK if value else ""
    if option.data_type == Option.DataType.JSON:
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value)


class ValueForm(forms.Form):
    """The value of one option."""

    value = forms.CharField(
        label=_("Value"), required=False, strip=False, max_length=100_000
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=512,
        help_text=_("Optional; kept in the audit trail."),
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, option: options.DeclaredOption[Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["value"]
        field.widget.attrs.update(_NO_FILL)
        if option.is_secret:
            field.widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        elif option.data_type == Option.DataType.JSON:
            field.widget = forms.Textarea(
                attrs={"class": "code", "rows": 5, "spellcheck": "false"}
            )
        elif option.data_type == Option.DataType.INTEGER:
            field.widget.attrs["inputmode"] = "numeric"
        if option.data_type == Option.DataType.DURATION:
            field.help_text = _("Seconds, or written like 1h30m.")


class CustomOptionForm(forms.Form):
    """A new custom option."""

    name = forms.CharField(
        label=_("Internal name"),
        max_length=64,
        help_text=_("Letters, digits and _; stays as it is."),
        widget=forms.TextInput(attrs=_NO_FILL),
    )
    label = forms.CharField(label=_("Label"), max_length=255)
    data_type = forms.ChoiceField(label=_("Type"), choices=Option.DataType.choices)
    value = forms.CharField(
        label=_("Value"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "code"}),
    )
    is_secret = forms.BooleanField(
        label=_("Never show the value"),
        required=False,
        help_text=_("Passwords belong in external accounts, which are encrypted."),
    )


class AccountForm(forms.Form):
    """An external account, its fields made from what its type declares."""

    internal_name = forms.CharField(
        label=_("Internal name"),
        max_length=64,
        help_text=_("Letters, digits, - and _; stays as it is."),
        widget=forms.TextInput(attrs=_NO_FILL),
    )
    label = forms.CharField(label=_("Label"), max_length=128)
    enabled = forms.BooleanField(label=_("Enabled"), required=False, initial=True)

    def __init__(
        self,
        *args: Any,
        account_type: AccountType,
        account: ExternalAccount | None = None,
        **kwargs: Any,
    ) -> None:
        self.account_type = account_type
        if account is not None:
            config = account.config if isinstance(account.config, dict) else {}
            kwargs["initial"] = {
                **config,
                "label": account.label,
                "enabled": account.enabled,
            }
        super().__init__(*args, **kwargs)
        if account is not None:
            del self.fields["internal_name"]
        for setting in account_type.settings:
            self.fields[setting.name] = _field(setting)
        has_secret = bool(account and account.secrets)
        secret = forms.CharField(
            label=str(account_type.secret_label),
            required=False,
            strip=False,
            max_length=4096,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            help_text=(
                _("Set. Leave it empty to keep it; it is never shown.")
                if has_secret
                else str(account_type.secret_help) or _("Not set.")
            ),
        )
        self.fields["secret"] = secret
        if has_secret:
            self.fields["remove_secret"] = forms.BooleanField(
                label=_("Remove the stored secret"), required=False
            )
        self.order_fields(
            [
                "internal_name",
                "label",
                *(setting.name for setting in account_type.settings),
                "secret",
                "remove_secret",
                "enabled",
            ]
        )

    def config(self) -> dict[str, Any]:
        """Return the settings as the service takes them."""
        given = {
            setting.name: self.cleaned_data.get(setting.name)
            for setting in self.account_type.settings
        }
        # "None" is what counts without a choice: the default relay has no settings.
        if not given.get("host") and given.get("security") == "none":
            del given["security"]
        return account_types.cleaned(self.account_type.type, given)

    def secret(self) -> str | None:
        """Return the new secret, "" to remove the stored one, None to keep it."""
        if self.cleaned_data.get("remove_secret"):
            return ""
        return self.cleaned_data.get("secret") or None


def _field(setting: Setting) -> forms.Field:
    common: Mapping[str, Any] = {
        "label": setting.label,
        "required": False,
        "help_text": setting.help_text,
    }
    match setting.kind:
        case FieldKind.PORT:
            return forms.IntegerField(**common)
        case FieldKind.CHOICE:
            return forms.ChoiceField(choices=setting.choices, **common)
        case FieldKind.CHOICES:
            return forms.MultipleChoiceField(
                choices=setting.choices,
                widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
                **common,
            )
        case _:
            return forms.CharField(
                widget=forms.TextInput(attrs=_NO_FILL), max_length=1024, **common
            )


class EnumerationForm(forms.Form):
    """The head of an enumeration."""

    internal_name = forms.CharField(
        label=_("Internal name"),
        max_length=64,
        help_text=_("Letters, digits and _; stays as it is."),
        widget=forms.TextInput(attrs=_NO_FILL),
    )
    label = forms.CharField(label=_("Label"), max_length=128)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[pair for pair in Enumeration.Kind.choices if pair[0] != "system"],
        help_text=_("Open: fields may take further values. Closed: these only."),
    )
    cleanses_aliases = forms.BooleanField(
        label=_("Alias cleansing"),
        required=False,
        help_text=_("Aliases are kept, for values to be replaced by."),
    )

    def __init__(
        self, *args: Any, enumeration: Enumeration | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if enumeration is not None:
            del self.fields["internal_name"]


class EnumerationValueForm(forms.Form):
    """One value of an enumeration."""

    value = forms.CharField(label=_("Value"), max_length=128)
    label = forms.CharField(
        label=_("Label"),
        max_length=128,
        required=False,
        help_text=_("Empty: the value itself."),
    )
    order = forms.IntegerField(label=_("Order"), required=False, min_value=0)
    is_default = forms.BooleanField(label=_("Default"), required=False)


class AliasForm(forms.Form):
    """One alias and the value that it stands for."""

    alias = forms.CharField(label=_("Alias"), max_length=128)
    value = forms.ChoiceField(label=_("Stands for"))

    def __init__(
        self, *args: Any, values: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["value"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (for the types)
        field.choices = values
