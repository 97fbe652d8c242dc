"""Event types, message templates, and the events that come in."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from campaign.deliveries.models import Channel, Delivery


class EventStatus(models.IntegerChoices):
    """Event statuses; labels per language come from the catalogue data."""

    PENDING = 0, _("Pending")
    PENDING_DELIVERY = 1, _("Pending delivery")
    SENT = 2, _("Sent")
    IGNORED = 3, _("Ignored by the delivery")
    DELIVERY_ERROR = 4, _("Delivery error")
    NOT_COVERED = 5, _("Event not covered")
    EXPIRED = 6, _("Event expired")
    PAUSED = 7, _("Paused")
    TARGETING_FAILED = 8, _("Targeting failed")


class EventType(models.Model):
    """A declared kind of event (configuring-transactional-event.md)."""

    class Targeting(models.TextChoices):
        EVENT = "event", _("Real-time event")
        PROFILE = "profile", _("Profile")

    class PublicationState(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    event_id = models.CharField(
        _("Event id"),
        max_length=64,
        unique=True,
        help_text=_("Starts with EVT; letters, digits and underscores."),
    )
    label = models.CharField(_("Label"), max_length=128)
    channel = models.SmallIntegerField(
        _("Channel"), choices=Channel, default=Channel.EMAIL
    )
    targeting = models.CharField(
        _("Targeting"), max_length=8, choices=Targeting, default=Targeting.EVENT
    )
    attributes = models.JSONField(
        _("Attributes"),
        default=list,
        blank=True,
        help_text=_("A list of name, type and mandatory."),
    )
    publication_state = models.CharField(
        _("Publication"),
        max_length=10,
        choices=PublicationState,
        default=PublicationState.DRAFT,
    )
    last_event_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("event type")
        verbose_name_plural = _("event types")
        ordering = ("event_id",)
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.event_id

    def get_absolute_url(self) -> str:
        return reverse("messagecenter:event_type_detail", args=[self.event_id])


class MessageTemplate(models.Model):
    """What is sent for an event type; the draft that an operator edits."""

    class PublicationState(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        PAUSED = "paused", _("Paused")

    internal_name = models.CharField(_("Internal name"), max_length=64, unique=True)
    label = models.CharField(_("Label"), max_length=128)
    event_type = models.ForeignKey(
        EventType,
        on_delete=models.PROTECT,
        related_name="templates",
        verbose_name=_("Event type"),
    )
    channel = models.SmallIntegerField(
        _("Channel"), choices=Channel, default=Channel.EMAIL
    )
    subject = models.CharField(_("Subject"), max_length=512)
    sender_name = models.CharField(_("Sender name"), max_length=128, blank=True)
    sender_address = models.EmailField(_("Sender address"), blank=True)
    reply_address = models.EmailField(_("Reply address"), blank=True)
    html = models.TextField(_("HTML content"), blank=True)
    text = models.TextField(_("Text content"), blank=True)
    sample = models.JSONField(_("Sample data"), default=dict, blank=True)
    validity_seconds = models.PositiveIntegerField(
        _("Validity in seconds"), default=432_000
    )
    publication_state = models.CharField(
        _("Publication"),
        max_length=10,
        choices=PublicationState,
        default=PublicationState.DRAFT,
    )
    published_version = models.ForeignKey(
        "TemplateVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        ordering = ("internal_name",)
        default_permissions = ("view", "change")
        permissions = (("publish_template", _("Publish message templates")),)

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("messagecenter:template_detail", args=[self.internal_name])


class TemplateVersion(models.Model):
    """An immutable published content of a template."""

    template = models.ForeignKey(
        MessageTemplate, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField()
    content = models.JSONField(
        help_text=_("subject, sender_name, sender_address, reply_address, html, text")
    )
    validity_seconds = models.PositiveIntegerField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    published_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("template", "-number")
        constraints = (
            models.UniqueConstraint(
                fields=("template", "number"), name="template_version_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.template_id}/{self.number}"


class ExecutionDelivery(models.Model):
    """The delivery of one template version and month (one of each)."""

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, related_name="execution"
    )
    template = models.ForeignKey(
        MessageTemplate, on_delete=models.PROTECT, related_name="executions"
    )
    version = models.ForeignKey(
        TemplateVersion, on_delete=models.PROTECT, related_name="executions"
    )
    month = models.DateField()
    is_current = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("version", "month"),
                condition=Q(is_current=True),
                name="execution_delivery_current_once",
            ),
        )

    def __str__(self) -> str:
        return str(self.delivery_id)


class Event(models.Model):
    """Common fields of real-time and batch events (event-description.md).

    The references carry no database constraint: every event would lock the rows of
    its operator and type, and the table is to be distributed later.
    """

    part_month = models.DateField()
    type = models.CharField(max_length=64)
    event_type = models.ForeignKey(
        EventType,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    status = models.SmallIntegerField(choices=EventStatus, default=EventStatus.PENDING)
    wished_channel = models.SmallIntegerField(choices=Channel, default=Channel.EMAIL)
    email = models.CharField(max_length=512, blank=True)
    mobile_phone = models.CharField(max_length=32, blank=True)
    registration_token = models.CharField(max_length=512, blank=True)
    language = models.CharField(max_length=16, blank=True)
    external_id = models.CharField(max_length=128, blank=True)
    origin = models.CharField(max_length=64, blank=True)
    ctx = models.JSONField(default=dict)
    scheduled = models.DateTimeField(null=True, blank=True)
    expiration = models.DateTimeField(null=True, blank=True)
    process_on = models.DateTimeField()
    error_count = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    failure_type = models.SmallIntegerField(default=0)
    failure_reason = models.SmallIntegerField(default=0)
    delivery = models.ForeignKey(
        Delivery,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    broadlog_id = models.BigIntegerField(null=True, blank=True)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    created_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_modified = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    recycled_from = models.BigIntegerField(
        null=True,
        blank=True,
        help_text=_("The event of the same queue that this one was made of."),
    )

    class Meta:
        abstract = True
        ordering = ("-id",)
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(
                condition=Q(status__gte=0, status__lte=8),
                name="%(class)s_status_known",
            ),
            # What waits for a delivery has one, and says since when.
            models.CheckConstraint(
                condition=~Q(status__in=(1, 2, 3, 4))
                | Q(delivery__isnull=False, processed_at__isnull=False),
                name="%(class)s_processed_has_delivery",
            ),
            # Process again: an event is recycled once, however often it is asked.
            models.UniqueConstraint(
                fields=("recycled_from",),
                name="%(class)s_recycled_once",
                condition=Q(recycled_from__isnull=False),
            ),
        )
        indexes = (
            # routing.claim(): the due ones.
            models.Index(
                fields=("process_on", "id"),
                name="%(class)s_due",
                condition=Q(status=0),
            ),
            # status_copy: events whose log may have become final.
            models.Index(fields=("id",), name="%(class)s_open", condition=Q(status=1)),
            models.Index(fields=("status", "-id"), name="%(class)s_status"),
            models.Index(fields=("type", "-id"), name="%(class)s_type"),
            # The event history: by recipient, by key, what had errors, and the
            # channels that are rare.
            models.Index(
                fields=("email",), name="%(class)s_email", condition=~Q(email="")
            ),
            models.Index(
                fields=("external_id",),
                name="%(class)s_external_id",
                condition=~Q(external_id=""),
            ),
            models.Index(
                fields=("-id",),
                name="%(class)s_errors",
                condition=Q(error_count__gt=0),
            ),
            models.Index(
                fields=("wished_channel", "-id"),
                name="%(class)s_channel",
                condition=~Q(wished_channel=0),
            ),
        )

    def __str__(self) -> str:
        return f"{self.type}/{self.pk}"

    @property
    def address(self) -> str:
        """Return the address that fits the channel. No SQL."""
        if self.wished_channel == Channel.EMAIL:
            return self.email
        if self.wished_channel == Channel.SMS:
            return self.mobile_phone
        return self.registration_token


class RtEvent(Event):
    """An event to be answered at once (NmsRtEvent)."""

    class Meta(Event.Meta):
        verbose_name = _("real-time event")
        verbose_name_plural = _("real-time events")
        permissions = (("process_again", _("Process events again")),)

    def get_absolute_url(self) -> str:
        return reverse("messagecenter:event_detail", args=["rt", self.pk])


class BatchEvent(Event):
    """An event that may wait for its turn (NmsBatchEvent)."""

    class Meta(Event.Meta):
        verbose_name = _("batch event")
        verbose_name_plural = _("batch events")

    def get_absolute_url(self) -> str:
        return reverse("messagecenter:event_detail", args=["batch", self.pk])


class IdempotencyKey(models.Model):
    """The first answer given for a key, written in the events' transaction.

    For one event ``event_kind`` and ``event_id`` name it; for a batch ``answer``
    keeps the result of each index.
    """

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    key = models.CharField(max_length=128)
    request_digest = models.CharField(max_length=64)
    event_kind = models.CharField(max_length=5, blank=True)
    event_id = models.BigIntegerField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("operator", "key"), name="idempotency_key_once"
            ),
        )
        indexes = (models.Index(fields=("created_at",), name="idempotency_key_age"),)

    def __str__(self) -> str:
        return self.key
