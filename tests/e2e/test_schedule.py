"""Editing a schedule in its form."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Workflows

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]
FORM = "/workflows/batchEventsProcessing/schedule/scheduler/"


def choose_daily(page: Page, time: str) -> None:
    page.get_by_label("Daily", exact=True).check()
    page.locator("input[name=times]").fill(time)


def test_preview_shows_old_and_new_side_by_side(
    page: Page, batch_events: str, workflows: Workflows
) -> None:
    version = workflows.get(batch_events, "schedule")["version"]
    page.goto(FORM)

    choose_daily(page, "04:30")

    preview = page.locator("#schedule-preview .compare > div")
    expect(preview.nth(1).locator("time").first).to_contain_text("04:30")
    expect(preview.nth(1).locator("time")).to_have_count(10)
    expect(preview.nth(0).locator("time").first).not_to_contain_text("04:30")
    assert workflows.get(batch_events, "schedule")["version"] == version


def test_saving_raises_the_version_and_triggers_no_run(
    page: Page, batch_events: str, workflows: Workflows
) -> None:
    version = workflows.put(
        batch_events, "schedule", {"kind": "daily", "time": "05:00"}
    )
    runs = workflows.get(batch_events, "runs")["items"]
    page.goto(FORM)
    choose_daily(page, "04:30")
    page.get_by_label("Reason").fill("Nights are quieter")

    page.get_by_role("button", name="Save").click()

    expect(page).to_have_url(re.compile("/workflows/batchEventsProcessing/$"))
    expect(page.locator("#toasts")).to_contain_text(f"version {version + 1}")
    expect(page.locator("#toasts")).to_contain_text("no run was triggered")
    schedule = workflows.get(batch_events, "schedule")
    assert (schedule["kind"], schedule["version"]) == ("daily", version + 1)
    assert [run["id"] for run in workflows.get(batch_events, "runs")["items"]] == [
        run["id"] for run in runs
    ]
    assert "T04:30:00" in workflows.get(batch_events)["next_run"]


def test_reset_brings_the_built_in_schedule_back(
    page: Page, batch_events: str, workflows: Workflows
) -> None:
    workflows.put(batch_events, "schedule", {"kind": "daily", "time": "05:00"})
    page.goto(FORM)

    page.get_by_role("button", name="Reset to it").click()

    expect(page.locator("#toasts")).to_contain_text("saved as version")
    schedule = workflows.get(batch_events, "schedule")
    assert (schedule["kind"], schedule["every"]) == ("several_times_a_day", "PT15M")


def test_form_that_somebody_overtook_says_so_and_keeps_the_input(
    page: Page, batch_events: str, workflows: Workflows
) -> None:
    page.goto(FORM)
    choose_daily(page, "06:15")
    workflows.put(batch_events, "schedule", {"kind": "daily", "time": "05:00"})

    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert").first).to_contain_text("Not saved")
    expect(page.locator("input[name=times]")).to_have_value("06:15")
    expect(page.get_by_label("Daily", exact=True)).to_be_checked()
    assert workflows.get(batch_events, "schedule")["time"] == "05:00"


def test_fault_stands_at_its_field_and_keeps_the_input(
    page: Page, batch_events: str
) -> None:
    page.goto(FORM)
    choose_daily(page, "25:99")

    page.get_by_role("button", name="Save").click()

    field = page.locator("input[name=times]")
    expect(field).to_have_value("25:99")
    expect(field).to_have_attribute("aria-invalid", "true")
