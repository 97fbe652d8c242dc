"""System checks of the project: a misconfiguration is told before it hurts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import (
    CheckMessage,
    Error,
    Tags,
    Warning,
    register,
)
from django.urls import URLPattern, URLResolver, get_resolver

_Apps = Sequence[AppConfig] | None


@register(Tags.security)
def secrets_are_set(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Both keys exist: Django refuses to sign without the one, we to store without
    the other."""
    if settings.CAMPAIGN_SECRETS_KEY:
        return []
    return [
        Error(
            "There is no key for stored secrets.",
            hint="Set CAMPAIGN_SECRETS_KEY, or start once with `make run`, which"
            " makes one in CAMPAIGN_VAR.",
            id="campaign.E001",
        )
    ]


@register(Tags.urls)
def organisation_is_free(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """CAMPAIGN_ORG does not hide pages of ours, nor they its addresses."""
    organisation = settings.CAMPAIGN_ORG
    if organisation not in set(first_segments()):
        return []
    return [
        Error(
            f"CAMPAIGN_ORG is {organisation}, which begins addresses of our own.",
            hint="Choose another name for the organisation.",
            id="campaign.E002",
        )
    ]


@register(Tags.security, deploy=True)
def public_url_is_set(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """In production links in mail lead to the public address."""
    if settings.PUBLIC_URL_IS_SET:
        return []
    return [
        Warning(
            f"PUBLIC_URL is unset: links in mail lead to {settings.PUBLIC_URL}.",
            hint="Set PUBLIC_URL to the address under which people reach us.",
            id="campaign.W001",
        )
    ]


@register(Tags.security)
def proxy_is_known(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Behind TLS the proxy must be known, or every request looks unencrypted."""
    if not settings.PUBLIC_URL.startswith("https://") or settings.TRUSTED_PROXIES:
        return []
    return [
        Error(
            "PUBLIC_URL is https, but no reverse proxy is trusted: every request"
            " would be redirected for ever.",
            hint="Set TRUSTED_PROXIES to the address of the proxy that ends TLS.",
            id="campaign.E003",
        )
    ]


def first_segments() -> Iterator[str]:
    """Yield the fixed first path segment of every address but the organisation's."""
    own_tree = (settings.CAMPAIGN_ORG, "campaign")
    for segments in _walk(get_resolver().url_patterns, ""):
        if segments[:2] != own_tree and segments[0]:
            yield segments[0]
    yield settings.STATIC_URL.strip("/").split("/")[0]


def _walk(
    patterns: Sequence[URLPattern | URLResolver], prefix: str
) -> Iterator[tuple[str, ...]]:
    """Yield the path of every pattern, split; a resolver is entered where it has no
    segment of its own to show."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").lstrip("/")
        if isinstance(pattern, URLResolver) and path.count("/") < 2:
            yield from _walk(pattern.url_patterns, path)
        elif not path.startswith("<"):
            yield tuple(path.strip("$").split("/"))
