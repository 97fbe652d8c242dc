"""Headers of every answer, and whom we believe who a caller is."""

from __future__ import annotations

import ipaddress

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from campaign.security import TrustedProxyMiddleware, is_loopback

PROXY = "10.0.0.5"


@pytest.fixture
def _proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("10.0.0.0/24"),)


def seen(**meta: str) -> HttpRequest:
    """Return the request as the code behind the middleware sees it."""
    request = RequestFactory().get("/", **meta)
    TrustedProxyMiddleware(lambda _request: HttpResponse())(request)
    return request


@pytest.mark.usefixtures("_proxy")
def test_the_caller_of_a_trusted_proxy_is_believed() -> None:
    request = seen(REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR="1.1.1.1, 2.2.2.2, 10.0.0.9")

    assert request.META["REMOTE_ADDR"] == "2.2.2.2"


@pytest.mark.usefixtures("_proxy")
def test_headers_of_a_stranger_are_dropped() -> None:
    request = seen(
        REMOTE_ADDR="3.3.3.3",
        HTTP_X_FORWARDED_FOR="127.0.0.1",
        HTTP_X_FORWARDED_PROTO="https",
    )

    assert request.META["REMOTE_ADDR"] == "3.3.3.3"
    assert not request.is_secure()


@pytest.mark.usefixtures("_proxy")
def test_nonsense_in_the_chain_is_passed_over() -> None:
    request = seen(REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR="2.2.2.2, <script>")

    assert request.META["REMOTE_ADDR"] == "2.2.2.2"


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("::1", True), ("10.0.0.5", False), ("", False)],
)
def test_loopback_is_known(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def test_every_answer_carries_the_content_policy(client: Client) -> None:
    answer = client.get("/healthz")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
