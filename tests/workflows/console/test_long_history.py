"""Lists below the diagram when the history is longer than one search reads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.workflows.console.conftest import NOW, MakeWorkflow
from workflows import searching
from workflows.models import JournalEntry, Occurrence, OccurrenceOutcome, Workflow


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "STEP", 10)


@pytest.fixture
def workflow(make_workflow: MakeWorkflow) -> Workflow:
    """A workflow whose oldest line alone speaks of a needle."""
    made = make_workflow("one")
    JournalEntry.objects.bulk_create(
        JournalEntry(workflow=made, message="needle" if n == 0 else f"line {n}", at=NOW)
        for n in range(15)
    )
    return made


@pytest.mark.usefixtures("workflow")
def test_search_without_a_match_yet_offers_the_older_lines(
    supervisor_client: Client,
) -> None:
    answer = supervisor_client.get("/workflows/one/", {"text": "needle"})

    page = answer.content.decode()
    assert "Nothing matches among the newest of them" in page
    assert f"before={answer.context['slice'].older}" in page


@pytest.mark.usefixtures("workflow")
def test_search_goes_on_where_the_page_before_ended(supervisor_client: Client) -> None:
    first = supervisor_client.get("/workflows/one/", {"text": "needle"})
    older = first.context["slice"].older

    query = {"text": "needle", "before": str(older)}
    rows = supervisor_client.get("/workflows/one/", query).context["slice"].rows

    assert [row.message for row in rows] == ["needle"]


@pytest.mark.usefixtures("workflow")
def test_search_at_the_end_of_the_history_offers_nothing_older(
    supervisor_client: Client,
) -> None:
    query = {"text": "nowhere", "before": "1"}
    answer = supervisor_client.get("/workflows/one/", query)

    assert "Nothing matches the filters." in answer.content.decode()


def test_planned_instants_come_latest_first_page_by_page(
    supervisor_client: Client, workflow: Workflow
) -> None:
    Occurrence.objects.bulk_create(
        Occurrence(
            workflow=workflow,
            activity=f"scheduler{n % 2}",
            scheduled_for=NOW - timedelta(minutes=n // 2),
            last_scheduled_for=NOW,
            outcome=OccurrenceOutcome.RAN,
            recorded_at=NOW,
        )
        for n in range(60)
    )

    query = {"tab": "occurrences"}
    first = supervisor_client.get("/workflows/one/", query).context["slice"]
    query["before"] = str(first.older)
    second = supervisor_client.get("/workflows/one/", query).context["slice"]

    shown = [(o.scheduled_for, o.pk) for o in (*first.rows, *second.rows)]
    assert len(set(shown)) == 60
    assert shown == sorted(shown, reverse=True)
