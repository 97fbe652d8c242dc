"""Filters over a long history: a page reads so many rows, the next one goes on."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.workflows.api.conftest import Caller
from workflows import searching
from workflows.models import JournalEntry, Level, Workflow

ONE = "/api/v1/workflows/testsCount"


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "STEP", 10)


@pytest.fixture
def lines(workflow: Workflow) -> list[JournalEntry]:
    """Thirty lines, of which the fifth from the start is an error."""
    JournalEntry.objects.filter(workflow=workflow).delete()
    return JournalEntry.objects.bulk_create(
        JournalEntry(
            workflow=workflow,
            message=f"line {number}",
            level=Level.ERROR if number == 4 else Level.INFO,
            at=timezone.now(),
        )
        for number in range(30)
    )


def read(reader: Caller, **query: Any) -> list[list[str]]:
    """Return the messages of every page up to the last one."""
    pages: list[list[str]] = []
    following: dict[str, str] = {}
    while len(pages) < 40:
        answer = reader.get(f"{ONE}/logs", **query, **following).json()
        pages.append([item["message"] for item in answer["items"]])
        if answer["next"] is None:
            break
        following = {"cursor": answer["next"]}
    return pages


@pytest.mark.usefixtures("lines")
def test_rare_match_is_found_after_pages_without_one(reader: Caller) -> None:
    assert read(reader, level="error") == [[], [], ["line 4"], []]


@pytest.mark.usefixtures("lines")
def test_frequent_matches_come_once_each_and_in_order(reader: Caller) -> None:
    pages = read(reader, level="info", limit=4)

    shown = [message for page in pages for message in page]
    assert shown == [f"line {n}" for n in range(29, -1, -1)]


@pytest.mark.usefixtures("lines")
def test_page_without_filter_is_read_in_one_step(reader: Caller) -> None:
    assert [len(page) for page in read(reader)] == [30]


@pytest.mark.usefixtures("lines")
def test_lines_of_one_run_are_read_in_one_step(reader: Caller) -> None:
    assert read(reader, run_id=1, level="error") == [[]]


@pytest.mark.usefixtures("lines")
def test_foreign_cursor_of_a_filtered_list_is_a_fault(reader: Caller) -> None:
    answer = reader.get(f"{ONE}/logs", level="error", cursor="W10")

    assert answer.status_code == 400
