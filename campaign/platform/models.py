"""Options, external accounts and enumerations, shared by every package."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
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
    # What follows speaks of options that an administrator added: no code declares
    # them. A row that neither is custom nor declared is the pointer of a workflow.
    is_custom = models.BooleanField(default=False, editable=False)
    label = models.CharField(_("Label"), max_length=255, blank=True, editable=False)
    is_secret = models.BooleanField(default=False, editable=False)
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

    def get_absolute_url(self) -> str:
        """Return the page of the option."""
        return reverse("platform:option_detail", args=[self.name])


class ExternalAccount(models.Model):
    """A server that the product talks to; its secrets are stored encrypted."""

    class Type(models.TextChoices):
        ROUTING = "routing", _("Routing")
        WEBHOOK = "webhook", _("Webhook")
        HTTP = "http", _("HTTP")

    internal_name = models.CharField(_("Internal name"), max_length=64, unique=True)
    label = models.CharField(_("Label"), max_length=128)
    type = models.CharField(_("Type"), max_length=24, choices=Type)
    enabled = models.BooleanField(_("Enabled"), default=True)
    config = models.JSONField(
        _("Settings"),
        default=dict,
        blank=True,
        help_text=_(
            "For routing: host, port, security (none, starttls, tls), user. For a"
            " webhook: url, and kinds, a list that says which notifications are"
            " posted; without it all are. For HTTP: host, the only one that gets the"
            " secret, and user; without a user the secret is a bearer token."
        ),
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

    def get_absolute_url(self) -> str:
        """Return the page of the account."""
        return reverse("platform:account_detail", args=[self.internal_name])


class WebhookDelivery(models.Model):
    """One notification on its way to one webhook, with what became of it.

    ``round`` is how often the thing had happened when it was told. ``next_at`` is when
    it is posted, empty when that is over.
    """

    account = models.ForeignKey(
        ExternalAccount, on_delete=models.CASCADE, related_name="webhook_deliveries"
    )
    notification = models.ForeignKey(
        "workflows.Notification", on_delete=models.CASCADE, related_name="+"
    )
    round = models.PositiveIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=512, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        indexes = (
            # webhooks.post_due() asks for those that are due.
            models.Index(
                fields=("next_at",),
                name="webhook_delivery_due",
                condition=models.Q(next_at__isnull=False),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("account", "notification", "round"),
                name="webhook_delivery_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id}: {self.notification_id}/{self.round}"


class Enumeration(models.Model):
    """A list of values that fields of documents are filled from (enumerations.md)."""

    class Kind(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        SYSTEM = "system", _("System")

    internal_name = models.CharField(_("Internal name"), max_length=64, unique=True)
    label = models.CharField(_("Label"), max_length=128)
    kind = models.CharField(_("Kind"), max_length=8, choices=Kind, default=Kind.OPEN)
    cleanses_aliases = models.BooleanField(_("Alias cleansing"), default=False)

    class Meta:
        verbose_name = _("enumeration")
        verbose_name_plural = _("enumerations")
        ordering = ("internal_name",)

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        """Return the page of the enumeration."""
        return reverse("platform:enumeration_detail", args=[self.internal_name])


class EnumerationValue(models.Model):
    """One value of an enumeration; at most one of them is its default."""

    enumeration = models.ForeignKey(
        Enumeration, on_delete=models.CASCADE, related_name="values"
    )
    value = models.CharField(_("Value"), max_length=128)
    label = models.CharField(_("Label"), max_length=128)
    order = models.PositiveIntegerField(_("Order"), default=0)
    is_default = models.BooleanField(_("Default"), default=False)

    class Meta:
        default_permissions = ()
        ordering = ("order", "value")
        constraints = (
            models.UniqueConstraint(
                "enumeration", Lower("value"), name="enumeration_value_once"
            ),
            models.UniqueConstraint(
                fields=("enumeration",),
                condition=models.Q(is_default=True),
                name="enumeration_one_default",
            ),
        )

    def __str__(self) -> str:
        return self.label


class EnumerationAlias(models.Model):
    """A way to write a value that alias cleansing replaces by the value itself.

    Compared without regard to case and outer blanks.
    """

    enumeration = models.ForeignKey(
        Enumeration, on_delete=models.CASCADE, related_name="aliases"
    )
    value = models.ForeignKey(
        EnumerationValue, on_delete=models.CASCADE, related_name="aliases"
    )
    alias = models.CharField(_("Alias"), max_length=128)

    class Meta:
        default_permissions = ()
        ordering = ("alias",)
        constraints = (
            models.UniqueConstraint(
                "enumeration", Lower("alias"), name="enumeration_alias_once"
            ),
        )

    def __str__(self) -> str:
        return self.alias
