from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from campaign.platform.models import ExternalAccount, Option
from campaign.platform.services import accounts
from workflows import conf
from workflows.activities import addresses, find_type
from workflows.exceptions import ConfigurationError, RuntimeFault

pytestmark = pytest.mark.django_db
HTTP = find_type("http")


class Service(BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]] = []

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.seen.append(
            {
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers),
                "body": self.rfile.read(length).decode(),
            }
        )
        kind, content, status = "application/json", b'{"total": 3}', 200
        match self.path.split("?")[0]:
            case "/text":
                kind, content = "text/plain; charset=latin-1", b"caf\xe9\x00"
            case "/long":
                content = b'"' + b"x" * 70_000 + b'"'
            case "/huge":
                content = b"x" * 1_100_000
            case "/broken":
                content = b"{"
            case "/gone":
                status, content = 404, b'{"why": "gone"}'
            case "/moved":
                status, content = 302, b""
            case "/slow":
                time.sleep(1.5)
            case "/drip":
                self._drip()
                return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/text")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _drip(self) -> None:
        """Send a byte now and then, so that no single read takes long."""
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        try:
            for _index in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.2)
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A service on this machine."""
    Service.seen = []
    service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    service.daemon_threads = True
    thread = threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield service
    service.shutdown()
    service.server_close()
    thread.join()


def allow(hosts: str = "127.0.0.1", *, private: int = 1) -> None:
    Option.objects.create(name="WORKFLOW_HTTP_HOSTS", value=hosts)
    Option.objects.create(name="WORKFLOW_HTTP_ALLOW_PRIVATE", value=private)
    conf.forget_options()


@pytest.fixture
def call(server: ThreadingHTTPServer, make_context):
    """Execute a call of the service; return result and context."""

    def execute(path: str = "/", **parameters: Any):
        given_vars = parameters.pop("vars", {})
        url = f"http://127.0.0.1:{server.server_port}{path}"
        context = make_context({"url": url, **parameters}, vars=given_vars)
        return HTTP.execute(context), context

    return execute


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://a.example:port/"}, "url"),
        ({"url": "https://a.example", "method": "TRACE"}, "method"),
        ({"url": "https://a.example", "body": "{'a': 1}"}, "body"),
        ({"url": "https://a.example", "method": "POST", "body": "{'a'"}, "body"),
        ({"url": "https://a.example", "time_limit": 0}, "time_limit"),
        ({"url": "https://a.example", "success": [99]}, "success.0"),
        (
            {"url": "https://a.example", "headers": [{"name": "Host", "value": "b"}]},
            "headers.0.name",
        ),
        (
            {"url": "https://a.example", "headers": [{"name": "a:b", "value": "c"}]},
            "headers.0.name",
        ),
    ],
)
def test_fault_names_its_field(parameters: dict[str, Any], field: str) -> None:
    assert field in [fault.field for fault in HTTP.faults(parameters)]


@pytest.mark.parametrize(
    ("method", "is_idempotent", "has_effect"),
    [
        ("GET", True, False),
        ("PUT", True, True),
        ("DELETE", True, True),
        ("POST", False, True),
    ],
)
def test_method_says_whether_it_may_be_repeated(
    method: str, is_idempotent: bool, has_effect: bool
) -> None:
    assert HTTP.is_idempotent({"method": method}) is is_idempotent
    assert HTTP.has_effect({"method": method}) is has_effect


def test_answer_goes_on_as_variables(call) -> None:
    allow()

    result, context = call("/?a={{ UrlUtf8Encode(vars.word) }}", vars={"word": "a b&c"})

    assert result.variables == {"responseStatus": 200, "responseBody": {"total": 3}}
    assert Service.seen[0]["path"] == "/?a=a%20b%26c"
    assert context.lines == ["127.0.0.1 answered 200, 12 bytes."]


def test_body_and_headers_are_made_of_variables(call) -> None:
    allow()

    call(
        "/",
        method="POST",
        body="{'rows': vars.rows, 'ok': true}",
        headers=[{"name": "X-Reason", "value": "{{ vars.why }}"}],
        vars={"rows": [1, 2], "why": "a\r\nX-Other: b"},
    )

    seen = Service.seen[0]
    assert json.loads(seen["body"]) == {"rows": [1, 2], "ok": True}
    assert seen["headers"]["Content-Type"] == "application/json"
    assert seen["headers"]["X-Reason"] == "a X-Other: b"
    assert "X-Other" not in seen["headers"]


def test_text_is_decoded_and_can_be_stored(call) -> None:
    allow()

    assert call("/text")[0].variables["responseBody"] == "café"


def test_long_answer_is_cut_off_with_a_warning(call) -> None:
    allow()

    result, context = call("/long")

    assert len(result.variables["responseBody"]) == 65_536
    assert len(context.warnings) == 1


def test_answer_that_is_no_json_is_kept_as_text(call) -> None:
    allow()

    result, context = call("/broken")

    assert result.variables["responseBody"] == "{"
    assert len(context.warnings) == 1


def test_answer_that_is_too_large_is_a_fault(call) -> None:
    allow()

    with pytest.raises(RuntimeFault, match="more than"):
        call("/huge")


def test_status_of_no_success_is_a_fault_that_tells_the_answer(call) -> None:
    allow()

    with pytest.raises(RuntimeFault, match=r"404 Not Found: .*gone"):
        call("/gone")


def test_other_statuses_may_be_a_success(call) -> None:
    allow()

    assert call("/gone", success=[404])[0].variables["responseStatus"] == 404


def test_redirect_is_not_followed(call) -> None:
    allow()

    with pytest.raises(RuntimeFault, match="302"):
        call("/moved")

    assert [seen["path"] for seen in Service.seen] == ["/moved"]


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_time_limit_is_for_the_whole_call(call, path: str) -> None:
    allow()
    began = time.monotonic()

    with pytest.raises(RuntimeFault, match="did not answer within 1 s"):
        call(path, time_limit=1)

    assert time.monotonic() - began < 1.5


def test_service_that_is_down_is_a_fault_that_may_pass(make_context) -> None:
    allow()

    with pytest.raises(RuntimeFault, match=r"127\.0\.0\.1"):
        HTTP.execute(make_context({"url": "http://127.0.0.1:1/"}))


def test_host_that_is_not_allowed_is_not_called(call) -> None:
    allow("api.example.com")

    with pytest.raises(ConfigurationError, match="WORKFLOW_HTTP_HOSTS"):
        call()

    assert Service.seen == []


def test_private_address_is_not_called(call) -> None:
    allow(private=0)

    with pytest.raises(ConfigurationError, match="WORKFLOW_HTTP_ALLOW_PRIVATE"):
        call()

    assert Service.seen == []


def test_connection_goes_to_the_address_that_was_judged(
    server: ThreadingHTTPServer, make_context, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow("rebound.example")
    asked: list[str] = []

    def answer(host: str, port: int, *_more: Any, **_named: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", answer)
    url = f"http://rebound.example:{server.server_port}/"

    HTTP.execute(make_context({"url": url}))

    # The address itself needs no look-up; the name was looked up once.
    assert asked.count("rebound.example") == 1
    assert Service.seen[0]["headers"]["Host"].startswith("rebound.example:")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for service.example, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.example")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("service.example")]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure(
    server: ThreadingHTTPServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> int:
    """The service behind TLS, under whatever name it is called; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(server, "handle_error", lambda *_of: None)
    monkeypatch.setattr(
        addresses.socket,
        "getaddrinfo",
        lambda _host, port, *_more, **_named: [(2, 1, 6, "", ("127.0.0.1", port))],
    )
    return server.server_port


def test_certificate_is_that_of_the_name_not_of_the_address(
    secure: int, certificate: Path, make_context, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow("service.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    result = HTTP.execute(make_context({"url": f"https://service.example:{secure}/"}))

    assert result.variables["responseStatus"] == 200


@pytest.mark.parametrize(
    ("host", "is_trusted"), [("service.example", False), ("other.example", True)]
)
def test_certificate_that_does_not_fit_ends_the_call(
    secure: int,
    certificate: Path,
    make_context,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    is_trusted: bool,
) -> None:
    allow(host)
    trusted = str(certificate) if is_trusted else "/dev/null"
    monkeypatch.setenv("SSL_CERT_FILE", trusted)

    with pytest.raises(RuntimeFault, match="certificate verify failed"):
        HTTP.execute(make_context({"url": f"https://{host}:{secure}/"}))

    assert Service.seen == []


@pytest.mark.parametrize(
    ("hosts", "host", "is_allowed"),
    [
        ("a.example", "a.example", True),
        ("a.example", "A.EXAMPLE.", True),
        ("a.example, b.example", "b.example", True),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("a.example", "b.a.example", False),
        ("", "a.example", False),
        ("*", "a.example", False),
    ],
)
def test_allowed_hosts(hosts: str, host: str, is_allowed: bool) -> None:
    allow(hosts)
    refused = False

    try:
        addresses.require_allowed(host)
    except ConfigurationError:
        refused = True

    assert refused is not is_allowed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_address_is_private(address: str) -> None:
    assert addresses.is_private(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_address_is_public(address: str) -> None:
    assert not addresses.is_private(address)


def account(**config: str) -> None:
    ExternalAccount.objects.create(
        internal_name="billing",
        label="Billing",
        type=ExternalAccount.Type.HTTP,
        config=config,
        secrets=accounts.seal({"password": "word"}),
    )


@pytest.mark.parametrize(
    ("config", "header"),
    [
        ({"host": "127.0.0.1"}, "Bearer word"),
        ({"host": "127.0.0.1", "user": "ada"}, "Basic YWRhOndvcmQ="),
    ],
)
def test_account_signs_the_call_in(call, config: dict[str, str], header: str) -> None:
    allow()
    account(**config)

    call("/", account="billing")

    assert Service.seen[0]["headers"]["Authorization"] == header


@pytest.mark.parametrize("config", [{"host": "other.example"}, {}])
def test_secret_goes_to_the_host_of_its_account_only(
    call, config: dict[str, str]
) -> None:
    allow()
    account(**config)

    with pytest.raises(ConfigurationError, match="billing"):
        call("/", account="billing")

    assert Service.seen == []


def test_account_that_is_disabled_is_missing(call) -> None:
    allow()
    account(host="127.0.0.1")
    ExternalAccount.objects.update(enabled=False)

    assert [f.field for f in HTTP.missing({"account": "billing"})] == ["account"]
    with pytest.raises(ConfigurationError, match="billing"):
        call("/", account="billing")


def test_simulation_tells_the_call_and_sends_nothing(
    server: ThreadingHTTPServer, make_context
) -> None:
    allow()
    url = f"http://127.0.0.1:{server.server_port}/{{{{ vars.x }}}}"

    would = HTTP.would_do(make_context({"url": url, "method": "PUT"}, vars={"x": 7}))

    assert would.message % would.parameters == (
        f"PUT http://127.0.0.1:{server.server_port}/7 would be called."
    )
    assert Service.seen == []
