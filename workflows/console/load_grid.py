"""The grids of the heat maps: hours by five minutes, or hours by days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.console import wording
from workflows.engine.calendar.instants import to_instant, to_seconds, wall_seconds
from workflows.engine.forecast import Cell, Profile, even_cells

COLUMN_SECONDS: Final = 300
HOUR_SECONDS: Final = 3600
_ONE_DAY: Final = timedelta(days=1)
#: Shares of the limit at which a cell gets a stronger shade.
_SHADES: Final = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Square:
    """One cell as it is drawn: a number, a shade, and words for those who listen."""

    count: int
    shade: str
    text: str
    key: str
    is_chosen: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether more run at once than may."""
        return self.shade == "over"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the grid; ``day`` is set where a new day begins."""

    label: str
    day: str
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table that says the same: equal neighbours are joined."""

    begins: datetime
    ends: datetime
    count: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A heat map made ready for the page, and the same as a table."""

    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]
    busiest: int
    over: int
    chosen: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the cells of a grid lie: rows of cells, and their labels."""

    columns: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def cells(self) -> list[Cell]:
        """Return the cells that exist, in order of time."""
        every = {cell for row in self.rows for cell in row if cell.ends > cell.begins}
        return sorted(every, key=lambda cell: cell.begins)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Return where the grid begins and ends."""
        cells = self.cells
        return to_instant(cells[0].begins), to_instant(cells[-1].ends)

    def find(self, key: str) -> Cell | None:
        """Return the cell that begins at an ISO instant, if any does."""
        try:
            at = to_seconds(datetime.fromisoformat(key))
        except ValueError:
            return None
        return next((cell for cell in self.cells if cell.begins == at), None)


def of_hours(first: datetime, hours: int = 24) -> Plan:
    """Return rows of one hour with twelve cells, from the hour of ``first`` on."""
    zone = timezone.get_current_timezone()
    begin = to_seconds(first.astimezone(zone).replace(minute=0, second=0))
    rows, labels = [], []
    shown_day: date | None = None
    for index in range(hours):
        at = begin + index * HOUR_SECONDS
        rows.append(tuple(even_cells(at, COLUMN_SECONDS, 12)))
        local = to_instant(at).astimezone(zone)
        day = "" if local.date() == shown_day else short_day(local.date())
        shown_day = local.date()
        labels.append((f"{local:%H:%M}", day))
    columns = tuple(f":{minute:02}" for minute in range(0, 60, 5))
    return Plan(columns, tuple(labels), tuple(rows))


def of_day(day: date) -> Plan:
    """Return one local day in rows of one hour; 23 or 25 where clocks change."""
    zone = _zone()
    begins = wall_seconds(zone, day, time(0))
    ends = wall_seconds(zone, day + _ONE_DAY, time(0))
    hours = max(1, round((ends - begins) / HOUR_SECONDS))
    return of_hours(to_instant(begins), hours)


def of_days(first: date, days: int) -> Plan:
    """Return 24 rows, the hours of the local day, with one cell for each day.

    Where an hour does not exist the cell is empty; where it comes twice, both are
    in it.
    """
    zone = _zone()
    dates = [first + timedelta(days=index) for index in range(days)]
    rows = tuple(
        tuple(_hour_of(zone, day, hour) for day in dates) for hour in range(24)
    )
    labels = tuple((f"{hour:02}:00", "") for hour in range(24))
    return Plan(tuple(short_day(day) for day in dates), labels, rows)


def draw(
    plan: Plan,
    profile: Profile,
    limit: int,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
    chosen: str = "",
) -> Grid:
    """Return the grid with the number of workflows at once in each cell.

    Cells that end before ``since`` or begin after ``before`` say that they are not
    looked at.
    """
    low = to_seconds(since) if since else None
    high = to_seconds(before) if before else None
    cells = [
        cell
        for cell in plan.cells
        if (low is None or cell.ends > low) and (high is None or cell.begins < high)
    ]
    peaks = dict(zip(cells, profile.peaks(cells), strict=True))
    picked = plan.find(chosen)
    lines = tuple(
        Line(
            label,
            day,
            tuple(
                _square(cell, peaks.get(cell), limit, cell == picked) for cell in row
            ),
        )
        for (label, day), row in zip(plan.labels, plan.rows, strict=True)
    )
    over = sum(peak > limit for peak in peaks.values())
    return Grid(
        plan.columns,
        lines,
        tuple(_entries(cells, peaks.values(), limit)),
        max(peaks.values(), default=0),
        over,
        (to_instant(picked.begins), to_instant(picked.ends)) if picked else None,
    )


def short_day(day: date) -> str:
    """Return a day in few letters, with its weekday."""
    at = datetime.combine(day, time(12), tzinfo=UTC)
    return wording.weekday(at)


def _zone() -> ZoneInfo:
    return ZoneInfo(timezone.get_current_timezone_name())


def _hour_of(zone: ZoneInfo, day: date, hour: int) -> Cell:
    following = day + _ONE_DAY if hour == 23 else day
    return Cell(
        wall_seconds(zone, day, time(hour)),
        wall_seconds(zone, following, time((hour + 1) % 24)),
    )


def _square(cell: Cell, count: int | None, limit: int, is_chosen: bool) -> Square:
    if cell.ends <= cell.begins:
        text = _("This hour does not exist on that day: the clocks change.")
        return Square(0, "none", text, "")
    if count is None:
        return Square(0, "none", _("This page does not look at this time."), "")
    begins, ends = to_instant(cell.begins), to_instant(cell.ends)
    words = {
        "from": wording.moment(begins),
        "until": f"{timezone.localtime(ends):%H:%M}",
        "count": count,
        "limit": limit,
    }
    if count > limit:
        text = _("%(from)s to %(until)s: %(count)s at once, over the limit %(limit)s")
    else:
        text = ngettext(
            "%(from)s to %(until)s: %(count)s workflow at once",
            "%(from)s to %(until)s: %(count)s workflows at once",
            count,
        )
    return Square(
        count,
        _shade(count, limit),
        text % words,
        wording.iso(begins),
        is_chosen,
    )


def _shade(count: int, limit: int) -> str:
    if not count:
        return "free"
    if count > limit:
        return "over"
    if count == limit:
        return "full"
    return str(1 + sum(count > share * limit for share in _SHADES))


def _entries(cells: Sequence[Cell], peaks: Iterable[int], limit: int) -> list[Entry]:
    found: list[Entry] = []
    for cell, peak in zip(cells, peaks, strict=True):
        begins, ends = to_instant(cell.begins), to_instant(cell.ends)
        if found and found[-1].count == peak and found[-1].ends == begins:
            found[-1] = Entry(found[-1].begins, ends, peak, peak > limit)
        else:
            found.append(Entry(begins, ends, peak, peak > limit))
    return found
