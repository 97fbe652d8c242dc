"""What every answer and every request goes through for safety's sake."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_Next = Callable[[HttpRequest], HttpResponse]
_FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_FORWARDED",
)


class ContentSecurityPolicyMiddleware:
    """Sends the policy of ``CONTENT_SECURITY_POLICY``; no inline script or style.

    A view may widen it by setting the header itself.
    """

    def __init__(self, get_response: _Next) -> None:
        self.get_response = get_response
        self.policy = "; ".join(
            f"{directive} {sources}"
            for directive, sources in settings.CONTENT_SECURITY_POLICY.items()
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


class TrustedProxyMiddleware:
    """Believes forwarded headers from the proxies of ``TRUSTED_PROXIES`` only.

    From a trusted peer the caller's address is the last one that is not itself a
    trusted proxy. From anyone else the headers are removed, so that no later code
    can be misled.
    """

    def __init__(self, get_response: _Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if is_trusted(meta.get("REMOTE_ADDR", "")):
            chain = [
                item.strip() for item in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
            ]
            for address in reversed(chain):
                if _is_address(address) and not is_trusted(address):
                    meta["REMOTE_ADDR"] = address
                    break
        else:
            for header in _FORWARDED:
                meta.pop(header, None)
        return self.get_response(request)


def is_trusted(address: str) -> bool:
    """Tell whether the address is one of ``TRUSTED_PROXIES``."""
    if not settings.TRUSTED_PROXIES or not _is_address(address):
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in settings.TRUSTED_PROXIES)


def is_loopback(address: str) -> bool:
    """Tell whether the address is this machine's own."""
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
