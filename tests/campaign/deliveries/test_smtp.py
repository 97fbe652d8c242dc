"""Conversations with relays: refusals, lost answers, encryption and sign-in."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from campaign.addresses import Relay
from campaign.deliveries.services import smtp
from campaign.deliveries.services.mailboxes import Mailbox
from campaign.deliveries.services.smtp import (
    ConnectionFault,
    OutcomeLost,
    RelayConnection,
    RelayPool,
)
from tests.campaign.deliveries.conftest import free_port

SENDER = Mailbox.read("shop@example.com")
READER = Mailbox.read("reader@example.org")
DATA = b"Subject: x\r\n\r\n.one\r\n..two\r\n"


class Puppet:
    """A relay of one conversation that offers PIPELINING and says what it is told."""

    def __init__(self) -> None:
        self.answers = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go"}
        self.final: str | None = "250 2.0.0 taken"
        self.extensions = ["PIPELINING"]
        self.heard: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.relay = Relay("127.0.0.1", self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._converse()

    def _converse(self) -> None:
        link, _peer = self._server.accept()
        with link, link.makefile("rb") as lines:

            def say(text: str) -> None:
                link.sendall(text.encode() + b"\r\n")

            say("220 puppet")
            is_data = False
            for line in lines:
                self.heard.append(line)
                word = line[:4].decode("latin-1").upper().strip()
                if is_data:
                    if line == b".\r\n":
                        is_data = False
                        if self.final is None:
                            return
                        say(self.final)
                elif word == "EHLO":
                    say(
                        "\r\n".join(
                            ["250-puppet", *map("250-{}".format, self.extensions)]
                        )
                    )
                    say("250 HELP")
                elif word in self.answers:
                    is_data = self.answers[word].startswith("354")
                    say(self.answers[word])
                elif word == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 ok")

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def puppet() -> Iterator[Puppet]:
    made = Puppet()
    yield made
    made.close()


def test_a_message_is_dot_stuffed_and_its_envelope_goes_in_one_piece(
    puppet: Puppet,
) -> None:
    connection = RelayConnection(puppet.relay)

    reply = connection.send(SENDER, READER, DATA)

    assert (reply.code, reply.text) == (250, "2.0.0 taken")
    assert puppet.heard[1:] == [
        *(b"MAIL FROM:<shop@example.com>\r\n", b"RCPT TO:<reader@example.org>\r\n"),
        *(
            b"DATA\r\n",
            b"Subject: x\r\n",
            b"\r\n",
            b"..one\r\n",
            b"...two\r\n",
            b".\r\n",
        ),
    ]
    assert connection.is_usable()
    connection.close()


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"RCPT": "550 5.1.1 no", "DATA": "503 no"}, 550),
        ({"RCPT": "550 5.1.1 no"}, 550),  # and yet it says 354
        ({"MAIL": "553 no", "RCPT": "503 no", "DATA": "503 no"}, 553),
        ({"DATA": "451 later"}, 451),
    ],
)
def test_a_refusal_leaves_the_connection_usable(
    puppet: Puppet, answers: dict[str, str], code: int
) -> None:
    puppet.answers |= answers
    connection = RelayConnection(puppet.relay)

    assert connection.send(SENDER, READER, DATA).code == code

    puppet.answers = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go"}
    assert connection.send(SENDER, READER, DATA).is_accepted
    connection.close()


@pytest.mark.parametrize(
    "answers",
    [
        {"MAIL": "421 closing", "RCPT": "421 closing", "DATA": "421 closing"},
        {"RCPT": "421 too many", "DATA": "421 too many"},
        {"MAIL": "530 5.7.0 authenticate first", "RCPT": "530 x", "DATA": "530 x"},
        {"MAIL": "nonsense"},
    ],
)
def test_answers_that_speak_of_the_session_do_not_fail_the_message(
    puppet: Puppet, answers: dict[str, str]
) -> None:
    puppet.answers |= answers
    connection = RelayConnection(puppet.relay)

    with pytest.raises(ConnectionFault):
        connection.send(SENDER, READER, DATA)
    connection.close()


def test_no_answer_after_the_message_is_an_outcome_that_nobody_knows(
    puppet: Puppet,
) -> None:
    puppet.final = None
    connection = RelayConnection(puppet.relay)

    with pytest.raises(OutcomeLost):
        connection.send(SENDER, READER, DATA)
    connection.close()


def test_limits_of_the_relay_are_kept_without_asking_it(puppet: Puppet) -> None:
    puppet.extensions = ["SIZE 20"]
    connection = RelayConnection(puppet.relay)

    assert connection.send(SENDER, READER, DATA).code == 552
    assert connection.send(SENDER, Mailbox.read("jörg@example.org"), b"").code == 553
    assert len(puppet.heard) == 1
    connection.close()


def test_addresses_outside_ascii_are_announced(puppet: Puppet) -> None:
    puppet.extensions = ["SMTPUTF8", "8BITMIME", "PIPELINING"]
    connection = RelayConnection(puppet.relay)

    assert connection.send(SENDER, Mailbox.read("jörg@example.org"), DATA).is_accepted

    assert puppet.heard[1] == (
        b"MAIL FROM:<shop@example.com> BODY=8BITMIME SMTPUTF8\r\n"
    )
    connection.close()


def test_a_relay_that_cannot_be_reached_is_a_connection_fault() -> None:
    with pytest.raises(ConnectionFault, match="refused"):
        RelayConnection(Relay("127.0.0.1", free_port()))


def test_a_relay_is_out_of_order_for_a_while_only() -> None:
    pool, relay = RelayPool(), Relay("127.0.0.1", 1)

    pool.set_down(relay, 60)
    assert pool.is_down(relay)
    pool.set_up(relay)
    assert not pool.is_down(relay)
    pool.set_down(relay, -1)
    assert not pool.is_down(relay)


# Encryption and sign-in


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    at = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - dt.timedelta(days=1))
        .not_valid_after(at + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


class Guarded:
    """A handler that notes what it takes."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope.rcpt_tos[0])
        return "250 taken"


def signs_in(
    server: Any, session: Any, envelope: Any, mechanism: str, data: Any
) -> Any:
    ok = data == LoginPassword(b"user", b"p&ss")
    return AuthResult(success=ok, handled=ok)


@pytest.fixture(params=["starttls", "tls"])
def guarded(
    request: pytest.FixtureRequest,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Guarded, Relay]]:
    """A relay that wants encryption and a password, and how to reach it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    monkeypatch.setattr(smtp, "_tls", lambda: trusting)
    is_tls = request.param == "tls"
    handler = Guarded()
    port = free_port()
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        authenticator=signs_in,
        auth_required=True,
        auth_require_tls=not is_tls,
        ssl_context=context if is_tls else None,
        **({} if is_tls else {"tls_context": context, "require_starttls": True}),
    )
    controller.start()
    yield (
        handler,
        Relay("localhost", port, "user", "p&ss", tls=is_tls, starttls=not is_tls),
    )
    controller.stop()


pytestmark = pytest.mark.filterwarnings(
    # aiosmtpd does not see that a connection is encrypted from its first byte.
    "ignore:Requiring AUTH while not requiring TLS"
)


def test_mail_goes_encrypted_and_signed_in(guarded: tuple[Guarded, Relay]) -> None:
    handler, relay = guarded
    connection = RelayConnection(relay)

    assert connection.send(SENDER, READER, DATA).is_accepted

    assert handler.taken == ["reader@example.org"]
    connection.close()


def test_a_wrong_password_is_a_connection_fault(guarded: tuple[Guarded, Relay]) -> None:
    _handler, relay = guarded

    with pytest.raises(ConnectionFault, match="535"):
        RelayConnection(
            Relay(
                relay.host, relay.port, "user", "no",
                tls=relay.tls, starttls=relay.starttls,
            )
        )  # fmt: skip


def test_a_certificate_that_nobody_vouches_for_is_refused(
    guarded: tuple[Guarded, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    _handler, relay = guarded
    monkeypatch.setattr(smtp, "_tls", ssl.create_default_context)

    with pytest.raises(ConnectionFault, match="certificate"):
        RelayConnection(relay)
