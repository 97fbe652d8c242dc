"""Operators are made, sign in with a second factor, and may no more than they may."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]


def make_operator(page: Page, name: str) -> str:
    """Make an operator of the group Standard Users; return the first password."""
    page.goto("/operators/")
    page.get_by_role("link", name="New operator").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Standard Users").check()
    page.get_by_role("button", name="Create").click()
    return page.locator("#secret").inner_text()


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/sign-in/")
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")


def test_new_operator_signs_in_and_reads_only(open_page: OpenPage) -> None:
    password = make_operator(open_page(), "new-reader")
    theirs = open_page("")
    sign_in(theirs, "new-reader", password)

    theirs.goto("/workflows/updateEventsStatus/")

    expect(theirs.get_by_role("heading", level=1)).to_be_visible()
    expect(theirs.locator("a[href='/operators/']")).to_have_count(0)
    answer = theirs.goto("/operators/")
    assert answer is not None
    assert answer.status == 403


def test_second_factor_is_set_up_and_asked_for_without_script(
    open_page: OpenPage,
) -> None:
    password = make_operator(open_page(), "careful")
    theirs = open_page("", java_script_enabled=False)
    sign_in(theirs, "careful", password)
    theirs.goto("/accounts/profile/")
    theirs.get_by_role("link", name="Set up").click()
    totp = pyotp.TOTP(theirs.locator("#secret").inner_text().replace(" ", ""))
    expect(theirs.locator(".qr-frame svg")).to_be_visible()
    theirs.get_by_role("textbox", name="Code").fill(totp.now())
    theirs.get_by_role("button", name="Switch on").click()
    recovery = theirs.locator(".recovery-codes code").first.inner_text()

    again = open_page("", java_script_enabled=False)
    sign_in(again, "careful", password)
    expect(again).to_have_url(re.compile("/accounts/sign-in/code/$"))
    again.get_by_role("textbox", name="Code").fill(recovery)
    again.get_by_role("button", name="Sign in").click()

    again.goto("/accounts/profile/")
    expect(again.get_by_text("9 recovery codes are left")).to_be_visible()


def test_last_administrator_stays(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/operators/?q=admin")
    page.get_by_role("link", name="admin", exact=True).click()

    page.get_by_role("link", name="Disable").click()
    page.get_by_role("button", name="Disable").click()

    expect(page.get_by_text("is the last active administrator")).to_be_visible()
    expect(page.get_by_role("link", name="Disable")).to_be_visible()
