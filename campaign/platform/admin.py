"""Options and external accounts at ``/system/``."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform.models import ExternalAccount, Option
from campaign.platform.services import accounts, options, webhooks
from campaign.system.audited import AuditedAdmin
from workflows.exceptions import InvalidInput
from workflows.models import Source


class OptionForm(forms.ModelForm):
    """An option as text; a duration may be written like ``1h30m``."""

    name = forms.ChoiceField(label=gettext_lazy("Internal name"))
    value = forms.CharField(
        label=gettext_lazy("Value"), widget=forms.Textarea(attrs={"rows": 3})
    )

    class Meta:
        model = Option
        fields = ("name", "value")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields.get("name")
        if isinstance(name, forms.ChoiceField):
            changed = set(Option.objects.values_list("name", flat=True))
            name.choices = [
                (known, f"{known} ({option.default})")
                for known, option in options.declared().items()
                if known not in changed
            ]
        elif self.instance.data_type != Option.DataType.TEXT:
            self.initial["value"] = json.dumps(self.instance.value)

    def clean(self) -> dict[str, Any]:
        """Read the text by the option's type."""
        cleaned = super().clean() or {}
        name = cleaned.get("name") or self.instance.name
        if not name or "value" not in cleaned:
            return cleaned
        option = options.find(name)
        try:
            value = options.read_text(option, cleaned["value"])
        except InvalidInput as error:
            self.add_error("value", error.faults[0].message)
            return cleaned
        fault = options.check_value(option, value)
        if fault is not None:
            self.add_error("value", fault.message)
        return {**cleaned, "value": value}


@admin.register(Option)
class OptionAdmin(admin.ModelAdmin):
    """Options whose value differs from the default; add one to change it.

    Deleting goes back to the default. Pointers of workflows are shown, not changed.
    """

    form = OptionForm
    list_display = ("name", "value", "default", "modified_by", "modified_at")
    search_fields = ("name",)

    @admin.display(description=gettext_lazy("Default"))
    def default(self, option: Option) -> str:
        """Return what counts without a change."""
        declared = options.declared().get(option.name)
        return _("Pointer of a workflow") if declared is None else str(declared.default)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Option | None = None
    ) -> tuple[str, ...]:
        """Fix the name of an existing option."""
        return ("name",) if obj else ()

    def has_change_permission(
        self, request: HttpRequest, obj: Option | None = None
    ) -> bool:
        """Refuse to change a pointer."""
        return obj is None or obj.name in options.declared()

    def has_delete_permission(
        self, request: HttpRequest, obj: Option | None = None
    ) -> bool:
        """Refuse to delete a pointer: its workflow would begin again."""
        return obj is None or obj.name in options.declared()

    def save_model(
        self, request: HttpRequest, obj: Option, form: Any, change: bool
    ) -> None:
        """Change the option as everyone else does, with its audit entry."""
        self._set(request, obj.name, form.cleaned_data["value"])
        present = Option.objects.filter(name=obj.name).first()
        obj.pk = present.pk if present else obj.pk or 0

    def delete_model(self, request: HttpRequest, obj: Option) -> None:
        """Go back to the default."""
        self._set(request, obj.name, None)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Go back to the defaults, leaving pointers alone."""
        for option in queryset:
            if option.name in options.declared():
                self._set(request, option.name, None)

    def _set(self, request: HttpRequest, name: str, value: Any) -> None:
        options.set_value(
            name=name,
            value=value,
            acting_operator=request.user,  # type: ignore[arg-type]
            source=Source.CONSOLE,
            at=timezone.now(),
        )


class ExternalAccountForm(forms.ModelForm):
    """An account; its password or secret goes in and never comes out."""

    password = forms.CharField(
        label=gettext_lazy("Password or secret"),
        required=False,
        widget=forms.PasswordInput(render_value=False),
        help_text=gettext_lazy(
            "Empty: the stored one stays. A webhook signs with its secret."
        ),
    )

    class Meta:
        model = ExternalAccount
        fields = ("internal_name", "label", "type", "enabled", "config")

    def clean(self) -> dict[str, Any]:
        """Judge the settings of a webhook."""
        cleaned = super().clean() or {}
        if cleaned.get("type") == ExternalAccount.Type.WEBHOOK:
            has_secret = bool(cleaned.get("password") or self.instance.secrets)
            for fault in webhooks.faults(cleaned.get("config"), has_secret=has_secret):
                field = "password" if fault.field == "secret" else "config"
                self.add_error(field, fault.message)
        return cleaned


@admin.register(ExternalAccount)
class ExternalAccountAdmin(AuditedAdmin):
    """Servers that the product talks to."""

    form = ExternalAccountForm
    audited_fields = ("internal_name", "label", "type", "enabled", "config")
    list_display = (
        "internal_name",
        "label",
        "type",
        "enabled",
        "last_check_status",
        "last_check_at",
        "last_error",
    )
    search_fields = ("internal_name", "label")

    def save_model(
        self, request: HttpRequest, obj: ExternalAccount, form: Any, change: bool
    ) -> None:
        """Seal the password when one was given."""
        if password := form.cleaned_data.get("password"):
            name = accounts.secret_name(obj)
            obj.secrets = accounts.seal(
                {**(accounts.unseal(obj) if obj.pk else {}), name: password}
            )
        super().save_model(request, obj, form, change)

    def has_delete_permission(
        self, request: HttpRequest, obj: ExternalAccount | None = None
    ) -> bool:
        """Keep the account by which deliveries are routed."""
        return obj is None or obj.internal_name != accounts.DEFAULT_ROUTING
