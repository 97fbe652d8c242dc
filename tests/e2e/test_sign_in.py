"""Signing in and out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


def test_signing_in_leads_to_the_page_that_was_asked_for(open_page: OpenPage) -> None:
    page = open_page("")
    page.goto("/workflows/updateEventsStatus/")

    page.get_by_label("Username").fill("reader")
    page.locator("input[name=password]").fill("Browser-tests-only-7")
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(re.compile("/workflows/updateEventsStatus/$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Update event status")


def test_wrong_password_is_told_and_lets_nobody_in(open_page: OpenPage) -> None:
    page = open_page("")
    page.goto("/accounts/sign-in/")

    page.get_by_label("Username").fill("nobody-of-the-cast")
    page.locator("input[name=password]").fill("wrong")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_be_visible()
    page.goto("/workflows/")
    expect(page).to_have_url(re.compile("/accounts/sign-in/"))


def test_signing_out_ends_the_session(open_page: OpenPage) -> None:
    page = open_page("")
    sign_in(page, "traveller")

    page.get_by_role("button", name="account of traveller").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/workflows/")

    expect(page).to_have_url(re.compile("/accounts/sign-in/"))
