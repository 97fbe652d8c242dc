"""Kept views, columns and the file of the list of workflows."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from campaign.access.models import Operator
from tests.workflows.console.conftest import NOW, MakeWorkflow, add_run
from workflows.models import AuditEntry, SavedView, State

LIST = "/workflows/"
VIEWS = "/views/workflows/"
PAGE = {"accept": "text/html"}
COLUMNS = "/columns/workflows/"


def keep(client: Client, label: str = "Mine", **more: str) -> SavedView:
    """Keep the failed workflows of a package under a name."""
    answer = client.post(
        VIEWS, {"label": label, "query": "state=failed&package=delivery&page=3", **more}
    )
    assert answer.status_code == 302, answer.content
    return SavedView.objects.get(label=label)


def rows(client: Client, address: str) -> list[dict[str, str]]:
    """Return the lines of a downloaded file."""
    answer = client.get(address)
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_kept_view_forgets_the_page(admin_client: Client) -> None:
    assert keep(admin_client).query == "package=delivery&state=failed"


def test_keeping_leads_back_to_the_filtered_list(admin_client: Client) -> None:
    answer = admin_client.post(VIEWS, {"label": "Mine", "query": "state=failed"})

    assert answer["Location"] == "/workflows/?state=failed"


def test_keeping_is_audited(admin_client: Client) -> None:
    view = keep(admin_client)

    entry = AuditEntry.objects.get(action="workflows.saved_view.saved")
    assert entry.object_id == str(view.pk)
    assert entry.changes["query"] == [None, view.query]


def test_the_same_name_replaces_the_view(admin_client: Client) -> None:
    keep(admin_client)

    admin_client.post(VIEWS, {"label": "Mine", "query": "state=paused"})

    assert SavedView.objects.get().query == "state=paused"


@pytest.mark.parametrize("label", ["", "   ", "x" * 65])
def test_a_view_needs_a_name_of_fair_length(admin_client: Client, label: str) -> None:
    answer = admin_client.post(VIEWS, {"label": label}, headers=PAGE)

    assert answer.status_code == 400
    assert not SavedView.objects.exists()


def test_private_views_are_seen_by_their_owner_alone(
    admin_client: Client, outsider: Operator
) -> None:
    SavedView.objects.create(
        listing="workflows", label="Hidden", owner=outsider, created_at=NOW
    )

    assert "Hidden" not in admin_client.get(VIEWS).content.decode()


def test_shared_views_are_seen_by_everybody(
    admin_client: Client, outsider: Operator
) -> None:
    SavedView.objects.create(
        listing="workflows",
        label="For all",
        owner=outsider,
        is_shared=True,
        created_at=NOW,
    )

    assert "For all" in admin_client.get(VIEWS).content.decode()


def test_a_view_of_another_cannot_be_deleted(
    viewer_client: Client, administrator: Operator
) -> None:
    view = SavedView.objects.create(
        listing="workflows",
        label="Theirs",
        owner=administrator,
        is_shared=True,
        created_at=NOW,
    )

    answer = viewer_client.post(f"/views/{view.pk}/delete/", headers=PAGE)

    assert answer.status_code == 403
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_deleting_a_missing_view_says_so(admin_client: Client) -> None:
    answer = admin_client.post("/views/404/delete/", headers=PAGE)

    assert answer.status_code == 404


def test_deleting_is_audited(admin_client: Client) -> None:
    view = keep(admin_client)

    admin_client.post(f"/views/{view.pk}/delete/")

    assert not SavedView.objects.exists()
    assert AuditEntry.objects.filter(action="workflows.saved_view.deleted").exists()


def test_an_unknown_list_has_no_views(admin_client: Client) -> None:
    assert admin_client.get("/views/nothing/", headers=PAGE).status_code == 404


def test_owner_and_severity_are_hidden_at_first(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow(owner="Night shift")

    assert "Night shift" not in admin_client.get(LIST).content.decode()


def test_chosen_columns_are_remembered(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow(owner="Night shift")

    admin_client.post(COLUMNS, {"column": ["state", "owner"], "query": "q=sam"})

    page = admin_client.get(LIST).content.decode()
    assert "Night shift" in page
    assert '<div id="next_run-' not in page


def test_the_choice_of_columns_can_be_forgotten(
    admin_client: Client, make_workflow: MakeWorkflow, administrator: Operator
) -> None:
    make_workflow()
    admin_client.post(COLUMNS, {"column": ["state"]})

    admin_client.post(COLUMNS, {"do": "reset"})

    administrator.refresh_from_db()
    assert administrator.preferences["columns"] == {}
    assert '<div id="next_run-' in admin_client.get(LIST).content.decode()


def test_all_columns_cost_ten_queries_at_most(
    admin_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: object,
) -> None:
    for number in range(5):
        add_run(make_workflow(f"sample_{number}"))
    admin_client.post(COLUMNS, {"column": ["state", "last_run", "supervisors"]})

    with django_assert_max_num_queries(10):  # type: ignore[operator]
        admin_client.get(LIST)


def test_the_file_holds_what_the_filters_leave(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_run(make_workflow("sample"))
    make_workflow("paused_one", state=State.PAUSED)

    found = rows(admin_client, f"{LIST}?state=paused&format=csv")

    assert [row["Internal name"] for row in found] == ["paused_one"]


def test_the_file_has_the_newest_run(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    add_run(make_workflow("sample"))

    [row] = rows(admin_client, f"{LIST}?format=csv")

    assert row["Result"] == "Finished"
    assert row["Last run"] == "2026-11-22T09:59:00+00:00"


def test_a_cell_of_the_file_is_no_formula(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample", owner="=1+1")

    [row] = rows(admin_client, f"{LIST}?format=csv")

    assert row["Owner"] == "'=1+1"


def test_the_report_names_owner_and_runbook(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow(
        "sample", owner="Night shift", runbook="https://wiki.example.com/sample"
    )

    page = admin_client.get("/workflows/report/").content.decode()

    assert "Night shift" in page
    assert 'href="https://wiki.example.com/sample"' in page


def test_a_runbook_that_is_no_address_is_no_link(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample", runbook="javascript:alert(1)")

    page = admin_client.get("/workflows/report/").content.decode()

    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page


def test_the_report_costs_ten_queries_at_most(
    admin_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: object,
) -> None:
    for number in range(20):
        make_workflow(f"sample_{number}")

    with django_assert_max_num_queries(10):  # type: ignore[operator]
        admin_client.get("/workflows/report/")


def test_dense_rows_are_remembered(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow()

    admin_client.post(COLUMNS, {"column": ["state"], "density": "compact"})

    assert 'data-density="compact"' in admin_client.get(LIST).content.decode()


def test_an_unknown_density_is_the_usual_one(admin_client: Client) -> None:
    admin_client.post(COLUMNS, {"column": ["state"], "density": "tiny"})

    assert "data-density" not in admin_client.get(LIST).content.decode()
