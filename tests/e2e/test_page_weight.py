"""What a first visit costs: every byte that travels, as compressed as it travels."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("live")]
KILOBYTE = 1024
#: Sizes as transferred, headers included; the document and all it loads.
TRANSFERRED = (
    "() => [...performance.getEntriesByType('navigation'),"
    " ...performance.getEntriesByType('resource')]"
    ".reduce((sum, entry) => sum + entry.transferSize, 0)"
)
BUDGETS = {
    "/": 120,
    "/workflows/": 120,
    "/workflows/rtEventsProcessing/": 120,
}


@pytest.mark.parametrize("address", sorted(BUDGETS))
def test_a_first_visit_stays_in_its_budget(open_page: OpenPage, address: str) -> None:
    page = open_page()

    page.goto(address)
    page.wait_for_load_state("networkidle")
    transferred = page.evaluate(TRANSFERRED) / KILOBYTE

    assert 0 < transferred < BUDGETS[address]
