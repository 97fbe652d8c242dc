"""Conditional requests: a change names the version that it was made from."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from workflows.exceptions import AppError, Fault, InvalidInput

_TAG = re.compile(r'(?:W/)?"?([\w.-]+)"?')


class VersionRequired(AppError):
    """Send the version that you edited: "If-Match: <version>", as ETag gave it."""

    code = "version_required"
    status = 428


def expected_tag(if_match: str) -> str | None:
    """Return the version that the caller edited; None for ``*``, any version.

    Raises VersionRequired (428) without one, InvalidInput for what is none.
    """
    tag = if_match.strip()
    if not tag:
        raise VersionRequired
    if tag == "*":
        return None
    match = _TAG.fullmatch(tag)
    if match is None:
        raise _not_a_version()
    return match[1]


def expected_number(if_match: str) -> int | None:
    """Return the version as a number; like :func:`expected_tag`."""
    tag = expected_tag(if_match)
    if tag is None:
        return None
    if not tag.isdecimal():
        raise _not_a_version()
    return int(tag)


def _not_a_version() -> InvalidInput:
    return InvalidInput(
        _("If-Match is no version."),
        faults=[Fault("If-Match", _("Send the value of ETag as it was."))],
    )
