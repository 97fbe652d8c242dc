"""Admin pages whose changes go into the audit trail like all others."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from workflows import audit
from workflows.models import Source


class AuditedAdmin(admin.ModelAdmin):
    """Records what was added, changed and deleted; values only where shown.

    ``audited_fields`` names the fields whose values may be kept: no secrets.
    """

    audited_fields: tuple[str, ...] = ()

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Remember the values before the form changes them."""
        if change:
            present = type(form.instance)._default_manager.get(pk=form.instance.pk)
            request.values_before = self._values(present)  # type: ignore[attr-defined]
        return super().save_form(request, form, change)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record a new object."""
        self._record(request, obj, "created", {})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record the fields that changed."""
        before = getattr(request, "values_before", {})
        self._record(request, obj, "changed", audit.changed(before, self._values(obj)))
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete one object and record it."""
        self._record(request, obj, "deleted", {})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete several objects and record each."""
        for obj in queryset:
            self._record(request, obj, "deleted", {})
        super().delete_queryset(request, queryset)

    def _values(self, obj: Model) -> dict[str, Any]:
        return {name: _plain(obj, name) for name in self.audited_fields}

    def _record(
        self, request: HttpRequest, obj: Model, verb: str, changes: dict[str, Any]
    ) -> None:
        label = obj._meta.label_lower
        audit.record(
            action=f"{label}.{verb}",
            object_type=label,
            object_id=str(obj.pk),
            object_label=str(obj),
            changes=changes,
            acting_operator=request.user,
            source=Source.CONSOLE,
            at=timezone.now(),
        )


def _plain(obj: Model, name: str) -> Any:
    """Return a value that JSON can hold."""
    field = obj._meta.get_field(name)
    if field.many_to_many:
        return sorted(str(related) for related in getattr(obj, name).all())
    value = getattr(obj, name)
    return str(value) if isinstance(value, Model) else value
