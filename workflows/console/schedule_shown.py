"""The preview of a schedule made ready for its page: old beside new, clock changes."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.actions import SchedulePreview
from workflows.console import wording
from workflows.engine.calendar import ChangeEffect, Fate, Mark, OnChange, Preview
from workflows.engine.change_text import describe_change, describe_effect
from workflows.engine.load import Crowd
from workflows.engine.schedule_text import describe

LOAD_DAYS: Final = 7
MARKS: dict[Mark, str | Promise] = {
    Mark.MOVED: gettext_lazy("moved: this local time does not exist that day"),
    Mark.REPEATED: gettext_lazy("first of two: this local time comes twice that day"),
    Mark.EXPIRED: gettext_lazy("after the end: not run"),
}
FATES: dict[Fate, tuple[str, str | Promise]] = {
    Fate.REMOVED: ("minus", gettext_lazy("removed")),
    Fate.ADDED: ("plus", gettext_lazy("added")),
    Fate.MOVED: ("arrow-narrow-right", gettext_lazy("moved")),
}


@dataclass(frozen=True, slots=True)
class Instant:
    """One line of the preview, in the schedule's zone and in the reader's."""

    text: str
    here: str
    iso: str
    mark: str
    is_off: bool
    fate: str = ""
    fate_icon: str = ""


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change of the clocks in words; ``is_felt`` when the schedule notices it."""

    when: str
    effect: str
    is_felt: bool


@dataclass(frozen=True, slots=True)
class Hint:
    """Whom the schedule meets, and the minutes that lead to a quieter time."""

    others: int
    is_over: bool
    minutes: int = 0
    others_then: int = 0
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview made ready for the page."""

    sentence_old: str
    sentence_new: str
    old: list[Instant]
    new: list[Instant]
    zone: str
    zone_old: str
    notes: Sequence[str]
    is_same: bool
    changes: list[ShownChange]
    hint: Hint | None
    now: datetime
    now_there: str
    now_here: str


def shown_preview(
    found: SchedulePreview,
    zone_old: zoneinfo.ZoneInfo,
    now: datetime,
    crowd: Crowd | None,
) -> Shown:
    """Return what the page shows of a preview. No SQL."""
    zone = zoneinfo.ZoneInfo(found.zone)
    return Shown(
        found.sentence_old,
        found.sentence_new,
        _instants(found.old, found.fates.old, zone_old),
        _instants(found.new, found.fates.new, zone),
        found.zone,
        zone_old.key,
        [*found.notes, *_load_notes(found)],
        found.sentence_old == found.sentence_new and found.old == found.new,
        [_change(effect, zone) for effect in found.changes],
        _hint(crowd),
        now,
        f"{now.astimezone(zone):%H:%M:%S}",
        "" if here() == zone.key else wording.clock(now),
    )


def here() -> str:
    """Return the name of the reader's zone."""
    return timezone.get_current_timezone_name()


def _change(effect: ChangeEffect, zone: zoneinfo.ZoneInfo) -> ShownChange:
    is_felt = effect.effect not in (OnChange.NOTHING, OnChange.NOT_THAT_DAY)
    return ShownChange(
        describe_change(effect, zone), describe_effect(effect, zone), is_felt
    )


def _hint(crowd: Crowd | None) -> Hint | None:
    if crowd is None or not crowd.is_busy:
        return None
    is_over = crowd.others >= crowd.limit
    if crowd.better is None:
        return Hint(crowd.others, is_over)
    return Hint(
        crowd.others,
        is_over,
        crowd.better.minutes,
        crowd.better.others_then,
        describe(crowd.better.schedule, with_validity=False),
    )


def _instants(
    items: Sequence[Preview], fates: Sequence[Fate], zone: zoneinfo.ZoneInfo
) -> list[Instant]:
    shown = []
    for item, fate in zip(items, fates, strict=True):
        with timezone.override(zone):
            text = wording.moment(item.instant, seconds=item.instant.second != 0)
        icon, word = FATES.get(fate, ("", ""))
        shown.append(
            Instant(
                text,
                "" if here() == zone.key else wording.moment(item.instant),
                wording.iso(item.instant),
                str(MARKS.get(item.mark, "")),
                item.mark is Mark.EXPIRED,
                str(word),
                icon,
            )
        )
    return shown


def _load_notes(found: SchedulePreview) -> list[str]:
    """Tell how many runs a day a frequent schedule makes."""
    if len(found.new) < 2:
        return []
    distance = found.new[1].instant - found.new[0].instant
    if distance >= timedelta(minutes=15) or distance <= timedelta(0):
        return []
    runs = wording.number(round(timedelta(days=1) / distance))
    return [_("At this frequency up to %(n)s runs a day are made.") % {"n": runs}]
