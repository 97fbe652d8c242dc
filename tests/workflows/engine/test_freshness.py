from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from tests.workflows.samples import START, entry
from workflows.actions.sync import sync_workflows
from workflows.engine import freshness
from workflows.models import Freshness, Heartbeat, Workflow
from workflows.registry import (
    Backlog,
    BacklogLimits,
    Done,
    RunContext,
    activity,
    technical_workflow,
    temporary_workflow,
)

pytestmark = pytest.mark.django_db
OLDEST = START - timedelta(seconds=40)
LATER = START + timedelta(seconds=30)
UNLIMITED = BacklogLimits()
WAITING = Backlog(rows=212, oldest_at=OLDEST, good_until=OLDEST)


@contextmanager
def declared(
    answer: Callable[[], Backlog],
    *,
    name: str = "sample",
    limits: BacklogLimits = UNLIMITED,
    text: str = "",
) -> Iterator[Workflow]:
    """Install a workflow whose backlog is what ``answer`` returns."""

    class Sample:
        @activity(after="scheduler")
        def process(self, run: RunContext) -> Done:
            return Done(is_idle=True)

        def backlog(self) -> Backlog:
            return answer()

    with temporary_workflow(Sample, name, entry(name, schedule=None, signals=("s",))):
        technical_workflow(
            internal_name=name, backlog_limits=limits, backlog_text=text
        )(Sample)
        sync_workflows(at=START)
        yield Workflow.objects.get(internal_name=name)


def lines(workflow: Workflow, after: float = 0) -> list[str]:
    at = START + timedelta(seconds=after)
    return [line.text for line in freshness.describe(workflow.pk, at)]


def boom() -> Backlog:
    raise ValueError("no such queue\nand more")


def test_answer_of_a_declaration_is_kept() -> None:
    with declared(lambda: WAITING) as workflow:
        freshness.sample(START)

        kept = Freshness.objects.get(workflow=workflow)

    assert (kept.rows, kept.oldest_at, kept.good_until) == (212, OLDEST, OLDEST)
    assert kept.sampled_at == START
    assert not kept.is_over


def test_next_sample_replaces_the_last() -> None:
    answers = iter([WAITING, Backlog(rows=0)])
    with declared(lambda: next(answers)) as workflow:
        freshness.sample(START)
        freshness.sample(LATER)

        kept = Freshness.objects.get(workflow=workflow)

    assert (kept.rows, kept.oldest_at) == (0, None)


@pytest.mark.parametrize(
    ("limits", "is_over"),
    [
        (UNLIMITED, False),
        (BacklogLimits(rows=212), False),
        (BacklogLimits(rows=211), True),
        (BacklogLimits(age=timedelta(seconds=40)), False),
        (BacklogLimits(age=timedelta(seconds=39)), True),
    ],
)
def test_declared_limit_is_judged(limits: BacklogLimits, is_over: bool) -> None:
    with declared(lambda: WAITING, limits=limits) as workflow:
        freshness.sample(START)

        assert Freshness.objects.get(workflow=workflow).is_over is is_over


def test_own_limit_of_a_workflow_comes_first() -> None:
    with declared(lambda: WAITING, limits=BacklogLimits(rows=1)) as workflow:
        Workflow.objects.filter(pk=workflow.pk).update(backlog_max_rows=1_000)

        freshness.sample(START)

        assert not Freshness.objects.get(workflow=workflow).is_over


def test_empty_backlog_is_never_too_old() -> None:
    empty = Backlog(rows=0, oldest_at=OLDEST)
    limits = BacklogLimits(age=timedelta(seconds=1))
    with declared(lambda: empty, limits=limits) as workflow:
        freshness.sample(START)

        assert not Freshness.objects.get(workflow=workflow).is_over


def test_failing_declaration_stops_no_other() -> None:
    with declared(boom, name="first"), declared(lambda: WAITING, name="second"):
        freshness.sample(START)

        kept = {f.workflow.internal_name: f for f in Freshness.objects.all()}

    assert kept["first"].error == "no such queue"
    assert kept["second"].rows == 212


def test_failure_keeps_the_numbers_known_last() -> None:
    answers = iter([WAITING])
    with declared(lambda: next(answers)) as workflow:
        freshness.sample(START)
        freshness.sample(LATER)

        kept = Freshness.objects.get(workflow=workflow)

    assert kept.rows == 212
    assert kept.error == "StopIteration"


@pytest.mark.django_db(transaction=True)
def test_question_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> Backlog:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return WAITING

    monkeypatch.setattr(freshness, "LONGEST_SECONDS", 0.1)
    with declared(slow) as workflow:
        freshness.sample(START)

        assert "timeout" in Freshness.objects.get(workflow=workflow).error


@pytest.mark.django_db(transaction=True)
def test_time_limit_ends_with_the_question() -> None:
    with declared(lambda: WAITING):
        freshness.sample(START)

        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


def test_slow_question_is_asked_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "SLOW_SECONDS", -1.0)
    monkeypatch.setattr(freshness, "SLOW_SHARE", 1e9)
    with declared(lambda: WAITING) as workflow:
        freshness.sample(START)
        freshness.sample(LATER)

        assert Freshness.objects.get(workflow=workflow).sampled_at == START


def test_quick_question_is_asked_each_time() -> None:
    with declared(lambda: WAITING) as workflow:
        freshness.sample(START)
        freshness.sample(LATER)

        assert Freshness.objects.get(workflow=workflow).sampled_at == LATER


def test_note_of_slow_questions_leaves_the_duty_as_ordered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Heartbeat.objects.create(kind="duty", name="freshness", at=START, sent_at=START)
    monkeypatch.setattr(freshness, "SLOW_SECONDS", -1.0)
    with declared(lambda: WAITING):
        freshness.sample(LATER)

    assert Heartbeat.objects.get(kind="duty", name="freshness").sent_at == START


def test_description_tells_rows_and_age() -> None:
    with declared(lambda: WAITING) as workflow:
        freshness.sample(START)

        assert lines(workflow) == [
            "212 rows wait, oldest 40 s.",
            "Its result is complete up to 40 s ago.",
        ]


def test_description_uses_the_words_of_the_declaration() -> None:
    text = "%(rows)s events wait, oldest %(age)s."
    with declared(lambda: WAITING, text=text) as workflow:
        freshness.sample(START)

        assert lines(workflow)[0] == "212 events wait, oldest 40 s."


def test_description_of_an_empty_backlog() -> None:
    with declared(lambda: Backlog(rows=0)) as workflow:
        freshness.sample(START)

        assert lines(workflow) == ["Nothing waits for it."]


def test_description_of_a_backlog_beyond_counting() -> None:
    many = Backlog(rows=freshness.COUNTED + 1)
    with declared(lambda: many) as workflow:
        freshness.sample(START)

        assert lines(workflow) == ["> 100000 rows wait."]


def test_old_sample_says_how_old_it_is() -> None:
    with declared(lambda: Backlog(rows=0)) as workflow:
        freshness.sample(START)

        assert lines(workflow, after=200) == [
            "Nothing waits for it.",
            "This was counted 3 min 20 s ago.",
        ]


def test_description_tells_why_nothing_is_known() -> None:
    with declared(boom) as workflow:
        freshness.sample(START)

        assert lines(workflow) == [
            "What waits for it could not be counted: no such queue"
        ]


def test_workflow_without_backlog_is_not_described() -> None:
    assert freshness.describe(0, START) == ()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (40, "40 s"),
        (60, "1 min"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (11_100, "3 h 5 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_age_is_told_in_two_units(seconds: float, text: str) -> None:
    assert freshness.age_text(seconds) == text
