"""What the bell counts and its list shows, bounded however much was told."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from workflows.console.appearance import LEVELS, Look
from workflows.engine.notifying.fingerprints import UNREACHABLE
from workflows.engine.notifying.upkeep import GIVE_UP
from workflows.models import Level, Notification, NotificationRead

PAGE = 50
VIEW = "workflows.view"
#: The bell shows this number and a plus sign when there are more.
MOST = 99
_BELL = """
SELECT
  (SELECT count(*) FROM (
     SELECT 1 FROM workflows_notification
     WHERE last_at > COALESCE(
       (SELECT read_until FROM workflows_notificationread
        WHERE operator_id = %(operator)s), '-infinity')
     LIMIT %(limit)s) AS new),
  (SELECT parameters::text FROM workflows_notification
   WHERE fingerprint = %(unreachable)s AND resolved_at IS NULL),
  (SELECT count(*) FROM (
     SELECT 1 FROM workflows_notification
     WHERE last_at > %(since)s AND sent_at IS NOT NULL AND sent_count = 0
       AND NOT (kind = 'digest' AND level = %(quiet)s)
     LIMIT %(limit)s) AS unheard),
  (SELECT row_to_json(f)::text FROM workflows_freeze f WHERE ended_at IS NULL)
"""
_ICONS = {level: look.icon for level, look in LEVELS.items()}
_TONES = {level: look.tone for level, look in LEVELS.items()}
_VIEWS: dict[str, Q] = {"all": Q(), "open": Q(resolved_at__isnull=True)}


@dataclass(frozen=True, slots=True)
class Frozen:
    """The freeze of the instance that lasts."""

    reason: str
    author: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Bell:
    """What is new, of whose failure nobody would be told, and what is frozen."""

    unread: int = 0
    told_to_nobody: str = ""
    first_of_them: str = ""
    # Of one day, what reached nobody by mail.
    undelivered: int = 0
    frozen: Frozen | None = None

    @property
    def text(self) -> str:
        """Return the figure on the bell: a number, or a bound with a plus sign."""
        return f"{MOST}+" if self.unread > MOST else str(self.unread)


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the list."""

    name: str
    label: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """What narrows the list, as it stands in the address."""

    tab: str = "all"
    before: tuple[datetime, int] | None = None

    @classmethod
    def read(cls, data: Mapping[str, str]) -> Selection:
        """Return the selection of a query string; nonsense counts as absent."""
        tab = data.get("view", "all")
        return cls(tab if tab in _VIEWS else "all", _decode(data.get("before", "")))


@dataclass(frozen=True, slots=True)
class Told:
    """A notification, and whether the reader has seen it."""

    notification: Notification
    is_unread: bool

    @property
    def look(self) -> Look:
        """Return its kind, in the tone of its level while it lasts."""
        row = self.notification
        label = str(row.get_kind_display())
        if row.resolved_at is not None:
            return Look(label, _ICONS[row.level], border="dashed")
        return Look(label, _ICONS[row.level], _TONES[row.level])


@dataclass(frozen=True, slots=True)
class Slice:
    """One page; ``older`` is the key that the next page begins below."""

    rows: Sequence[Told]
    older: str = ""


def tabs(selection: Selection) -> list[Tab]:
    """Return the views of the list."""
    labels = {"all": _("All"), "open": _("Open")}
    return [Tab(name, label, name == selection.tab) for name, label in labels.items()]


def page(selection: Selection, read_until: datetime | None) -> Slice:
    """Return a page of notifications, the latest first. One query."""
    found = Notification.objects.filter(_VIEWS[selection.tab])
    if selection.before is not None:
        at, key = selection.before
        found = found.filter(last_at__lte=at).filter(Q(last_at__lt=at) | Q(pk__lt=key))
    found = found.select_related("workflow").order_by("-last_at", "-pk")
    rows = list(found[: PAGE + 1])
    shown = rows[:PAGE]
    older = _encode(shown[-1]) if len(rows) > PAGE else ""
    return Slice(
        [Told(row, read_until is None or row.last_at > read_until) for row in shown],
        older,
    )


def read_until(request: HttpRequest) -> datetime | None:
    """Return up to when the reader has seen everything. One query."""
    return (
        NotificationRead.objects.filter(operator_id=request.user.pk or 0)
        .values_list("read_until", flat=True)
        .first()
    )


def bell_of(request: HttpRequest) -> Bell:
    """Return what the header of every page shows to this reader.

    One query on small indexes for a request, however often asked.
    """
    known: Bell | None = getattr(request, "bell", None)
    if known is None:
        user = getattr(request, "user", None)
        may_see = user is not None and user.has_perm(VIEW)
        known = _bell(user.pk or 0) if user is not None and may_see else Bell()
        request.bell = known  # type: ignore[attr-defined]
    return known


def _bell(operator_id: int) -> Bell:
    with connection.cursor() as cursor:
        cursor.execute(
            _BELL,
            {
                "operator": operator_id,
                "limit": MOST + 1,
                "unreachable": UNREACHABLE,
                "since": timezone.now() - GIVE_UP,
                "quiet": Level.INFO,
            },
        )
        unread, unreachable, undelivered, freeze = cursor.fetchone()
    found = json.loads(unreachable) if unreachable else {}
    return Bell(
        unread,
        found.get("names", ""),
        found.get("first", ""),
        undelivered,
        _frozen(json.loads(freeze)) if freeze else None,
    )


def _frozen(row: Mapping[str, str | None]) -> Frozen:
    until = row["until"]
    return Frozen(
        reason=row["reason"] or "",
        author=row["author"] or "",
        since=datetime.fromisoformat(row["started_at"] or ""),
        until=datetime.fromisoformat(until) if until else None,
    )


def _encode(row: Notification) -> str:
    plain = f"{row.last_at.isoformat()}/{row.pk}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _decode(text: str) -> tuple[datetime, int] | None:
    try:
        padded = text + "=" * (-len(text) % 4)
        at, _slash, key = base64.urlsafe_b64decode(padded).decode().partition("/")
        instant, number = datetime.fromisoformat(at), int(key)
    except (ValueError, binascii.Error):
        return None
    if instant.tzinfo is None or not 0 < number < 2**63:
        return None
    return instant, number
