"""The HTTP call: one request to a host that an administrator allows."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from workflows import conf
from workflows.activities import addresses, calling
from workflows.activities.base import ActivityType, Context, register
from workflows.activities.kinds import (
    Choice,
    Expression,
    Integer,
    Seconds,
    Template,
    Text,
    Unfit,
    Url,
)
from workflows.activities.records import ListOf, Values
from workflows.activities.references import SecretRef
from workflows.engine.conditions import render, value_of
from workflows.exceptions import ConfigurationError, Fault, RuntimeFault
from workflows.registry import Done, Result, WouldDo

METHODS = ("GET", "POST", "PUT", "DELETE")
#: What goes on as a variable; a longer text is cut off.
MOST_KEPT = 65_536
_PORTS = {"http": 80, "https": 443}
_SIGNS = frozenset("!#$%&'*+-.^_`|~")
_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "expect"),
        *("upgrade", "te", "trailer", "keep-alive", "proxy-authorization"),
        *("proxy-connection", "accept-encoding"),
    }
)


class HeaderName(Text):
    """The name of a header of the request."""

    kind = "header"

    def checked(self, text: str) -> str:
        if not (text.isascii() and all(c.isalnum() or c in _SIGNS for c in text)):
            raise Unfit(_("Write the name of a header, such as X-Reason."))
        if text.lower() in _OURS:
            raise Unfit(_("This header is set by the call itself; take it out."))
        return text


@register
class HttpCall(ActivityType):
    """Calls a web service (our choice, in the place of web download).

    Redirects are not followed: they would lead to a host that nobody judged. The
    answer goes on as ``vars.responseStatus`` and ``vars.responseBody``.
    """

    name = "http"
    label = gettext_lazy("HTTP call")
    help_text = gettext_lazy(
        "Calls an allowed host; the answer is in vars.responseStatus and"
        " vars.responseBody."
    )
    icon = "world"
    parameters = (
        Choice(
            name="method",
            label=gettext_lazy("Method"),
            choices=tuple((method, method) for method in METHODS),
            default="GET",
        ),
        Url(
            name="url",
            label=gettext_lazy("Address"),
            help_text=gettext_lazy(
                "Its host has to be in the option WORKFLOW_HTTP_HOSTS; variables may"
                " stand behind it, as UrlUtf8Encode(vars.x) in double braces."
            ),
            required=True,
        ),
        SecretRef(
            name="account",
            label=gettext_lazy("External account"),
            help_text=gettext_lazy("Its secret is sent to the host of the account."),
        ),
        ListOf(
            name="headers",
            label=gettext_lazy("Headers"),
            fields=(
                HeaderName(name="name", label=gettext_lazy("Name"), required=True),
                Template(name="value", label=gettext_lazy("Value"), required=True),
            ),
        ),
        Expression(
            name="body",
            label=gettext_lazy("Body"),
            help_text=gettext_lazy(
                "Sent as JSON, such as {'id': vars.id, 'rows': vars.rows}."
            ),
        ),
        Seconds(
            name="time_limit",
            label=gettext_lazy("Time limit"),
            help_text=gettext_lazy("For the whole call, as in 30s."),
            default=30,
            lowest=1,
        ),
        Values(
            name="success",
            label=gettext_lazy("Statuses of success"),
            help_text=gettext_lazy("Empty: 200 to 299. Others are an error."),
            item=Integer(name="status", lowest=100, highest=599),
        ),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Judge address and body."""
        if parameters.get("body") and parameters.get("method", "GET") in (
            "GET",
            "DELETE",
        ):
            return [Fault("body", _("Choose POST or PUT, or leave the body empty."))]
        try:
            _split(parameters["url"])
        except ConfigurationError as error:
            return [Fault("url", error.message)]
        return []

    def is_long(self, parameters: Mapping[str, Any]) -> bool:
        """Return True: a slow host must not keep others waiting."""
        return True

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the method may be repeated (RFC 9110)."""
        return parameters.get("method") != "POST"

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the method is meant to change something."""
        return (parameters.get("method") or "GET") != "GET"

    def is_cancellable(self, parameters: Mapping[str, Any]) -> bool:
        """Return False: it has no SQL that could be cancelled."""
        return False

    def time_limit(self, parameters: Mapping[str, Any]) -> timedelta | None:
        """Return the time of the call, with some for looking up the name."""
        return timedelta(seconds=self.value(parameters, "time_limit") + 60)

    def would_do(self, context: Context) -> WouldDo:
        """Tell which request would be sent, after judging its host."""
        given = self.values(context.parameters)
        host, _port, _path = _split(_address(given, context))
        addresses.require_allowed(host)
        return WouldDo(
            1,
            gettext_noop("%(method)s %(url)s would be called."),
            {"method": given["method"], "url": _address(given, context)},
        )

    def execute(self, context: Context) -> Result:
        """Call; another status than one of success is an error."""
        given = self.values(context.parameters)
        target = _target(_address(given, context))
        answer = calling.request(
            target,
            method=given["method"],
            headers=_headers(given, context) | _credentials(given, target),
            body=_body(given, context),
            seconds=given["time_limit"],
        )
        expected = given["success"] or range(200, 300)
        if answer.status not in expected:
            raise RuntimeFault(
                "%(host)s answered %(status)s %(reason)s: %(text)s",
                host=target.host,
                status=answer.status,
                reason=_reason(answer.status),
                text=_text(answer)[:200],
            )
        context.info(
            "%(host)s answered %(status)s, %(size)s bytes.",
            host=target.host,
            status=answer.status,
            size=len(answer.body),
        )
        return Done(
            count=1,
            variables={
                "responseStatus": answer.status,
                "responseBody": _content(answer, context),
            },
        )


def _address(given: Mapping[str, Any], context: Context) -> str:
    """Return the address with its variables; the host has none."""
    return render(given["url"], context.variables).strip()


def _split(url: str) -> tuple[str, int, str]:
    """Return host, port and path; raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(
            "The address is not sound: %(error)s", error=str(error)
        ) from error
    if parts.scheme.lower() not in _PORTS or not host or parts.username is not None:
        raise ConfigurationError(
            "The address needs http:// or https:// and the name of a host."
        )
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~{}|")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=-._~?{}|")
    return (
        host,
        port or _PORTS[parts.scheme.lower()],
        path + (f"?{query}" if query else ""),
    )


def _target(url: str) -> calling.Target:
    host, port, path = _split(url)
    addresses.require_allowed(host)
    return calling.Target(
        urlsplit(url).scheme.lower(), host, port, addresses.resolve(host, port), path
    )


def _headers(given: Mapping[str, Any], context: Context) -> dict[str, str]:
    headers = {
        "User-Agent": "campaign-workflow",
        "Accept": "application/json, */*",
        "Connection": "close",
    }
    if given["body"]:
        headers["Content-Type"] = "application/json"
    for header in given["headers"]:
        value = render(header["value"], context.variables)
        headers[header["name"]] = " ".join(value.split())
    return headers


def _credentials(given: Mapping[str, Any], target: calling.Target) -> dict[str, str]:
    """Return the header by which the account signs in; only its own host gets it."""
    name = given["account"]
    if not name:
        return {}
    account = conf.account(name)
    if account is None:
        raise ConfigurationError(
            "There is no enabled external account %(name)s of the type HTTP; make it"
            " or choose another one.",
            name=name,
        )
    if not account["host"] or account["host"].lower() != target.host.lower():
        raise ConfigurationError(
            "The secret of the external account %(name)s is for the host %(own)s, not"
            " for %(host)s; set the host of the account, or choose another one.",
            name=name,
            own=account["host"] or "-",
            host=target.host,
        )
    if not account["user"]:
        return {"Authorization": f"Bearer {account['password']}"}
    pair = f"{account['user']}:{account['password']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _body(given: Mapping[str, Any], context: Context) -> bytes | None:
    if not given["body"]:
        return None
    return json.dumps(value_of(given["body"], context.variables)).encode()


def _content(answer: calling.Answer, context: Context) -> Any:
    """Return the answer's document, or its text, as a variable can hold it."""
    text = _text(answer)
    if len(text) > MOST_KEPT:
        context.warning(
            "The answer has %(size)s characters; the first %(kept)s are kept, as text.",
            size=len(text),
            kept=MOST_KEPT,
        )
        return text[:MOST_KEPT]
    if answer.content_type == "application/json" or answer.content_type.endswith(
        "+json"
    ):
        try:
            return json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            context.warning("The answer says it is JSON, but is not; kept as text.")
    return text


def _text(answer: calling.Answer) -> str:
    try:
        text = answer.body.decode(answer.charset, errors="replace")
    except LookupError:
        text = answer.body.decode("utf-8", errors="replace")
    # The database keeps no null character, not even an escaped one.
    return text.replace("\x00", "").replace("\\u0000", "")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
