"""The API's document as a page: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaign.api import api

FIRST_ERROR = 400
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    place: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with what it carries."""

    status: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]
    errors: tuple[Answer, ...]
    example: str


@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    """Show every operation, by group."""
    groups, schemas = _read()
    context = {"title": api.title, "groups": groups, "problem": schemas["Problem"]}
    return render(request, "api/docs.html", context)


@cache
def _read() -> tuple[dict[str, list[Operation]], dict[str, Any]]:
    document = json.loads(json.dumps(api.get_openapi_schema()))
    schemas: dict[str, Any] = document["components"]["schemas"]
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = _operation(path, method, methods[method], schemas)
                tag = (methods[method].get("tags") or ["Other"])[0]
                groups.setdefault(tag, []).append(operation)
    return groups, schemas


def _operation(
    path: str, method: str, raw: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Operation:
    return Operation(
        anchor=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw.get("summary", "").replace("`", ""),
        description=raw.get("description", "").replace("`", ""),
        parameters=tuple(
            Field(
                parameter["name"],
                parameter["in"],
                _type(parameter["schema"]),
                bool(parameter.get("required")),
                parameter.get("description", ""),
            )
            for parameter in raw.get("parameters", ())
        ),
        body=_fields(_content(raw.get("requestBody", {})), schemas),
        answers=tuple(
            Answer(
                str(status), answer["description"], _fields(_content(answer), schemas)
            )
            for status, answer in raw["responses"].items()
            if status != "default" and int(status) < FIRST_ERROR
        ),
        errors=tuple(
            Answer(str(status), answer["description"], ())
            for status, answer in raw["responses"].items()
            if status != "default" and int(status) >= FIRST_ERROR
        ),
        example=_example(raw.get("requestBody", {})),
    )


def _example(holder: Mapping[str, Any]) -> str:
    for content in holder.get("content", {}).values():
        if "example" in content:
            return json.dumps(content["example"], indent=2, ensure_ascii=False)
    return ""


def _content(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    for content in holder.get("content", {}).values():
        return content.get("schema", {})
    return {}


def _fields(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0
) -> tuple[Field, ...]:
    """Return the fields of an object; those of listed objects follow, dotted."""
    schema = _resolved(schema, schemas)
    required = schema.get("required", ())
    found: list[Field] = []
    for name, field in schema.get("properties", {}).items():
        found.append(
            Field(
                name, "", _type(field), name in required, field.get("description", "")
            )
        )
        items = field.get("items")
        if items and depth < 1:
            found += [
                Field(f"{name}[].{f.name}", "", f.type, f.is_required, f.description)
                for f in _fields(items, schemas, depth + 1)
            ]
    return tuple(found)


def _resolved(
    schema: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    return schemas[reference.rsplit("/", 1)[1]] if reference else schema


def _type(schema: Mapping[str, Any]) -> str:
    """Return a type in few words, such as ``string (date-time) or null``."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "format" in schema:
        return f"{kind} ({schema['format']})"
    return kind
