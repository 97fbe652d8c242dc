"""The command palette and its page: what is found, and for whom."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.workflows.console.conftest import MakeWorkflow
from workflows.console import finding
from workflows.exceptions import DuplicateRegistration
from workflows.models import State

SEARCH = "/search/"
PALETTE = {"X-Requested-With": "palette"}


def found(client: Client, text: str, **headers: str) -> str:
    """Return what the search answers."""
    answer = client.get(SEARCH, {"q": text}, headers={**PALETTE, **headers})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_workflow_is_found_by_its_internal_name(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("cleanup")

    assert 'data-url="/workflows/cleanup/"' in found(admin_client, "cleanup")


def test_a_workflow_is_found_by_its_label_of_another_language(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("rtEventsProcessing")

    page = found(admin_client, "실시간", **{"accept-language": "ko"})

    assert 'data-url="/workflows/rtEventsProcessing/"' in page


def test_the_commands_of_the_one_workflow_are_offered(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample")

    assert "/workflows/sample/commands/pause/" in found(admin_client, "sample")


def test_a_verb_and_a_name_find_the_command(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample_one")
    make_workflow("sample_two")

    page = found(admin_client, "pause sample")

    assert "/workflows/sample_one/commands/pause/" in page
    assert "/workflows/sample_two/commands/pause/" in page
    assert "/commands/stop/" not in page


def test_a_command_that_is_not_possible_is_not_offered(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample", state=State.EDITED)

    assert "/commands/pause/" not in found(admin_client, "sample")


def test_who_may_not_see_workflows_finds_none(
    outsider_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample")

    assert "/workflows/sample/" not in found(outsider_client, "sample")


def test_who_may_only_look_is_offered_no_command(
    viewer_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample")

    page = found(viewer_client, "sample")

    assert 'data-url="/workflows/sample/"' in page
    assert "/commands/" not in page


def test_pages_are_found_by_their_name(admin_client: Client) -> None:
    assert 'data-url="/packages/"' in found(admin_client, "packag")


def test_nothing_found_is_said(admin_client: Client) -> None:
    assert "Nothing matches" in found(admin_client, "no such thing")


def test_the_page_works_without_script(
    admin_client: Client, make_workflow: MakeWorkflow
) -> None:
    make_workflow("sample")

    page = admin_client.get(SEARCH, {"q": "sample"}).content.decode()

    assert 'href="/workflows/sample/"' in page


@pytest.mark.parametrize("text", ["no\x00where", "%", "'; --", "x" * 5_000])
def test_odd_texts_find_nothing_and_break_nothing(
    admin_client: Client, text: str
) -> None:
    assert "Nothing matches" in found(admin_client, text)


def test_a_search_costs_ten_queries_at_most(
    admin_client: Client,
    make_workflow: MakeWorkflow,
    django_assert_max_num_queries: object,
) -> None:
    for number in range(20):
        make_workflow(f"sample_{number}")

    with django_assert_max_num_queries(10):  # type: ignore[operator]
        found(admin_client, "sample")


def test_two_finders_of_one_name_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "_finders", {})
    finding.register("test", _nothing)

    with pytest.raises(DuplicateRegistration):
        finding.register("test", _nothing_else)


def _nothing(request: object, words: str) -> list[finding.Hit]:
    return []


def _nothing_else(request: object, words: str) -> list[finding.Hit]:
    return []
