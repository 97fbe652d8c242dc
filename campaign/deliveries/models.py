"""Deliveries, their logs, and the addresses that they may not use."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Channel(models.IntegerChoices):
    """Channels (datamodel-delivery.md)."""

    EMAIL = 0, _("Email")
    SMS = 1, _("SMS")
    PHONE = 2, _("Phone")
    DIRECT_MAIL = 3, _("Direct mail")
    FAX = 4, _("Fax")
    PUSH = 40, _("Push")
    PUSH_IOS = 41, _("Push (iOS)")
    PUSH_ANDROID = 42, _("Push (Android)")
    OTHER = 120, _("Other")


class DeliveryState(models.IntegerChoices):
    """States of a delivery (datamodel-delivery.md)."""

    EDITING = 0, _("Editing")
    READY = 45, _("Ready to be delivered")
    IN_PROGRESS = 55, _("In progress")
    PAUSED = 75, _("Paused")
    STOPPED = 85, _("Stopped")
    FAILED = 87, _("Failed")
    FINISHED = 95, _("Finished")


class ExecutionType(models.IntegerChoices):
    """How a delivery is executed (datamodel-delivery.md)."""

    ONE_TIME = 0, _("One time")
    CONTINUOUS = 1, _("Continuous")
    MESSAGE_CENTER = 2, _("Message Center")


class LogStatus(models.IntegerChoices):
    """Statuses of a delivery log (delivery-statuses.md)."""

    IGNORED = 0, _("Ignored")
    SENT = 1, _("Sent")
    FAILED = 2, _("Failed")
    PROVIDER_ACCEPTED = 3, _("Taken into account by the service provider")
    MOBILE_RECEIVED = 4, _("Received on mobile")
    PROVIDER_SENT = 5, _("Sent to the service provider")
    PENDING = 6, _("Pending")
    CANCELLED = 7, _("Delivery cancelled")
    PREPARED = 8, _("Prepared")
    SENDING = 9, _("Sending")
    UNKNOWN = 10, _("Outcome unknown")
    NOT_APPLICABLE = 127, _("Not applicable")


class Lane(models.IntegerChoices):
    """Separate ways through the senders; one never delays another."""

    TRANSACTIONAL = 0, _("Transactional")
    NORMAL = 1, _("Normal")
    BULK = 2, _("Bulk")


class TargetType(models.IntegerChoices):
    """What a delivery log's target is."""

    RECIPIENT = 1, _("Recipient")
    RT_EVENT = 4, _("Real-time event")
    BATCH_EVENT = 5, _("Batch event")


class FailureType(models.IntegerChoices):
    """How lasting a failure is (delivery-failures.md)."""

    UNDEFINED = 0, _("Undefined")
    SOFT = 1, _("Soft")
    HARD = 2, _("Hard")
    IGNORED = 3, _("Ignored")


class FailureReason(models.IntegerChoices):
    """Why a message failed or was excluded (delivery-failures.md)."""

    NOT_DEFINED = 0, _("Not defined")
    USER_UNKNOWN = 1, _("User unknown")
    INVALID_DOMAIN = 2, _("Invalid domain")
    UNREACHABLE = 3, _("Unreachable")
    ACCOUNT_DISABLED = 4, _("Account disabled")
    MAILBOX_FULL = 5, _("Mailbox full")
    ADDRESS_NOT_SPECIFIED = 7, _("Address not specified")
    DENYLISTED = 8, _("Denylisted address")
    QUARANTINED = 9, _("Address in quarantine")
    REFUSED = 20, _("Refused")


class Delivery(models.Model):
    """One delivery; an execution delivery serves one template, month and version."""

    internal_name = models.CharField(_("Internal name"), max_length=128, unique=True)
    label = models.CharField(_("Label"), max_length=160)
    channel = models.SmallIntegerField(
        _("Channel"), choices=Channel, default=Channel.EMAIL
    )
    execution_type = models.SmallIntegerField(
        choices=ExecutionType, default=ExecutionType.ONE_TIME
    )
    state = models.SmallIntegerField(
        _("State"), choices=DeliveryState, default=DeliveryState.EDITING
    )
    routing = models.ForeignKey(
        "platform.ExternalAccount",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    content = models.JSONField(
        default=dict,
        help_text=_("subject, sender_name, sender_address, reply_address, html, text"),
    )
    validity_seconds = models.PositiveIntegerField(default=432_000)
    retry_max = models.PositiveSmallIntegerField(default=5)
    retry_period_seconds = models.PositiveIntegerField(default=3_600)
    part_month = models.DateField()
    contact_date = models.DateTimeField(_("Contact date"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        permissions = (("operate_delivery", _("Pause, resume and stop deliveries")),)

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("deliveries:delivery_detail", args=[self.pk])


class BroadLog(models.Model):
    """A delivery log: one message to one target.

    It is also the outbox: senders claim pending rows of their lane. No foreign
    key points here, and ``part_month`` is its delivery's, so that the table can
    be partitioned by month.
    """

    part_month = models.DateField()
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="logs", db_index=False
    )
    target_type = models.SmallIntegerField(choices=TargetType)
    target_id = models.BigIntegerField()
    variant = models.CharField(max_length=1, default="", blank=True)
    channel = models.SmallIntegerField(choices=Channel, default=Channel.EMAIL)
    address = models.CharField(_("Address"), max_length=512)
    address_domain = models.CharField(max_length=128, blank=True)
    status = models.SmallIntegerField(
        _("Status"), choices=LogStatus, default=LogStatus.PENDING
    )
    failure_type = models.SmallIntegerField(
        choices=FailureType, default=FailureType.UNDEFINED
    )
    failure_reason = models.SmallIntegerField(
        choices=FailureReason, default=FailureReason.NOT_DEFINED
    )
    event_at = models.DateTimeField(_("Last status change"))
    valid_until = models.DateTimeField()
    send_count = models.PositiveSmallIntegerField(default=0)
    next_retry_at = models.DateTimeField(null=True, blank=True)
    lane = models.SmallIntegerField(choices=Lane, default=Lane.TRANSACTIONAL)
    claimed_by = models.CharField(max_length=64, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    attempt_at = models.DateTimeField(null=True, blank=True)
    message_id = models.CharField(max_length=128)
    smtp_reply = models.CharField(max_length=512, blank=True)
    bytes = models.PositiveIntegerField(default=0)
    context = models.JSONField(
        default=dict, help_text=_("The personalisation data of this message.")
    )
    language = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField()
    last_modified = models.DateTimeField()

    class Meta:
        verbose_name = _("delivery log")
        verbose_name_plural = _("delivery logs")
        ordering = ("-id",)
        permissions = (
            ("reveal_personal_data", _("See the personal data of recipients")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "part_month",
                    "delivery",
                    "target_type",
                    "target_id",
                    "variant",
                ),
                name="broadlog_target_once",
            ),
        )
        indexes = (
            # sending.claim(): the pending rows of a lane, oldest first.
            models.Index(
                fields=("lane", "id"),
                name="broadlog_lane",
                condition=Q(status=6, next_retry_at__isnull=True),
            ),
            # sending.claim(): the rows whose next try is due.
            models.Index(
                fields=("lane", "next_retry_at"),
                name="broadlog_retry",
                condition=Q(next_retry_at__isnull=False),
            ),
            # sending.settle_lost(): rows whose sender may have died.
            models.Index(
                fields=("claimed_at",),
                name="broadlog_claimed",
                condition=~Q(claimed_by=""),
            ),
            models.Index(fields=("delivery", "status"), name="broadlog_of_delivery"),
            # The list of deliveries: when each tries again.
            models.Index(
                fields=("delivery", "next_retry_at"),
                name="broadlog_next_try",
                condition=Q(next_retry_at__isnull=False),
            ),
            # Pointers and the status copy.
            models.Index(fields=("last_modified", "id"), name="broadlog_modified"),
            models.Index(fields=("target_type", "target_id"), name="broadlog_target"),
            # The list of logs: any status but the common one, newest first.
            models.Index(
                fields=("status", "-id"),
                name="broadlog_not_sent",
                condition=~Q(status=1),
            ),
            # The list of logs: the channels that are rare.
            models.Index(
                fields=("channel", "-id"),
                name="broadlog_channel",
                condition=~Q(channel=0),
            ),
            # The list of logs: what became of the messages to an address.
            models.Index(fields=("address",), name="broadlog_address"),
        )

    def __str__(self) -> str:
        return f"{self.address} ({self.get_status_display()})"

    def get_absolute_url(self) -> str:
        return reverse("deliveries:log_detail", args=[self.pk])


class ExcludeLog(models.Model):
    """A target that a rule kept out of a delivery."""

    part_month = models.DateField()
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="exclusions"
    )
    target_type = models.SmallIntegerField(choices=TargetType)
    target_id = models.BigIntegerField()
    address = models.CharField(max_length=512, blank=True)
    failure_reason = models.SmallIntegerField(choices=FailureReason)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("part_month", "delivery", "target_type", "target_id"),
                name="excludelog_target_once",
            ),
        )
        indexes = (
            models.Index(fields=("target_type", "target_id"), name="excludelog_target"),
        )

    def __str__(self) -> str:
        return f"{self.address} ({self.get_failure_reason_display()})"


class Address(models.Model):
    """What is known of an address (understanding-quarantine-management.md)."""

    class Status(models.IntegerChoices):
        ERRONEOUS = 1, _("With errors")
        VALID = 2, _("Valid")
        QUARANTINE = 3, _("Quarantine")
        DENYLISTED = 4, _("Denylisted")

    channel = models.SmallIntegerField(choices=Channel, default=Channel.EMAIL)
    address = models.CharField(_("Address"), max_length=512)
    domain = models.CharField(max_length=128, blank=True)
    status = models.SmallIntegerField(_("Status"), choices=Status, default=Status.VALID)
    failure_type = models.SmallIntegerField(
        choices=FailureType, default=FailureType.UNDEFINED
    )
    failure_reason = models.SmallIntegerField(
        choices=FailureReason, default=FailureReason.NOT_DEFINED
    )
    error_count = models.PositiveIntegerField(default=0)
    error_text = models.TextField(blank=True)
    first_error_at = models.DateTimeField(null=True, blank=True)
    last_significant_error_at = models.DateTimeField(null=True, blank=True)
    last_modified = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("non deliverables and addresses")
        constraints = (
            models.UniqueConstraint(
                fields=("channel", "address"), name="address_once_per_channel"
            ),
        )

    def __str__(self) -> str:
        return self.address
