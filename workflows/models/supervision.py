"""Signs of life of clocks, queues and workers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class HeartbeatKind(models.TextChoices):
    """Who gives the sign of life."""

    CLOCK = "clock", _("Clock")
    QUEUE = "queue", _("Queue")
    DUTY = "duty", _("Duty")


class Heartbeat(models.Model):
    """The last sign of life of one part.

    For a queue ``sent_at`` is when its last canary was enqueued and ``at`` when a
    worker of the queue last ran one. A duty keeps in ``sent_at`` when it was last
    ordered.
    """

    kind = models.CharField(max_length=8, choices=HeartbeatKind)
    name = models.CharField(max_length=128)
    host = models.CharField(max_length=128, blank=True)
    pid = models.IntegerField(null=True, blank=True)
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("kind", "name"), name="heartbeat_of_part"),
        )

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"
