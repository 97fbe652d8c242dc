"""Options and external accounts, shared by every package."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Option(models.Model):
    """A named value that steers a package (configuring-campaign-options.md)."""

    class DataType(models.TextChoices):
        TEXT = "text", _("Text")
        INTEGER = "integer", _("Integer")
        DURATION = "duration", _("Duration in seconds")
        JSON = "json", _("Document")

    name = models.CharField(_("Internal name"), max_length=128, unique=True)
    data_type = models.CharField(
        _("Type"), max_length=8, choices=DataType, default=DataType.TEXT
    )
    value = models.JSONField(_("Value"), null=True, blank=True)
    modified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("option")
        verbose_name_plural = _("options")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ExternalAccount(models.Model):
    """A server that the product talks to; its secrets are stored encrypted."""

    class Type(models.TextChoices):
        ROUTING = "routing", _("Routing")

    internal_name = models.CharField(_("Internal name"), max_length=64, unique=True)
    label = models.CharField(_("Label"), max_length=128)
    type = models.CharField(_("Type"), max_length=24, choices=Type)
    enabled = models.BooleanField(_("Enabled"), default=True)
    config = models.JSONField(
        _("Settings"),
        default=dict,
        blank=True,
        help_text=_("For routing: host, port, security (none, starttls, tls), user."),
    )
    secrets = models.TextField(blank=True, editable=False)
    last_check_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_check_status = models.CharField(max_length=16, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)

    class Meta:
        verbose_name = _("external account")
        verbose_name_plural = _("external accounts")
        ordering = ("internal_name",)

    def __str__(self) -> str:
        return self.label
