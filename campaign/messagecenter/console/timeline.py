"""The way of an event: push, template, delivery, log, status."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaign.deliveries.console import looks as delivery_looks
from campaign.deliveries.console.timeline import Step, outcome
from campaign.messagecenter.console import looks
from campaign.messagecenter.console.queries import Story
from campaign.messagecenter.models import EventStatus
from workflows.console.appearance import Look

_CLOSED_WITHOUT_DELIVERY = (
    EventStatus.NOT_COVERED,
    EventStatus.EXPIRED,
    EventStatus.TARGETING_FAILED,
)
_FINAL = (
    EventStatus.SENT,
    EventStatus.IGNORED,
    EventStatus.DELIVERY_ERROR,
    EventStatus.EXPIRED,
)


def steps(story: Story) -> list[Step]:
    """Return the steps of an event, oldest first. No SQL."""
    return [
        *_collection(story),
        *_routing(story),
        *_sending(story),
        *_end(story),
    ]


def _collection(story: Story) -> Iterator[Step]:
    event = story.event
    queue = _("Real-time events") if story.kind == "rt" else _("Batch events")
    if event.operator:
        by = _("%(queue)s, pushed by %(operator)s") % {
            "queue": queue,
            "operator": event.operator,
        }
    else:
        by = queue
    yield Step(Look("", "bolt", "ok"), _("Collected"), event.created_at, by)
    if event.recycled_from:
        yield _recycling(story.kind, event.recycled_from, _("Recycled from event"))
    if event.scheduled:
        yield Step(
            Look("", "calendar-event", "neutral"),
            _("Scheduled by the caller"),
            event.scheduled,
        )


def _recycling(kind: str, pk: int, title: str) -> Step:
    url = reverse("messagecenter:event_detail", args=[kind, pk])
    return Step(Look("", "refresh", "neutral"), title, None, f"{kind}-{pk}", url)


def _routing(story: Story) -> Iterator[Step]:
    event = story.event
    if event.error_count:
        title = ngettext("%(n)s error", "%(n)s errors", event.error_count) % {
            "n": event.error_count
        }
        text = event.last_error if event.status == EventStatus.PENDING else ""
        yield Step(Look("", "alert-triangle", "warn"), title, None, text)
    if event.status == EventStatus.PENDING:
        title = (
            _("Waits to be processed") if story.is_due else _("Process requested on")
        )
        yield Step(Look("", "clock", "pending"), title, event.process_on)
    elif event.status == EventStatus.PAUSED:
        yield Step(
            looks.of_status(event.status),
            looks.status_label(event.status),
            event.last_modified,
            _("Its message template is paused; the event goes on when it resumes."),
        )
    elif not event.delivery_id and event.status in _CLOSED_WITHOUT_DELIVERY:
        yield Step(
            looks.of_status(event.status),
            looks.status_label(event.status),
            event.processed_at or event.last_modified,
            event.last_error,
        )
    if story.execution:
        template = story.execution.template
        yield Step(
            Look("", "template", "ok"),
            _("Template %(name)s") % {"name": template.label},
            event.processed_at,
            _("Version %(number)s") % {"number": story.execution.version.number},
            template.get_absolute_url(),
        )


def _sending(story: Story) -> Iterator[Step]:
    event, log = story.event, story.log
    if event.delivery:
        yield Step(
            Look("", "mail", "ok"),
            _("Delivery"),
            event.processed_at,
            event.delivery.label,
            event.delivery.get_absolute_url(),
        )
    if story.exclusion:
        yield Step(
            Look("", "circle-minus", "warn"),
            _("Excluded from the delivery"),
            story.exclusion.created_at,
            str(story.exclusion.get_failure_reason_display()),
        )
    if log:
        look = delivery_looks.of_log(log)
        yield Step(
            look,
            _("Delivery log: %(status)s") % {"status": look.label},
            log.event_at,
            outcome(log),
            log.get_absolute_url(),
        )


def _end(story: Story) -> Iterator[Step]:
    event = story.event
    if event.delivery_id and event.status in _FINAL:
        yield Step(
            looks.of_status(event.status),
            looks.status_label(event.status),
            event.sent_at if event.status == EventStatus.SENT else event.last_modified,
            event.last_error,
        )
    elif event.delivery_id:
        yield Step(
            looks.of_status(event.status),
            looks.status_label(event.status),
            None,
            _("The status is copied from the delivery log when that is final."),
        )
    if story.recycled_as:
        yield _recycling(story.kind, story.recycled_as, _("Recycled as event"))
