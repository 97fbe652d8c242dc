"""The mail catcher takes what real clients send and keeps it before it says so."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaign.deliveries.services import catcher as catchers
from campaign.deliveries.services import caught, purge
from campaign.deliveries.services.catcher import catch
from campaign.deliveries.services.caught import (
    Keeper,
    list_messages,
    purge_caught,
    read_message,
)
from tests.campaign.deliveries.conftest import free_port
from workflows.exceptions import NotFound

MESSAGE = (
    "From: shop@example.com\r\nSubject: =?utf-8?q?H=C3=A9llo?=\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    ".dot first\r\n..two\r\n\r\nend\r\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.MAIL_CATCHER_DIR = tmp_path / "mail"
    return tmp_path / "mail"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    """The port of a running catcher."""
    number, until, loop = free_port(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(
        target=loop.run_until_complete,
        args=(catch(Keeper(folder), host="127.0.0.1", port=number, until=until),),
    )
    thread.start()
    yield number
    loop.call_soon_threadsafe(until.set)
    thread.join()
    loop.close()


@pytest.fixture
def client(port: int) -> Iterator[smtplib.SMTP]:
    for _attempt in range(200):
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=5) as connected:
                yield connected
            return
        except ConnectionRefusedError:
            threading.Event().wait(0.01)


def test_a_message_is_kept_as_it_was_sent(client: smtplib.SMTP) -> None:
    client.sendmail("shop@example.com", ["a@example.org", "b@example.org"], MESSAGE)

    (item,) = list_messages().items
    assert item.envelope_from == "shop@example.com"
    assert item.envelope_to == ("a@example.org", "b@example.org")
    assert item.subject == "Héllo"
    assert item.size == len(MESSAGE.encode())
    assert abs(datetime.now(UTC) - item.at) < timedelta(seconds=10)
    message = read_message(item.id)
    assert message.source == MESSAGE.encode()
    assert message.text.startswith(".dot first")
    assert ("From", "shop@example.com") in message.headers


def test_several_messages_go_over_one_connection(client: smtplib.SMTP) -> None:
    for number in range(5):
        client.sendmail("s@example.com", f"r{number}@example.org", MESSAGE)

    assert [item.envelope_to[0] for item in list_messages().items] == [
        f"r{number}@example.org" for number in (4, 3, 2, 1, 0)
    ]


def converse(port: int, *pieces: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        for piece in pieces:
            link.sendall(piece)
        answer = b""
        while chunk := link.recv(65536):
            answer += chunk
    return answer


def codes(answer: bytes) -> list[str]:
    lines = answer.decode().split("\r\n")[:-1]
    return [line[:3] for line in lines if line[3:4] == " "]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_commands_and_messages_may_come_in_any_pieces(
    client: smtplib.SMTP, port: int, size: int
) -> None:
    said = (
        b"EHLO x\r\nMAIL FROM:<a@b.c> BODY=8BITMIME\r\nRCPT TO:<d@e.f>\r\nDATA\r\n"
        b"A: b\r\n\r\n..\r\n.x\r\n.\r\n"
        b"mail from:<>\r\nrcpt to:<g@h.i>\r\ndata\r\n.\r\nQUIT\r\n"
    )

    answer = converse(
        port, *(said[start : start + size] for start in range(0, len(said), size))
    )

    assert codes(answer) == [
        *("220", "250", "250", "250", "354", "250"),
        *("250", "250", "354", "250", "221"),
    ]
    second, first = list_messages().items
    assert read_message(first.id).source == b"A: b\r\n\r\n.\r\nx\r\n"
    assert (second.envelope_from, read_message(second.id).source) == ("", b"")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"RCPT TO:<a@b.c>\r\n", "503"),
        (b"DATA\r\n", "503"),
        (b"MAIL FROM:<a@b.c>\r\nDATA\r\n", "503"),
        (b"MAIL FROM:<a@b.c>\r\nMAIL FROM:<a@b.c>\r\n", "503"),
        (b"MAIL FROM:a@b.c\r\n", "501"),
        (b"MAIL FROM:<a@b.c>\r\nRCPT TO:<>\r\n", "501"),
        (b"STARTTLS\r\n", "502"),
        (b"NOOP\r\n", "250"),
        (b"HELO me\r\n", "250"),
        (b"\xff\xfe\r\n", "502"),
        (b"x" * 5000, "500"),
    ],
)
def test_wrong_commands_are_answered(
    client: smtplib.SMTP, port: int, said: bytes, code: str
) -> None:
    assert (
        codes(converse(port, said, b"\r\nQUIT\r\n" if code != "500" else b""))[
            1:
        ].count(code)
        >= 1
    )


def test_a_message_above_the_limit_is_refused_and_the_next_is_taken(
    client: smtplib.SMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchers, "MOST_BYTES", 50_000)
    large = "Subject: x\r\n\r\n" + "y" * 70 + "\r\n.\r\n" + ("z" * 70 + "\r\n") * 20_000

    with pytest.raises(smtplib.SMTPDataError, match="too large"):
        client.sendmail("s@example.com", "r@example.org", large)
    client.sendmail("s@example.com", "r@example.org", MESSAGE)

    assert len(list_messages().items) == 1


def test_what_cannot_be_kept_is_not_confirmed(
    client: smtplib.SMTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_more: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Keeper, "keep", full)

    with pytest.raises(smtplib.SMTPDataError, match="not kept"):
        client.sendmail("s@example.com", "r@example.org", MESSAGE)


def keep(folder: Path, at: datetime, count: int = 1) -> list[str]:
    keeper = Keeper(folder, is_synced=True)
    return [
        keeper.keep("a@b.c", [f"r{number}@b.c"], MESSAGE.encode(), at)
        for number in range(count)
    ]


def test_pages_go_from_the_newest_to_the_oldest(folder: Path) -> None:
    at = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    kept = [
        *keep(folder, at - timedelta(hours=1), 3),
        *keep(folder, at, 4),
        *keep(folder, at + timedelta(seconds=2), 2),
    ]

    found, before = [], None
    for _page in range(3):
        page = list_messages(before=before, limit=4)
        found += [item.id for item in page.items]
        before = page.next

    assert found == sorted(kept, reverse=True)
    assert before is None


@pytest.mark.parametrize(
    "message_id",
    [
        *("", "x", "../../etc/passwd", "20260301T235959000000-1/../../x", "2026"),
        "20260301T235959000000-ffff",
    ],
)
def test_no_other_file_can_be_read(folder: Path, message_id: str) -> None:
    keep(folder, datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))

    with pytest.raises(NotFound):
        read_message(message_id)


def test_an_empty_or_missing_folder_is_an_empty_list() -> None:
    assert list_messages().items == ()


def test_broken_messages_are_shown_as_far_as_possible(folder: Path) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    (name,) = [
        Keeper(folder).keep(
            "a@b.c",
            ["d@e.f"],
            b"Subject: =?x?q?=00\xff\r\nContent-Type: text/html; charset=nope\r\n"
            b"From: <<\xff>, ;\r\n\r\n\xff<b>",
            at,
        )
    ]

    assert "<b>" in read_message(name).html
    assert list_messages().items[0].id == name


@pytest.mark.django_db
def test_whole_days_are_purged_after_their_time(folder: Path) -> None:
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    keep(folder, at - timedelta(days=8, hours=13))
    kept = keep(folder, at - timedelta(days=7)) + keep(folder, at)

    assert purge.purge_caught_mail(at) == 1
    assert purge_caught(older_than=timedelta(days=7), at=at) == 0

    assert [item.id for item in list_messages().items] == kept[::-1]
    assert caught.folder() == folder
