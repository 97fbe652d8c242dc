from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.workflows.console.conftest import MakeWorkflow
from workflows.console.schedule_form import ScheduleForm
from workflows.engine.calendar import Schedule
from workflows.models import AuditEntry, Run, StructureVersion, Workflow

PAGE = "/workflows/one/schedule/scheduler/"
DAILY = {"kind": "daily", "times": "05:30", "interval": "1", "version": "1"}
SHAPES: tuple[dict[str, Any], ...] = (
    {"kind": "once", "start_date": "2027-01-31", "time": "07:15"},
    {
        "kind": "several_times_a_day",
        "every": "PT15M",
        "from": "08:00",
        "until": "18:00",
    },
    {"kind": "several_times_a_day", "every": "PT90S", "from": "00:00"},
    {"kind": "several_times_a_day", "times": ["08:00", "12:30:15"]},
    {"kind": "daily", "time": "04:00", "interval": 3, "start_date": "2027-02-01"},
    {"kind": "weekly", "weekdays": [1, 5], "time": "07:00", "interval": 2},
    {
        "kind": "monthly",
        "month_days": [1, 15, "last"],
        "time": "01:00",
        "months": [2, 7],
    },
    {"kind": "monthly", "ordinals": [{"nth": 2, "weekday": 2}], "time": "01:00"},
    {
        "kind": "yearly",
        "year_days": [{"month": 2, "day": 29}],
        "times": ["01:00", "2:00"],
    },
    {
        "kind": "daily",
        "time": "02:30",
        "tz": "Europe/Paris",
        "misfire": "skip",
        "on_resume": "fire_all",
        "max_lateness": "PT2H",
        "jitter": "PT1M",
        "expiry": {"type": "count", "value": 12},
    },
    {
        "kind": "daily",
        "time": "02:30",
        "expiry": {"type": "date", "value": "2030-01-01"},
    },
)


def _posted(initial: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in initial.items() if value not in (None, "")}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["kind"])
def test_form_gives_back_what_was_stored(shape: dict[str, Any]) -> None:
    stored = Schedule.parse(shape).as_dict()
    form = ScheduleForm(_posted(ScheduleForm.initial_of(stored)))

    assert form.is_valid(), form.errors
    assert Schedule.parse(form.stored()).as_dict() == stored


def test_page_shows_sentence_and_ten_instants(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.get(PAGE)

    assert "Every day at 04:00" in response.content.decode()
    assert len(response.context["preview"].new) == 10
    assert response.context["preview"].is_same


def test_preview_saves_nothing(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(PAGE, {**DAILY, "do": "preview"})

    assert "Every day at 05:30" in response.content.decode()
    assert StructureVersion.objects.count() == 1


def test_preview_of_a_browser_with_script_is_the_fragment_alone(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(
        PAGE, {**DAILY, "do": "preview"}, headers={"HX-Request": "true"}
    )

    assert "Every day at 05:30" in response.content.decode()
    assert "<html" not in response.content.decode()


def test_faults_stand_at_their_field(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(
        PAGE, {**DAILY, "times": "25:99", "tz": "Mars/Base", "do": "save"}
    )

    assert response.status_code == 422
    assert response.context["form"].errors["times"]
    assert response.context["form"].errors["tz"]
    assert StructureVersion.objects.count() == 1


def test_save_makes_a_version_an_audit_entry_and_no_run(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(PAGE, {**DAILY, "do": "save", "reason": "later"})

    assert response["Location"] == "/workflows/one/"
    workflow = Workflow.objects.get(internal_name="one")
    assert workflow.structure is not None
    assert workflow.structure.number == 2
    parameters = workflow.structure.activities[0]["parameters"]
    assert parameters["schedule"]["time"] == "05:30"
    assert AuditEntry.objects.get().reason == "later"
    assert not Run.objects.exists()


def test_stale_version_is_refused_with_a_way_out(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")
    supervisor_client.post(PAGE, {**DAILY, "do": "save"})

    response = supervisor_client.post(PAGE, {**DAILY, "times": "06:00", "do": "save"})

    assert response.status_code == 409
    assert "somebody changed this workflow meanwhile" in response.content.decode()
    assert StructureVersion.objects.count() == 2


def test_reset_brings_the_built_in_schedule_back(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("billing")
    page = "/workflows/billing/schedule/scheduler/"

    supervisor_client.post(page, {"do": "reset", "version": "1"})

    workflow = Workflow.objects.get(internal_name="billing")
    assert workflow.structure is not None
    stored = workflow.structure.activities[0]["parameters"]["schedule"]
    assert stored["kind"] == "monthly"


def test_cron_is_turned_into_the_nearest_kind(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(
        PAGE, {**DAILY, "cron": "*/5 * * * *", "do": "preview"}
    )

    assert response.context["preview"].sentence_new == "Every 5 minutes"


def test_cron_without_a_nearest_kind_is_told(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.post(PAGE, {**DAILY, "cron": "1 2 3", "do": "preview"})

    assert response.context["form"].errors["cron"]


def test_reader_without_right_cannot_save(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = viewer_client.post(
        PAGE, {**DAILY, "do": "save"}, headers={"accept": "text/html"}
    )

    assert response.status_code == 403
    assert StructureVersion.objects.count() == 1


def test_gap_of_the_clocks_is_marked(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")
    once = {
        "kind": "once",
        "start_date": "2027-03-28",
        "times": "02:30",
        "version": "1",
    }

    response = supervisor_client.post(
        PAGE, {**once, "tz": "Europe/Paris", "do": "preview"}
    )

    preview = response.context["preview"]
    assert preview.new[0].text == "28 Mar 2027, 03:00"
    assert "does not exist" in preview.new[0].mark


def test_short_address_leads_to_the_first_scheduler(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.get("/workflows/one/schedule/")

    assert response["Location"] == PAGE


def test_activity_that_is_no_scheduler_is_not_found(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    response = supervisor_client.get(
        "/workflows/one/schedule/work/", headers={"accept": "text/html"}
    )

    assert response.status_code == 404


def test_proposed_shift_fills_the_fields_and_saves_nothing(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.get(PAGE, {"shift": "7"})

    assert page.context["form"].initial["times"] == "04:07"
    assert "Every day at 04:07" in page.content.decode()
    assert {item.fate for item in page.context["preview"].new} == {"moved"}
    assert StructureVersion.objects.count() == 1


def test_shift_that_leaves_the_day_is_refused_in_words(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.get(PAGE, {"shift": "-300"})

    assert page.status_code == 422
    assert "leave its day" in page.content.decode()


def test_preview_tells_what_clock_changes_do(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.post(
        PAGE, {**DAILY, "times": "02:30", "tz": "Europe/Paris", "do": "preview"}
    ).content.decode()

    assert "02:30 does not exist that day; it runs at 03:00, once." in page
    assert "02:30 comes twice that day; it runs the first time only." in page
    assert 'data-clock="Europe/Paris"' in page


def test_typed_cron_shows_its_sentence(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.post(
        PAGE, {**DAILY, "cron": "0 7 * * 1-5", "do": "preview"}
    ).content.decode()

    assert "Every weekday at 07:00" in page


def test_cron_without_equivalent_is_refused_at_its_field(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.post(PAGE, {**DAILY, "cron": "0 7 1 * 1", "do": "preview"})

    assert page.status_code == 422
    assert page.context["form"].errors["cron"]


def test_quieter_time_taken_over_keeps_what_was_typed(
    supervisor_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("one")

    page = supervisor_client.post(PAGE, {**DAILY, "tz": "UTC", "shift": "3"})

    assert page.context["form"].initial["times"] == "05:33"
    assert page.context["form"].initial["tz"] == "UTC"
    assert StructureVersion.objects.count() == 1
