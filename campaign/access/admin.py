"""Operators, groups and tokens at ``/system/``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.access.models import ApiToken, Operator, Scope
from campaign.access.services import setup, tokens
from campaign.system.audited import AuditedAdmin


@admin.register(Operator)
class OperatorAdmin(AuditedAdmin, UserAdmin):
    """People who sign in to the console."""

    audited_fields = (
        "username",
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "user_permissions",
    )
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (gettext_lazy("Preferences"), {"fields": ("language", "time_zone", "theme")}),
    )
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save groups and rights; who loses a right loses it in the API at once."""
        super().save_related(request, form, formsets, change)
        tokens.forget_cached()

    def has_delete_permission(
        self, request: HttpRequest, obj: Operator | None = None
    ) -> bool:
        """Keep the operator admin: tokens of the environment belong to it."""
        return obj is None or obj.username != setup.ADMIN_NAME


admin.site.unregister(Group)


@admin.register(Group)
class OperatorGroupAdmin(AuditedAdmin, GroupAdmin):
    """Groups; the built-in ones keep their names."""

    audited_fields = ("name", "permissions")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Group | None = None
    ) -> tuple[str, ...]:
        """Lock the name of a built-in group."""
        return ("name",) if obj and obj.name in setup.BUILT_IN_GROUPS else ()

    def has_delete_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        """Keep the built-in groups."""
        return obj is None or obj.name not in setup.BUILT_IN_GROUPS


class TokenForm(forms.ModelForm):
    """A token without its secret, which is made when it is saved."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ApiToken
        fields = ("name", "operator", "scopes", "is_active", "expires_at")

    def clean(self) -> dict[str, Any]:
        """Reserve the name of the token that comes by the environment."""
        cleaned = super().clean() or {}
        is_new = self.instance.pk is None
        if is_new and cleaned.get("name") == tokens.ENVIRONMENT_TOKEN:
            self.add_error(
                "name", _("This name is kept for the token of the environment.")
            )
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(AuditedAdmin):
    """Tokens; a secret is shown once, right after it was made."""

    form = TokenForm
    audited_fields = ("name", "operator", "scopes", "is_active", "expires_at")
    list_display = (
        "name",
        "operator",
        "scopes",
        "is_active",
        "expires_at",
        "last_used_at",
    )
    list_filter = ("is_active",)
    search_fields = ("name", "operator__username")
    readonly_fields = ("last_used_at",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiToken | None = None
    ) -> tuple[str, ...]:
        """Fix whose token it is once it exists."""
        if obj is None:
            return ("last_used_at",)
        return ("name", "operator", "last_used_at")

    def save_model(
        self, request: HttpRequest, obj: ApiToken, form: Any, change: bool
    ) -> None:
        """Make a new token's secret and show it; a change holds at once."""
        if change:
            super().save_model(request, obj, form, change)
            tokens.forget_cached()
            return
        secret = tokens.new_secret()
        obj.digest = tokens.digest(secret)
        super().save_model(request, obj, form, change)
        messages.warning(
            request,
            _("Token of %(name)s, shown only now: %(secret)s")
            % {"name": obj.name, "secret": secret},
        )

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete a token; it ends at once."""
        super().delete_model(request, obj)
        tokens.forget_cached()
