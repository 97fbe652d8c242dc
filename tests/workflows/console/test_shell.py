from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from campaign.access.models import Operator
from workflows.console import menu, wording
from workflows.console.live import Fragments, digest
from workflows.exceptions import DuplicateRegistration
from workflows.models import Heartbeat, HeartbeatKind

ROOT = Path(settings.BASE_DIR)


def test_theme_is_kept_with_the_operator(
    supervisor_client: Client, supervisor: Operator
) -> None:
    supervisor_client.post("/accounts/preferences/theme/", {"theme": "dark"})

    supervisor.refresh_from_db()
    page = supervisor_client.get("/workflows/").content.decode()
    assert supervisor.theme == "dark"
    assert 'data-theme="dark"' in page


def test_language_of_the_operator_wins_over_the_browser(
    supervisor_client: Client, supervisor: Operator
) -> None:
    supervisor_client.post("/accounts/preferences/language/", {"language": "ko"})

    response = supervisor_client.get("/workflows/", headers={"accept-language": "fr"})

    assert '<html lang="ko"' in response.content.decode()


@pytest.mark.parametrize(
    ("page", "data"),
    [
        ("theme", {"theme": "pink"}),
        ("language", {"language": "tlh"}),
        ("time-zone", {"time_zone": "Mars/Base"}),
    ],
)
def test_unknown_preference_is_refused(
    page: str, data: dict[str, str], supervisor_client: Client
) -> None:
    response = supervisor_client.post(
        f"/accounts/preferences/{page}/", data, headers={"accept": "text/html"}
    )

    assert response.status_code == 400


def test_times_are_shown_in_the_operators_zone(
    supervisor_client: Client, supervisor: Operator
) -> None:
    supervisor_client.post(
        "/accounts/preferences/time-zone/", {"time_zone": "Asia/Seoul"}
    )

    page = supervisor_client.get("/workflows/").content.decode()

    assert "Times in Asia/Seoul." in page


def test_preference_never_leads_elsewhere(supervisor_client: Client) -> None:
    response = supervisor_client.post(
        "/accounts/preferences/theme/",
        {"theme": "", "next": "https://elsewhere.example/"},
    )

    assert response["Location"] == "/"


def test_silent_queue_raises_a_banner_on_every_page(supervisor_client: Client) -> None:
    Heartbeat.objects.create(
        kind=HeartbeatKind.QUEUE,
        name="realtime",
        at=timezone.now() - timedelta(minutes=2),
    )

    page = supervisor_client.get("/workflows/").content.decode()

    assert "The queue realtime has not answered for 2 min" in page


def test_one_living_clock_is_enough(supervisor_client: Client) -> None:
    now = timezone.now()
    Heartbeat.objects.create(
        kind=HeartbeatKind.CLOCK, name="a", at=now - timedelta(hours=1)
    )
    Heartbeat.objects.create(kind=HeartbeatKind.CLOCK, name="b", at=now)

    page = supervisor_client.get("/workflows/").content.decode()

    assert "The clock has been silent" not in page


def test_menu_hides_what_the_reader_may_not_open(
    rf: RequestFactory, outsider: Operator
) -> None:
    request = rf.get("/workflows/")
    request.user = outsider

    shown = [entry.url for _group, entries in menu.tree(request) for entry in entries]

    assert "/workflows/" not in shown


def test_menu_marks_the_page_that_is_open(
    rf: RequestFactory, administrator: Operator
) -> None:
    request = rf.get("/workflows/cleanup/")
    request.user = administrator

    current = [
        entry.url
        for _group, entries in menu.tree(request)
        for entry in entries
        if entry.is_current
    ]

    assert current == ["/workflows/"]


def test_two_entries_of_one_address_are_refused() -> None:
    other = menu.MenuEntry(menu.HOME, "Other", "workflows:workflow_list")

    with pytest.raises(DuplicateRegistration, match="Other"):
        menu.register(other)


def test_relative_times_make_no_change() -> None:
    one = '<time data-relative>3 min ago</time> <input name="csrfmiddlewaretoken"'

    assert digest(one) == digest(one.replace("3 min", "4 min"))


def test_fragments_tell_the_changed_part_only() -> None:
    before, after = Fragments(), Fragments()
    before.add("a", "one")
    before.add("b", "two")
    after.add("a", "one")
    after.add("b", "three")

    answer = after.answer(before.token)

    assert answer.content.decode() == (
        '<template><div hx-swap-oob="innerHTML:#b">three</div></template>'
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "420 ms"),
        (8.04, "8 s"),
        (8.26, "8.3 s"),
        (42, "42 s"),
        (192, "3 min 12 s"),
        (7500, "2 h 05 min"),
        (200_000, "2 d 7 h"),
        (59.7, "1 min 00 s"),
    ],
)
def test_span(seconds: float, text: str) -> None:
    assert wording.span(seconds) == text


@pytest.mark.parametrize("language", ["en", "fr", "sv", "zh-hant", "ko"])
def test_moment_in_every_language(language: str) -> None:
    at = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)

    with translation.override(language), timezone.override(UTC):
        text = wording.moment(at, now=at)

    assert "21" in text
    assert text.endswith("04:00")


def test_vendored_files_are_those_of_the_manifest() -> None:
    check = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "vendor.py"), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (check.returncode, check.stderr) == (0, "")
