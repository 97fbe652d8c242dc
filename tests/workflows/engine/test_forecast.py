"""Counts, gaps and shifts agree with what brute force finds second by second."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from workflows.engine.calendar import Schedule, occurrences
from workflows.engine.calendar.instants import to_instant
from workflows.engine.forecast import (
    Cell,
    Profile,
    Span,
    even_cells,
    merged,
    quieter,
    shifted,
)

END = 120
SPANS = st.lists(
    st.builds(
        lambda key, begins, length: Span(key, begins, begins + length),
        st.integers(1, 5),
        st.integers(0, END),
        st.integers(0, 40),
    ),
    max_size=12,
)


def at_once(spans: list[Span], second: int) -> int:
    """Return how many workflows are at work in one second, by looking at each."""
    return len(
        {span.workflow_id for span in spans if span.begins <= second < span.ends}
    )


def daily(time: str) -> Schedule:
    return Schedule.parse({"kind": "daily", "time": time})


@given(SPANS, st.integers(0, END), st.integers(0, 60))
def test_peak_is_the_most_of_any_second(
    spans: list[Span], begins: int, length: int
) -> None:
    ends = begins + length
    counts = [at_once(spans, second) for second in range(begins, ends)]

    assert Profile.of(spans).peak(begins, ends) == max(counts, default=0)


@given(SPANS, st.integers(1, 30))
def test_cells_count_what_their_seconds_do(spans: list[Span], seconds: int) -> None:
    cells = even_cells(0, seconds, 6)

    peaks = Profile.of(spans).peaks(cells)

    assert peaks == [
        max(at_once(spans, second) for second in range(cell.begins, cell.ends))
        for cell in cells
    ]


@given(SPANS, st.integers(0, 60), st.integers(1, 100))
def test_gaps_are_the_seconds_in_which_nobody_works(
    spans: list[Span], low: int, length: int
) -> None:
    high = low + length

    gaps = Profile.of(spans).gaps(low, high, least=1)

    free = {second for gap in gaps for second in range(gap.begins, gap.ends)}
    assert free == {second for second in range(low, high) if not at_once(spans, second)}
    assert sum(gap.seconds for gap in gaps) == len(free)
    assert [gap.seconds for gap in gaps] == sorted(
        (gap.seconds for gap in gaps), reverse=True
    )


@given(SPANS, st.integers(0, 60), st.integers(1, 100))
def test_neighbouring_gaps_are_one(spans: list[Span], low: int, length: int) -> None:
    gaps = Profile.of(spans).gaps(low, low + length, least=1)

    assert not {gap.begins for gap in gaps} & {gap.ends for gap in gaps}


@given(SPANS)
def test_merged_spans_of_a_workflow_do_not_touch(spans: list[Span]) -> None:
    found = sorted(merged(spans), key=lambda span: (span.workflow_id, span.begins))

    for earlier, later in pairwise(found):
        assert earlier.workflow_id != later.workflow_id or earlier.ends < later.begins
    for second in range(END + 40):
        assert at_once(found, second) == at_once(spans, second)


def test_empty_cell_counts_nothing() -> None:
    assert Profile.of([Span(1, 0, 10)]).peaks([Cell(5, 5)]) == [0]


def test_short_gaps_are_left_out() -> None:
    profile = Profile.of([Span(1, 0, 10), Span(1, 40, 50)])

    assert profile.gaps(0, 60, least=20) == profile.gaps(0, 60, least=30)
    assert len(profile.gaps(0, 60, least=31)) == 0


@given(st.integers(0, 23), st.integers(0, 59), st.integers(-90, 90))
def test_moved_schedule_fires_that_much_later_each_day(
    hour: int, minute: int, minutes: int
) -> None:
    schedule = daily(f"{hour:02}:{minute:02}")
    zone, start = ZoneInfo("UTC"), to_instant(0)

    moved = shifted(schedule, minutes)

    if not 0 <= hour * 60 + minute + minutes < 24 * 60:
        assert moved is None
        return
    assert moved is not None
    before = occurrences(schedule, start, 20, zone=zone)
    after = occurrences(moved, start, 20, zone=zone)
    together = {(item.hour, item.minute) for item in after}
    assert len({item.date() for item in after}) == len(after)
    assert len(together) == 1
    distance = (after[-1] - before[-1]).total_seconds() % 86_400
    assert distance == minutes * 60 % 86_400


def test_repetition_moves_with_its_end() -> None:
    schedule = Schedule.parse(
        {
            "kind": "several_times_a_day",
            "every": "30m",
            "from": "08:00",
            "until": "18:00",
        }
    )

    moved = shifted(schedule, 7)

    assert moved is not None
    assert (str(moved.from_time), str(moved.until_time)) == ("08:07:00", "18:07:00")


def test_repetition_all_day_keeps_every_slot() -> None:
    schedule = Schedule.parse(
        {"kind": "several_times_a_day", "every": "10m", "from": "00:00"}
    )

    assert shifted(schedule, 9) is not None
    assert shifted(schedule, 10) is None


def test_single_instant_is_not_moved() -> None:
    once = {"kind": "once", "start_date": "2027-01-01", "time": "04:00"}

    assert shifted(Schedule.parse(once), 5) is None


def test_quieter_time_is_the_nearest_with_the_fewest_others() -> None:
    four = 4 * 3600
    others = Profile.of(
        [Span(2, four - 600, four + 120), Span(3, four, four + 300)],
    )

    found = quieter(daily("04:00"), [four], 60, others)

    assert found is not None
    assert (found.minutes, found.others_now, found.others_then) == (5, 2, 0)
    assert str(found.schedule.times[0]) == "04:05:00"


def test_no_quieter_time_is_found_where_nobody_else_works() -> None:
    assert quieter(daily("04:00"), [4 * 3600], 60, Profile.of([])) is None


@given(SPANS, st.integers(1, 60))
def test_quieter_time_meets_fewer_than_before(spans: list[Span], seconds: int) -> None:
    others = Profile.of(
        [Span(each.workflow_id, each.begins * 60, each.ends * 60) for each in spans]
    )

    found = quieter(daily("01:00"), [3600], seconds, others)

    if found is not None:
        at = 3600 + found.minutes * 60
        assert found.others_then == others.peak(at, at + seconds)
        assert found.others_then < others.peak(3600, 3600 + seconds)
