from __future__ import annotations

from typing import Any

from django.test import Client

from tests.workflows.console.conftest import NOW, MakeWorkflow, add_run, add_task
from workflows.models import JournalEntry


def test_simulation_among_the_runs_leads_to_its_comparison(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    run = add_run(make_workflow("one"), is_simulation=True)

    page = supervisor_client.get("/workflows/one/", {"tab": "runs"}).content.decode()

    assert f'href="/workflows/one/runs/{run.pk}/comparison/"' in page


def test_simulation_stands_beside_the_real_run(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    workflow = make_workflow("one")
    simulation = add_run(workflow, is_simulation=True)
    add_task(simulation, is_simulated=True, record_count=212, output="")
    JournalEntry.objects.create(
        workflow=workflow,
        run=simulation,
        activity="work",
        message="%(count)s rows would be collected.",
        parameters={"count": 212},
        at=NOW,
    )
    add_task(add_run(workflow), record_count=215, result_label="Ok")

    page = supervisor_client.get(
        f"/workflows/one/runs/{simulation.pk}/comparison/"
    ).content.decode()

    row = page.partition("Collect rows</th>")[2].partition("</tr>")[0]
    simulated, _cell, real = row.partition("</td>")
    assert "Not executed" in simulated
    assert "<strong>212</strong>" in simulated
    assert "212 rows would be collected." in simulated
    assert "<strong>215</strong> Ok" in real
    assert "Not executed" not in real


def test_simulation_that_no_run_has_followed_says_so(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    run = add_run(make_workflow("one"), is_simulation=True)

    page = supervisor_client.get(
        f"/workflows/one/runs/{run.pk}/comparison/"
    ).content.decode()

    assert "No real run has followed yet" in page


def test_real_run_has_no_comparison(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    run = add_run(make_workflow("one"))

    response = supervisor_client.get(
        f"/workflows/one/runs/{run.pk}/comparison/", headers={"accept": "text/html"}
    )

    assert response.status_code == 404


def test_comparison_costs_a_bounded_number_of_queries(
    supervisor_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: Any,
) -> None:
    workflow = make_workflow("one")
    simulation = add_run(workflow, is_simulation=True)
    real = add_run(workflow)
    for _number in range(20):
        add_task(simulation, is_simulated=True)
        add_task(real)

    with django_assert_max_num_queries(14):
        supervisor_client.get(f"/workflows/one/runs/{simulation.pk}/comparison/")
