"""Webhooks: external accounts to which notifications are posted, signed.

Every post is a row that says when it is due; the queue only carries the order to look
at it. Three attempts, a minute and five minutes apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from campaign.platform.models import ExternalAccount, WebhookDelivery
from campaign.platform.services import accounts
from workflows import queue
from workflows.engine import journal, webhooks
from workflows.exceptions import AppError, ConfigurationError, Fault
from workflows.models import Level, Notification, NotificationKind

NAME = "webhooks"
POST = "campaign.platform.services.webhooks.post"
POST_DUE = "campaign.platform.services.webhooks.post_due"
EVERY_SECONDS = 30
QUEUE = "bulk"
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5))
ATTEMPTS = len(BACK_OFF) + 1
# A worker that died while it posted is waited for so long.
_LEASE = timedelta(minutes=2)
_BATCH = 100
TAKEN, REFUSED = "ok", "failed"


def faults(config: Any, *, has_secret: bool = True) -> list[Fault]:
    """Return what is wrong with the settings of a webhook."""
    if not isinstance(config, Mapping):
        return [Fault("config", _('Write an object such as {"url": "https://…"}.'))]
    found = [
        Fault(
            name, _("A webhook has no setting %(name)s; take it out.") % {"name": name}
        )
        for name in config
        if name not in ("url", "kinds")
    ]
    try:
        webhooks.split(str(config.get("url") or ""))
    except ConfigurationError as error:
        found.append(Fault("url", error.message))
    kinds = config.get("kinds", [])
    known = NotificationKind.values
    if not isinstance(kinds, list) or any(kind not in known for kind in kinds):
        words = {"kinds": ", ".join(known)}
        found.append(Fault("kinds", _("Give a list of some of %(kinds)s.") % words))
    if not has_secret:
        found.append(
            Fault("secret", _("Give the secret that the receiver checks with."))
        )
    return found


def order(notification: Notification, at: datetime) -> int:
    """Have a notification posted to every webhook that wants its kind.

    Return how many want it. One that was ordered already is not ordered again.
    """
    wanting = [
        account
        for account in ExternalAccount.objects.filter(
            type=ExternalAccount.Type.WEBHOOK, enabled=True
        ).order_by("pk")
        if _wants(account, notification.kind)
    ]
    for account in wanting:
        with transaction.atomic():
            delivery, is_new = WebhookDelivery.objects.get_or_create(
                account=account,
                notification=notification,
                round=notification.count,
                defaults={"created_at": at, "next_at": at},
            )
            if is_new:
                queue.enqueue(POST, delivery.pk, queue=QUEUE)
    return len(wanting)


def _wants(account: ExternalAccount, kind: str) -> bool:
    config = account.config if isinstance(account.config, dict) else {}
    kinds = config.get("kinds") or []
    return not kinds or kind in kinds


def post_due() -> None:
    """Order the posts that are due again; a periodic duty."""
    due = WebhookDelivery.objects.filter(next_at__lte=timezone.now()).order_by(
        "next_at"
    )
    for key in due.values_list("pk", flat=True)[:_BATCH]:
        queue.enqueue(POST, key, queue=QUEUE)


def post(delivery_id: int) -> None:
    """Post a notification to its webhook when it is due; a queue task.

    A second order for the same attempt does nothing. What fails is tried again, and
    after the last attempt told in the journal of the workflow.
    """
    at = timezone.now()
    mine = WebhookDelivery.objects.filter(pk=delivery_id, next_at__lte=at)
    if not mine.update(next_at=at + _LEASE, attempts=F("attempts") + 1):
        return
    delivery = WebhookDelivery.objects.select_related(
        "account", "notification__workflow"
    ).get(pk=delivery_id)
    if not delivery.account.enabled:
        delivery.next_at, delivery.error = None, _("The webhook was switched off.")
        delivery.save(update_fields=["next_at", "error"])
        return
    posted = _post(delivery, at)
    _write_down(delivery, posted, timezone.now())


def _post(delivery: WebhookDelivery, at: datetime) -> webhooks.Posted:
    account = delivery.account
    try:
        secret = accounts.unseal(account).get("secret", "")
        wrong = faults(account.config, has_secret=bool(secret))
    except AppError as error:
        return webhooks.Posted(error=error.message)
    if wrong:
        return webhooks.Posted(error=wrong[0].message)
    return webhooks.post(account.config["url"], secret, delivery.notification, at)


def _write_down(
    delivery: WebhookDelivery, posted: webhooks.Posted, at: datetime
) -> None:
    """Keep the answer with the post and, as the last one, with the account."""
    is_over = posted.is_taken or delivery.attempts >= ATTEMPTS
    delivery.status_code = posted.status
    delivery.error = posted.error[:512]
    delivery.delivered_at = at if posted.is_taken else None
    delivery.next_at = None if is_over else at + BACK_OFF[delivery.attempts - 1]
    with transaction.atomic():
        delivery.save(update_fields=["status_code", "error", "delivered_at", "next_at"])
        ExternalAccount.objects.filter(pk=delivery.account_id).update(
            last_check_at=at,
            last_check_status=TAKEN if posted.is_taken else REFUSED,
            last_error=posted.error,
        )
        workflow = delivery.notification.workflow
        if is_over and not posted.is_taken and workflow is not None:
            journal.write(
                workflow,
                "The webhook %(account)s did not take a notification: %(error)s",
                at=at,
                level=Level.WARNING,
                activity=delivery.notification.activity,
                account=delivery.account.internal_name,
                error=posted.error,
            )
