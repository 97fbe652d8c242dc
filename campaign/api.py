"""The API of the whole application: one document, one way to sign in and to fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.security.base import AuthBase
from pydantic import BaseModel

from campaign.access import api as access_api
from campaign.deliveries import api as deliveries_api
from campaign.messagecenter import api as messages_api
from campaign.packages import api as packages_api
from campaign.platform import (
    api as platform_api,
)
from campaign.platform import (
    api_accounts,
    api_configuration,
    api_enumerations,
)
from workflows.api import (
    activity_router,
    approval_router,
    audit_router,
    caller,
    command_router,
    documented,
    freeze_router,
    keep_paused_router,
    load_router,
    notification_router,
    problems,
    properties_router,
    signal_router,
    state_router,
    structure_router,
    versions_router,
    workflow_router,
)
from workflows.api.bodies import read_json
from workflows.exceptions import AppError, Fault

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]
DESCRIPTION = """\
Lists answer `{"items": […], "next": cursor or null}` and take `limit` (up to 500) and
`cursor`. Instants are ISO 8601 in UTC. Errors are `application/problem+json` with
`error_code` and, in `errors`, every fault with its field. A `PUT` carries `If-Match`
with the version that `ETag` gave: 428 without it, 412 when it is stale.
"""


class TokenAuth(AuthBase):
    """Signs in by ``Authorization: Bearer <token>`` or ``X-Api-Key``."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A token made with manage.py token create."

    def __call__(self, request: HttpRequest) -> caller.Caller:
        """Return the caller, or raise a 401 error that tells what is wrong."""
        return caller.authenticate(request)


class Encoder(DjangoJSONEncoder):
    """Writes instants to the microsecond, in UTC, ending in Z."""

    def default(self, value: Any) -> Any:
        """Return what JSON can hold."""
        if hasattr(value, "isoformat"):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, BaseModel):
            return value.model_dump()
        return super().default(value)


class BodyParser(Parser):
    """Reads JSON; what it refuses becomes 400."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body."""
        return read_json(request.body)


class Renderer(BaseRenderer):
    """Answers in JSON."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> str:
        """Return the body."""
        return json.dumps(data, cls=Encoder, ensure_ascii=False)


class Api(NinjaAPI):
    """The API, whose document tells of problems as well."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI document, with the problem answer of each operation."""
        document = super().get_openapi_schema(**options)
        schemas = document["components"].setdefault("schemas", {})
        schemas["Problem"] = PROBLEM_SCHEMA
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].setdefault("default", PROBLEM_RESPONSE)
                _take_summary(operation)
        documented.complete(document)
        return document


def _take_summary(operation: dict[str, Any]) -> None:
    """Make the first sentence of the description the summary."""
    text = operation.get("description", "").replace("``", "`")
    first, _break, rest = text.partition("\n")
    if first:
        operation["summary"] = first.rstrip(".")
        operation["description"] = rest.strip() or first


PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 has it, with a code and every fault.",
    "required": ["type", "title", "status", "detail", "error_code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error_code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
PROBLEM_RESPONSE = {
    "description": "What went wrong",
    "content": {
        problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
    },
}

api = Api(
    title="Campaign",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url="/openapi.json",
    docs_url=None,
    auth=TokenAuth(),
    parser=BodyParser(),
    renderer=Renderer(),
)


@api.exception_handler(AppError)
def on_app_error(request: HttpRequest, error: AppError) -> HttpResponse:
    """Answer with the error's own status, code and fields."""
    return problems.of_error(error)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer 400 with every fault, each by the name the caller used."""
    return problems.problem(
        400,
        "invalid",
        _("The request has faults."),
        faults=[
            Fault(_field_of(fault["loc"]), str(fault["msg"])) for fault in error.errors
        ],
    )


@api.exception_handler(Http404)
def on_not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    """Answer 404."""
    return problems.not_found()


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer with the status that the framework found, such as unreadable JSON."""
    return problems.problem(error.status_code, "invalid", error.message)


@api.exception_handler(DataError)
@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def on_database_error(
    request: HttpRequest, error: DataError | OperationalError | InterfaceError
) -> HttpResponse:
    """Answer 400 for a value that cannot be stored, 503 for a database away."""
    logger.warning(
        "Request %s %s met a database error: %s",
        request.method,
        request.path,
        error,
        extra={"action": "api.database_error"},
    )
    return problems.of_database_error(error)


@api.exception_handler(Exception)
def on_failure(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 500; the log keeps what happened."""
    logger.error(
        "Request %s %s failed.",
        request.method,
        request.path,
        exc_info=error,
        extra={"action": "api.failed"},
    )
    return problems.internal_error()


def _field_of(location: Any) -> str:
    """Return the field of a fault, without the words of the framework."""
    parts = [str(part) for part in location if part not in ("body", "query", "header")]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "body" else parts)


def _telling_methods(view: View) -> View:
    """Turn the framework's 405 into a problem document."""

    @wraps(view)
    def telling(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            return problems.method_not_allowed(response.headers["Allow"].split(", "))
        return response

    return telling


def url_patterns() -> list[URLPattern | URLResolver]:
    """Return the addresses of the API, its document among them."""
    patterns = list(api.urls[0])
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.callback is not None:
            pattern.callback = _telling_methods(pattern.callback)
    return patterns


api.add_router("/workflows", versions_router.router)
api.add_router("/workflows", workflow_router.router)
api.add_router("/workflows", command_router.router)
api.add_router("/workflows", keep_paused_router.router)
api.add_router("/workflows", signal_router.router)
api.add_router("/workflows", state_router.router)
api.add_router("/workflows", properties_router.router)
api.add_router("/workflows", structure_router.router)
api.add_router("", activity_router.router)
api.add_router("", approval_router.router)
api.add_router("", audit_router.router)
api.add_router("", freeze_router.router)
api.add_router("", load_router.router)
api.add_router("", notification_router.router)
api.add_router("", messages_api.router)
api.add_router("", deliveries_api.router)
api.add_router("", platform_api.router)
api.add_router("", api_accounts.router)
api.add_router("", api_enumerations.router)
api.add_router("", api_configuration.router)
api.add_router("", packages_api.router)
api.add_router("", access_api.router)
