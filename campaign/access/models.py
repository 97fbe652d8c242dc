"""People and programs that may sign in, and what they may do."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Operator(AbstractUser):
    """A person who uses the console (access-management pages)."""

    language = models.CharField(_("Language"), max_length=8, blank=True)
    time_zone = models.CharField(_("Time zone"), max_length=64, blank=True)
    theme = models.CharField(_("Theme"), max_length=8, blank=True)
    #: density, columns of lists, steps of the tour: what the console remembers.
    preferences = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")

    def __str__(self) -> str:
        return self.username


class Scope(models.TextChoices):
    """What an API token allows."""

    ADMIN = "admin", _("Administrator rights")
    EVENT_PUSH = "event:push", _("Push events")
    EVENT_READ = "event:read", _("Read events")
    WORKFLOW_READ = "workflow:read", _("Read workflows")
    WORKFLOW_EXECUTE = "workflow:execute", _("Command workflows")
    WORKFLOW_SIGNAL = "workflow:signal", _("Trigger signals")


class ApiToken(models.Model):
    """A bearer token; only its SHA-256 is kept."""

    name = models.CharField(_("Name"), max_length=64, unique=True)
    operator = models.ForeignKey(
        Operator, on_delete=models.CASCADE, related_name="api_tokens"
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("Scopes"), default=list)
    is_active = models.BooleanField(_("Active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("Expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
