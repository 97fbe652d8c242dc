"""Messages laid out by hand say exactly what was meant, whatever is put in."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.deliveries.services.mailboxes import Mailbox, MailboxFault
from campaign.deliveries.services.message import compose, new_message_id
from campaign.deliveries.services.rendering import Rendered

AT = datetime(2026, 3, 1, 12, 30, 5, 123456, tzinfo=UTC)
SENDER = Mailbox.read("shop@example.com")
RECIPIENT = Mailbox.read("reader@example.org")

anything = st.text(max_size=400)
bodies = st.one_of(
    st.text(max_size=3000),
    st.text(alphabet="ab .\n=\t-", max_size=3000),
    st.text(alphabet="Ωé漢字 \r\n", max_size=3000),
)


def laid_out(*, subject="Hello", name="Shop", html="", text="text", **more) -> bytes:
    return compose(
        Rendered(subject, name, str(SENDER), "", html, text),
        sender=more.get("sender", SENDER),
        recipient=more.get("recipient", RECIPIENT),
        reply_to=more.get("reply_to"),
        message_id=more.get("message_id", "one@example.com"),
        at=AT,
    )


def parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def plain_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def one_line(value: str) -> str:
    return " ".join(value.split())


def assert_well_formed(data: bytes) -> None:
    assert data.endswith(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert max(map(len, data.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 120


@given(subject=anything, name=anything)
def test_no_value_starts_a_header_of_its_own(subject: str, name: str) -> None:
    data = laid_out(subject=subject, name=name)

    assert_well_formed(data)
    assert parsed(data).keys() == [
        *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"),
        *("Content-Type", "Content-Transfer-Encoding"),
    ]


@given(subject=st.text(alphabet='ab=? é漢\U0001f600"\\,<>@', max_size=300))
def test_a_subject_comes_back_as_it_was(subject: str) -> None:
    found = parsed(laid_out(subject=subject))["Subject"]

    assert one_line(str(found)) == one_line(subject)


@given(name=st.text(alphabet='ab =?é漢"\\,<>@.', max_size=100))
def test_a_sender_name_comes_back_as_it_was(name: str) -> None:
    found = parsed(laid_out(name=name))["From"].addresses[0]

    assert found.addr_spec == "shop@example.com"
    # The parser of Python 3.11 keeps the fold between two encoded words of a phrase.
    assert "".join(found.display_name.split()) == "".join(name.split())


@given(text=bodies, html=bodies)
def test_bodies_come_back_as_they_were(text: str, html: str) -> None:
    data = laid_out(text="t" + text, html="h" + html)

    assert_well_formed(data)
    message = parsed(data)
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert plain_lines(plain.get_content()) == plain_lines("t" + text)
    assert rich.get_content_type() == "text/html"
    assert plain_lines(rich.get_content()) == plain_lines("h" + html)


@given(text=bodies)
def test_a_single_body_stands_alone(text: str) -> None:
    data = laid_out(text=text)

    assert_well_formed(data)
    assert plain_lines(parsed(data).get_content()) == plain_lines(text)


def test_lone_surrogates_become_replacement_characters() -> None:
    message = parsed(laid_out(subject="a\ud800b", text="c\udfffd"))

    assert message["Subject"] == "a\ufffdb"
    assert message.get_content().strip() == "c\ufffdd"


def test_date_message_id_and_reply_address_are_given() -> None:
    message = parsed(
        laid_out(reply_to=Mailbox.read("answers@example.com"), message_id="<a.b@c.d>")
    )

    assert message["Date"].datetime == AT.replace(microsecond=0)
    assert message["Message-ID"] == "<a.b@c.d>"
    assert message["Reply-To"].addresses == (Address("", "answers", "example.com"),)


def test_a_spoiled_message_id_cannot_break_the_header() -> None:
    data = laid_out(message_id="x@y>\r\nBcc: all@example.com")

    assert parsed(data)["Bcc"] is None
    assert_well_formed(data)


def test_an_address_outside_ascii_stands_in_the_header_as_it_is() -> None:
    recipient = Mailbox.read("jörg@bücher.example")

    assert recipient.needs_utf8
    assert b"To: j\xc3\xb6rg@xn--bcher-kva.example\r\n" in laid_out(recipient=recipient)


def test_message_ids_differ() -> None:
    assert len({new_message_id("example.com") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a@example.com", "a@example.com"),
        (" A.b+c@Example.COM ", "A.b+c@example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a..b.@example.co.jp", '"a..b."@example.co.jp'),
        ("ünï@example.com", "ünï@example.com"),
        ("a@localhost", "a@localhost"),
    ],
)
def test_addresses_are_read(written: str, read: str) -> None:
    assert str(Mailbox.read(written)) == read


@pytest.mark.parametrize(
    "written",
    [
        "",
        "nobody",
        "@example.com",
        "a@",
        "a b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com>",
        "<a@example.com>",
        "a,b@example.com",
        "a@exa mple.com",
        "a@-example.com",
        "a@example..com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
        "a\ud800@example.com",
        "a@b@example.com",
    ],
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(MailboxFault, match="write it as"):
        Mailbox.read(written)
