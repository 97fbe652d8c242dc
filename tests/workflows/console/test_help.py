"""The documentation in the console."""

from __future__ import annotations

import re

import pytest
from django.test import Client, RequestFactory
from django.urls import resolve

from workflows.console import help
from workflows.exceptions import NotFound

CHAPTERS = help.chapters()


def read(client: Client, address: str) -> str:
    answer = client.get(address, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_index_names_every_chapter(admin_client: Client) -> None:
    page = read(admin_client, "/help/")

    assert [one.title for one in CHAPTERS if f">{one.title}<" not in page] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_chapter_is_shown_with_its_headings(
    admin_client: Client, chapter: help.Chapter
) -> None:
    page = read(admin_client, chapter.url)

    assert [a for a, _title in chapter.headings if f'id="{a}"' not in page] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_links_between_chapters_lead_somewhere(chapter: help.Chapter) -> None:
    targets = re.findall(r'href="/help/([^"#/]+)/', chapter.html)

    assert [help.find(name).name for name in targets] == targets


def test_a_missing_chapter_says_so(admin_client: Client) -> None:
    answer = admin_client.get("/help/nothing/", headers={"accept": "text/html"})

    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["../README", "README", "decisions/x", ".."])
def test_no_other_file_can_be_read(name: str) -> None:
    with pytest.raises(NotFound):
        help.find(name)


def test_words_are_found_under_their_heading(admin_client: Client) -> None:
    page = read(admin_client, "/help/?q=keep-paused")

    assert "#paused-for-long" in page


def test_what_the_help_does_not_know_is_said(admin_client: Client) -> None:
    assert "does not speak of it" in read(admin_client, "/help/?q=xyzzy-nothing")


@pytest.mark.parametrize("view", sorted(help._chapters))
def test_every_page_leads_to_a_heading_that_exists(view: str) -> None:
    name, anchor = help._chapters[view]

    chapter = help.find(name)

    assert not anchor or f'id="{anchor}"' in chapter.html


def test_a_page_knows_its_chapter(rf: RequestFactory) -> None:
    request = rf.get("/workflows/notifications/")
    request.resolver_match = resolve("/workflows/notifications/")

    assert help.url_of(request) == "/help/notifications/"
