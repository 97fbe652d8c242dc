"""What the OpenAPI document tells of every operation without being asked.

By convention, so that a new route has it at once: the errors that an operation can
answer follow from its method, its address, its headers and its body; its body has an
example, made of its schema. A route says more in ``openapi_extra``:
``{"x-errors": [429]}`` adds errors, an ``example`` at the body or ``examples`` at its
schema take the place of the made one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from workflows.api import problems

CHANGES = frozenset({"post", "put", "patch", "delete"})
METHODS = frozenset({"get", *CHANGES})
_DEEPEST = 6
_PROBLEM = {"$ref": "#/components/schemas/Problem"}

# Status -> (error_code of the example, when it comes).
ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("invalid", "A value has a fault; `errors` names every one with its field."),
    401: ("token_invalid", "No token, or one that is wrong or expired."),
    403: ("forbidden", "The token lacks the scope, or its operator the right."),
    404: ("not_found", "Nothing of that name exists, or not any more."),
    409: ("conflict", "The state does not allow it; nothing was changed."),
    412: ("stale_version", "Somebody changed it meanwhile: read it again."),
    413: ("too_large", "The body is larger than this address takes."),
    422: ("idempotency_key_reused", "The key came with another order before."),
    428: ("version_required", "Send If-Match with the version that you edited."),
    429: ("too_frequent", "Too early: wait for the seconds in Retry-After."),
    503: ("unavailable", "The database does not answer: try again in a few seconds."),
}
# Fields whose made value would tell nothing.
_BY_NAME: Mapping[str, Any] = {
    "activity": "signal",
    "comment": "checked against the plan",
    "email": "anna@example.com",
    "event_id": "EVTorderShipped",
    "internal_name": "nightlyImport",
    "label": "Nightly import",
    "reason": "relay under repair",
    "source": "API",
    "subject": "Your order {{ ctx.order_number }}",
    "sender_address": "shop@example.com",
    "text": "It is on its way.",
    "type": "EVTorderShipped",
    "time_zone": "Europe/Paris",
}
_BY_FORMAT: Mapping[str, str] = {
    "date-time": "2026-03-12T08:00:00Z",
    "date": "2026-03-12",
    "time": "04:00:00",
    "email": "anna@example.com",
    "uuid": "0b5a2f7e-6f0f-4b0c-9a54-0f7f2d3e1c11",
    "uri": "https://example.com/",
}


def complete(document: dict[str, Any]) -> None:
    """Add errors, examples and what a key does to every operation of a document."""
    schemas = document["components"].setdefault("schemas", {})
    for path, operation_of in document["paths"].items():
        for method, operation in operation_of.items():
            if method not in METHODS:
                continue
            extra = operation.pop("x-errors", ())
            for status in sorted({*_errors_of(path, method, operation), *extra}):
                # The framework writes statuses as numbers, the extras as text.
                if not {status, str(status)} & set(operation["responses"]):
                    operation["responses"][status] = error_response(status)
            for content in _bodies(operation):
                _give_example(content, schemas)


def error_response(status: int) -> dict[str, Any]:
    """Return the answer of an error, with its example."""
    code, text = ERRORS[status]
    example: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": text,
        "error_code": code,
    }
    if status == HTTPStatus.BAD_REQUEST:
        example["errors"] = [{"field": "name", "message": "Say what is wrong with it."}]
    response: dict[str, Any] = {
        "description": text,
        "content": {problems.CONTENT_TYPE: {"schema": _PROBLEM, "example": example}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
        }
    return response


def _errors_of(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[int]:
    parameters = operation.get("parameters", ())
    headers = {p["name"].lower() for p in parameters if p["in"] == "header"}
    has_body = "requestBody" in operation
    yield HTTPStatus.SERVICE_UNAVAILABLE
    if operation.get("security", True):
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.FORBIDDEN
    if parameters or has_body:
        yield HTTPStatus.BAD_REQUEST
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if method in CHANGES:
        yield HTTPStatus.CONFLICT
    if has_body:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if "if-match" in headers:
        yield HTTPStatus.PRECONDITION_FAILED
        yield HTTPStatus.PRECONDITION_REQUIRED


def _bodies(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    body = operation.get("requestBody", {})
    yield from body.get("content", {}).values()


def _give_example(content: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    if "example" in content or "examples" in content:
        return
    content["example"] = example_of(content.get("schema", {}), schemas)


def example_of(
    schema: Mapping[str, Any],
    schemas: Mapping[str, Any],
    name: str = "",
    depth: int = 0,
) -> Any:
    """Return a value that fits a schema: its own example, else one made of it."""
    reference = schema.get("$ref", "")
    if reference:
        return example_of(schemas[reference.rsplit("/", 1)[1]], schemas, name, depth)
    for key in ("example", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("allOf", "anyOf", "oneOf"):
        if schema.get(key):
            return _of_options(schema[key], schemas, name, depth)
    kind = schema.get("type", "object" if "properties" in schema else "")
    if kind == "object":
        return _object(schema, schemas, depth)
    if kind == "array":
        if depth >= _DEEPEST:
            return []
        return [example_of(schema.get("items", {}), schemas, name, depth + 1)]
    return _plain(kind, schema, name)


def _of_options(
    options: list[dict[str, Any]], schemas: Mapping[str, Any], name: str, depth: int
) -> Any:
    wanted = next((o for o in options if o.get("type") != "null"), options[0])
    return example_of(wanted, schemas, name, depth)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    """Return the mandatory fields, and those that need no explanation."""
    if depth >= _DEEPEST:
        return {}
    required = schema.get("required", ())
    return {
        name: example_of(field, schemas, name, depth + 1)
        for name, field in schema.get("properties", {}).items()
        if name in required or name in {"reason", "comment"}
    }


def _plain(kind: str, schema: Mapping[str, Any], name: str) -> Any:
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    if kind == "number":
        return 1.5
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    made = _BY_FORMAT.get(schema.get("format", ""), _BY_NAME.get(name, name or "text"))
    return made[: schema.get("maxLength", len(made))] if isinstance(made, str) else made
