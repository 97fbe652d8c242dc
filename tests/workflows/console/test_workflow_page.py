from __future__ import annotations

import pytest
from django.test import Client

from tests.workflows.console.conftest import NOW, MakeWorkflow, add_run, add_task
from workflows.models import (
    Command,
    CommandStatus,
    JournalEntry,
    Occurrence,
    OccurrenceOutcome,
    RunStatus,
    Source,
    State,
    Substate,
    TaskStatus,
    Workflow,
)


def _page(client: Client, name: str, **query: str) -> str:
    response = client.get(f"/workflows/{name}/", query)
    assert response.status_code == 200
    return response.content.decode()


def test_missing_workflow_is_told(supervisor_client: Client) -> None:
    response = supervisor_client.get(
        "/workflows/nowhere/", headers={"accept": "text/html"}
    )

    assert response.status_code == 404
    assert "nowhere" in response.content.decode()


def test_failure_names_cause_and_where_start_resumes(
    supervisor_client: Client, failed_workflow: Workflow
) -> None:
    page = _page(supervisor_client, "broken")

    assert "Start resumes at “Collect rows”; Restart begins again." in page
    assert "The file is missing." in page


def test_diagram_shows_count_label_and_duration(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    run = add_run(make_workflow("one"))
    add_task(run, record_count=574, result_label="Ok")

    page = _page(supervisor_client, "one")

    assert "574 – Ok" in page
    assert "3 s" in page


def test_activity_of_the_diagram_filters_the_log(
    supervisor_client: Client, failed_workflow: Workflow
) -> None:
    JournalEntry.objects.create(
        workflow=failed_workflow, activity="end", message="Other line", at=NOW
    )

    page = _page(supervisor_client, "broken", activity="work")

    assert "The file rules.xml is missing." in page
    assert "Other line" not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": "rules"}, 1),
        ({"text": "nothing like it"}, 0),
        ({"level": "40"}, 1),
        ({"run": "0"}, 1),
        ({"run": "999999"}, 0),
        ({"run": "x'; --"}, 1),
        ({"level": "11"}, 1),
        ({"before": "1" * 30}, 1),
    ],
)
def test_log_filters(
    query: dict[str, str],
    expected: int,
    supervisor_client: Client,
    failed_workflow: Workflow,
) -> None:
    response = supervisor_client.get("/workflows/broken/", query)

    assert len(response.context["slice"].rows) == expected


def test_older_lines_follow_by_key(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    JournalEntry.objects.bulk_create(
        JournalEntry(workflow=workflow, message=f"line {n}", at=NOW) for n in range(60)
    )
    first = supervisor_client.get("/workflows/one/").context["slice"]

    older = supervisor_client.get("/workflows/one/", {"before": str(first.older)})

    assert len(first.rows) == 50
    assert older.context["slice"].rows[0].message == "line 9"
    assert older.context["slice"].older is None


def test_commands_tab_shows_the_ledger(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    Command.objects.create(
        workflow=make_workflow("one"),
        name="stop",
        status=CommandStatus.REFUSED,
        state_before="edited",
        author="somebody",
        source=Source.API,
        message="Not possible in the state Being edited.",
        requested_at=NOW,
    )

    page = _page(supervisor_client, "one", tab="commands")

    assert "somebody" in page
    assert "Not possible in the state Being edited." in page


def test_occurrences_tab_tells_why_a_run_was_skipped(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    Occurrence.objects.create(
        workflow=make_workflow("one"),
        activity="scheduler",
        scheduled_for=NOW,
        last_scheduled_for=NOW,
        outcome=OccurrenceOutcome.SKIPPED_OVERLAP,
        reason="run 7",
        recorded_at=NOW,
    )

    page = _page(supervisor_client, "one", tab="occurrences")

    assert "Skipped: the last run was still running" in page
    assert "run 7" in page


@pytest.mark.parametrize(
    "tab", ["log", "tasks", "runs", "occurrences", "commands", "changes"]
)
def test_page_costs_ten_queries_at_most(
    tab: str,
    admin_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: object,
) -> None:
    workflow = make_workflow("one")
    for _number in range(20):
        add_task(add_run(workflow))

    with django_assert_max_num_queries(10):  # type: ignore[operator]
        admin_client.get("/workflows/one/", {"tab": tab})


def test_unchanged_page_answers_nothing(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    run = add_run(make_workflow("one"), RunStatus.RUNNING)
    add_task(
        run, status=TaskStatus.ACTIVE, substate=Substate.RUNNING, completed_at=None
    )
    token = supervisor_client.get("/workflows/one/").context["token"]

    response = supervisor_client.get("/workflows/one/changes/", {"token": token})

    assert response.status_code == 204


def test_changed_state_swaps_the_head_only(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    token = supervisor_client.get("/workflows/one/").context["token"]
    Workflow.objects.filter(pk=workflow.pk).update(state=State.FINISHED)

    body = supervisor_client.get("/workflows/one/changes/", {"token": token})

    assert "#workflow-head" in body.content.decode()
    assert "#workflow-rows" not in body.content.decode()


def test_every_page_is_free_of_inline_style_and_script(
    supervisor_client: Client, failed_workflow: Workflow
) -> None:
    pages = [
        supervisor_client.get(path).content.decode()
        for path in (
            "/workflows/",
            "/workflows/broken/",
            "/workflows/broken/properties/",
            "/workflows/broken/schedule/scheduler/",
            "/workflows/broken/commands/stop/",
            "/accounts/profile/",
        )
    ]

    together = "".join(pages)
    assert " style=" not in together
    assert "<style" not in together
    assert "onclick" not in together
    assert together.count("<script") == together.count("<script src=") + (
        together.count('<script type="module" src=')
    )
