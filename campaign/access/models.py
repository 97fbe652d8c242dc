"""People and programs that may sign in, and what they may do."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Operator(AbstractUser):
    """A person who uses the console (access-management pages)."""

    language = models.CharField(_("Language"), max_length=8, blank=True)
    time_zone = models.CharField(_("Time zone"), max_length=64, blank=True)
    theme = models.CharField(_("Theme"), max_length=8, blank=True)
    #: density, columns of lists, steps of the tour: what the console remembers.
    preferences = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        default_permissions = ()
        permissions = (
            ("manage", _("Manage operators, groups and tokens")),
            ("own_token", _("Have API tokens of one's own")),
        )
        verbose_name = _("operator")
        verbose_name_plural = _("operators")

    def __str__(self) -> str:
        return self.username

    def get_absolute_url(self) -> str:
        """Return the address of the operator's page."""
        return reverse("access:operator_detail", args=[self.pk])


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
        default_permissions = ()
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the token's page."""
        return reverse("access:token_detail", args=[self.pk])


class SecondFactor(models.Model):
    """The authenticator of an operator; counts once ``confirmed_at`` is set."""

    operator = models.OneToOneField(
        Operator, on_delete=models.CASCADE, related_name="second_factor"
    )
    #: Encrypted with CAMPAIGN_SECRETS_KEY.
    secret = models.TextField(editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    #: The 30-second step of the last code taken: no code is taken twice.
    last_step = models.BigIntegerField(default=0)
    #: SHA-256 of the recovery codes that are left.
    recovery_digests = models.JSONField(default=list, editable=False)
    failures = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.operator_id)


class OperatorSession(models.Model):
    """What is known of a session beside its cookie: since when, from where."""

    operator = models.ForeignKey(
        Operator, on_delete=models.CASCADE, related_name="console_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True, blank=True)
    browser = models.CharField(max_length=256, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-last_seen_at", "-id")

    def __str__(self) -> str:
        return f"{self.operator_id} {self.started_at:%Y-%m-%d %H:%M}"
