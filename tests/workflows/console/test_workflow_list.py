from __future__ import annotations

import pytest
from django.test import Client

from tests.workflows.console.conftest import MakeWorkflow, add_run
from workflows.models import State, Workflow

LIST = "/workflows/"
HTMX = {"HX-Request": "true"}


def test_visitor_is_led_to_sign_in(client: Client, db: None) -> None:
    response = client.get(LIST)

    assert response.status_code == 302
    assert response["Location"] == "/accounts/sign-in/?next=/workflows/"


def test_operator_without_right_is_told_which_one(outsider_client: Client) -> None:
    response = outsider_client.get(LIST, headers={"accept": "text/html"})

    assert response.status_code == 403
    assert b"workflows.view" in response.content


def test_row_shows_label_state_schedule_and_pause(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_run(make_workflow("cleanup"))

    page = supervisor_client.get(LIST).content.decode()

    assert "Database cleanup" in page
    assert "Every day at 04:00" in page
    assert 'formaction="/workflows/cleanup/commands/pause/"' in page


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("all", 4),
        ("running", 1),
        ("failed", 1),
        ("paused", 1),
        ("not-started", 1),
        ("finished", 0),
    ],
)
def test_tab_holds_its_workflows(
    view: str,
    expected: int,
    supervisor_client: Client,
    make_workflow: MakeWorkflow,
    failed_workflow: Workflow,
) -> None:
    make_workflow("one")
    make_workflow("two", state=State.PAUSED)
    make_workflow("three", state=State.EDITED)

    response = supervisor_client.get(LIST, {"state": view})

    assert response.context["listing"].page.paginator.count == expected
    assert len(response.context["listing"].page.object_list) == expected


@pytest.mark.parametrize("text", ["cleanup", "database CLEAN", "資料庫清除"])
def test_search_finds_labels_of_every_language(
    text: str, supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("cleanup")
    make_workflow("tracking")

    response = supervisor_client.get(LIST, {"q": text})

    names = [r.record.internal_name for r in response.context["listing"].page]
    assert names == ["cleanup"]


def test_package_filter_narrows_tabs_too(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one", package="delivery")
    make_workflow("two", package="mrm")

    response = supervisor_client.get(LIST, {"package": "mrm"})

    assert response.context["tabs"][0].count == 1


def test_nothing_found_offers_to_clear(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.get(LIST, {"q": "nowhere"})

    assert "No workflow matches." in response.content.decode()


def test_newest_failure_stands_on_top(
    supervisor_client: Client, failed_workflow: Workflow
) -> None:
    page = supervisor_client.get(LIST).content.decode()

    assert "The file is missing." in page
    assert 'href="/workflows/broken/"' in page


def test_list_costs_ten_queries_at_most_however_long(
    supervisor_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: object,
) -> None:
    for number in range(60):
        workflow = make_workflow(f"flow{number:02d}")
        add_run(workflow)
        add_run(workflow)

    with django_assert_max_num_queries(10):  # type: ignore[operator]
        response = supervisor_client.get(LIST)

    assert len(response.context["listing"].page.object_list) == 50


def test_unchanged_list_answers_nothing(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_run(make_workflow("one"))
    token = supervisor_client.get(LIST).context["token"]

    response = supervisor_client.get("/workflows/changes/", {"token": token})

    assert response.status_code == 204


def test_changes_hold_the_changed_cells_only(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    one, two = make_workflow("one"), make_workflow("two")
    token = supervisor_client.get(LIST).context["token"]
    Workflow.objects.filter(pk=one.pk).update(state=State.FINISHED)

    response = supervisor_client.get("/workflows/changes/", {"token": token})

    body = response.content.decode()
    assert f"#state-{one.pk}" in body
    assert f"-{two.pk}" not in body
    assert response["X-Live-Token"] != token


def test_reader_without_right_sees_disabled_buttons_with_reason(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = viewer_client.get(LIST).content.decode()

    assert 'aria-disabled="true"' in page
    assert "You lack the right workflows.operate_technical." in page


def test_page_beyond_the_end_shows_the_last_one(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.get(LIST, {"page": "99"})

    assert response.status_code == 200
