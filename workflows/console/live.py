"""Live refresh: a page holds a token, and gets only the fragments that changed.

The token is ``<id>:<digest>`` pairs joined by dots: what the browser shows now. The
server keeps nothing.
"""

from __future__ import annotations

import hashlib
import re

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

# What differs between two renderings of the same truth.
_NOISE = re.compile(
    r'(name="csrfmiddlewaretoken" value="[^"]*")|(data-relative>[^<]*<)'
)


def digest(html: str) -> str:
    """Return a short sum of a fragment that ignores relative times."""
    plain = _NOISE.sub("", html)
    return hashlib.blake2b(plain.encode(), digest_size=5).hexdigest()


def take_token(request: HttpRequest) -> str:
    """Take the reader's token out of the request, so that no link repeats it."""
    query = request.GET.copy()
    token = query.get("token", "")
    query.pop("token", None)
    request.GET = query  # type: ignore[assignment]
    return token


class Fragments:
    """The parts of a page that may change, by the id of their element."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    def add(self, element_id: str, html: str) -> None:
        """Add the inner HTML of the element of that id."""
        self._parts[element_id] = html

    @property
    def token(self) -> str:
        """Return the token of what the fragments show."""
        return ".".join(f"{name}:{digest(html)}" for name, html in self._parts.items())

    def answer(self, token: str, *, summary: bool = False) -> HttpResponse:
        """Return what changed since ``token`` as out-of-band swaps, or 204.

        ``summary`` adds a sentence for the polite region, with the count only.
        """
        shown = dict(part.partition(":")[::2] for part in token.split(".") if part)
        changed = [
            _swap(name, html)
            for name, html in self._parts.items()
            if shown.get(name) != digest(html)
        ]
        if not changed:
            return HttpResponse(status=204)
        response = HttpResponse("".join(changed))
        response["X-Live-Token"] = self.token
        if summary and token:
            text = ngettext(
                "%(n)s part of the page changed",
                "%(n)s parts of the page changed",
                len(changed),
            ) % {"n": len(changed)}
            response["X-Live-Summary"] = text.encode("ascii", "xmlcharrefreplace")
        response["Cache-Control"] = "no-store"
        return response


def _swap(name: str, html: str) -> SafeString:
    # A template keeps table rows and cells whole while the browser reads them.
    inner = mark_safe(html)  # noqa: S308 (rendered by the auto-escaping engine)
    return format_html(
        '<template><div hx-swap-oob="innerHTML:#{}">{}</div></template>', name, inner
    )
