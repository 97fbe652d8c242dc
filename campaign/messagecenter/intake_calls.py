"""A call of the event API and its answer, read straight from WSGI."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaign.access.services.tokens import Principal, authenticate
from campaign.messagecenter.services.intake import MAX_KEY, Caller
from workflows.exceptions import AppError, Fault, InvalidInput

JSON_TYPE = "application/json"


class BodyTooLarge(AppError):
    """The body is larger than the %(limit)s KiB that this address takes."""

    code = "too_large"
    status = 413


class InvalidJson(AppError):
    """The body is no valid JSON in UTF-8: %(reason)s."""

    code = "invalid_json"
    status = 400


class MethodNotAllowed(AppError):
    """This address does not take that method."""

    code = "method_not_allowed"
    status = 405


@dataclass(slots=True)
class Answer:
    """A status, a JSON body and what headers go with it."""

    status: int
    document: Any
    extra: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    @property
    def body(self) -> bytes:
        """Return the document as bytes; half characters of a caller as "?"."""
        return json.dumps(
            self.document, ensure_ascii=False, separators=(",", ":")
        ).encode("utf-8", "replace")

    def headers(self, length: int) -> list[tuple[str, str]]:
        """Return the headers for a body of that length."""
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", str(length)),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *self.extra.items(),
        ]


class Call:
    """One request; its parts are read when they are asked for."""

    __slots__ = ("_environ", "at", "method")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.at: datetime = timezone.now()

    def principal(self, scope: str) -> Principal:
        """Return who calls. Raises a 401 or 403 when that is not allowed."""
        principal = authenticate(
            self._environ.get("HTTP_AUTHORIZATION"),
            self._environ.get("HTTP_X_API_KEY"),
        )
        principal.require_scope(scope)
        return principal

    def json(self, limit: int) -> Any:
        """Return the body. Raises BodyTooLarge or InvalidJson."""
        try:
            return json.loads(self._body(limit), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise InvalidJson(reason=_("it is nested too deeply")) from error
        except ValueError as error:
            raise InvalidJson(reason=str(error)) from error

    def caller(self, principal: Principal, scope: str, body: Any) -> Caller:
        """Return who pushes, with the Idempotency-Key if one is given.

        ``scope`` names the address, so that a key serves one request only.
        """
        key = self._environ.get("HTTP_IDEMPOTENCY_KEY", "")
        if not key:
            return Caller(principal.operator_id, self.at)
        if len(key) > MAX_KEY or not key.isascii() or not key.isprintable():
            text = _("Give up to %(count)s visible ASCII characters.")
            raise InvalidInput(
                faults=[Fault("Idempotency-Key", text % {"count": MAX_KEY})]
            )
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(f"{scope}\n{canonical}".encode()).hexdigest()
        return Caller(principal.operator_id, self.at, key, digest)

    def _body(self, limit: int) -> bytes:
        length = self._environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            if int(length) > limit:
                raise BodyTooLarge(limit=limit // 1024)
            return self._environ["wsgi.input"].read(int(length))
        if "chunked" not in self._environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return b""
        body = self._environ["wsgi.input"].read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(limit=limit // 1024)
        return body


def _refuse_constant(name: str) -> None:
    raise ValueError(_("%(name)s is no JSON value") % {"name": name})
