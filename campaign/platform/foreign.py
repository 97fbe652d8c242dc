"""Answers that hold content of others: shown in a frame, never trusted."""

from __future__ import annotations

from django.http import HttpResponse

#: Inline styles are what mail is made of; scripts, forms and other servers are shut
#: out, images of other servers too, for they would tell who looks.
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
#: For the content itself: also an origin of its own.
SANDBOXED = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def foreign_answer(response: HttpResponse, policy: str = POLICY) -> HttpResponse:
    """Let a page of ours frame the answer, and let the answer do nothing."""
    response["Content-Security-Policy"] = policy
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "private, no-store"
    return response
