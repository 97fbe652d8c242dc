from __future__ import annotations

import json
import re

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import reverse

from campaign.api import api
from workflows.actions.command_parameters import PARAMETERS
from workflows.models import CommandName

URL = "/api/v1/openapi.json"


@pytest.fixture(scope="module")
def document():
    return json.loads(json.dumps(api.get_openapi_schema()))


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_document_is_served_without_a_token(db):
    answer = Client().get(URL)

    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")


def test_every_reference_leads_to_a_schema(document):
    schemas = document["components"]["schemas"]

    missing = {
        ref
        for ref in references(document)
        if ref.removeprefix("#/components/schemas/") not in schemas
    }

    assert missing == set()


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for _p, _m, operation in operations(document)]

    assert len(ids) == len(set(ids))


def test_every_operation_says_what_it_does_and_how_it_fails(document):
    silent = [
        (path, method)
        for path, method, operation in operations(document)
        if not operation.get("description") or "default" not in operation["responses"]
    ]

    assert silent == []


def test_path_parameters_are_declared(document):
    undeclared = [
        (path, method)
        for path, method, operation in operations(document)
        if set(re.findall(r"{(\w+)}", path))
        != {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
    ]

    assert undeclared == []


def test_every_operation_needs_a_token(document):
    assert "TokenAuth" in document["components"]["securitySchemes"]
    assert all(operation["security"] for _p, _m, operation in operations(document))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/workflows",
        "/api/v1/workflows/{internal_name}",
        "/api/v1/workflows/{internal_name}/commands",
        "/api/v1/workflows/{internal_name}/runs",
        "/api/v1/workflows/{internal_name}/tasks",
        "/api/v1/workflows/{internal_name}/logs",
        "/api/v1/workflows/{internal_name}/next",
        "/api/v1/workflows/{internal_name}/occurrences",
        "/api/v1/workflows/{internal_name}/schedule",
        "/api/v1/workflows/{internal_name}/structure",
        "/api/v1/workflows/{internal_name}/properties",
        "/api/v1/workflows/{internal_name}/signals/{activity}",
        "/api/v1/workflows/{internal_name}/waiting",
        "/api/v1/workflows/{internal_name}/stuck",
        "/api/v1/workflows/{internal_name}/freshness",
        "/api/v1/workflows/{internal_name}/runs/{run_id}/comparison",
        "/api/v1/monitoring/stuck",
        "/api/v1/instance/freeze",
        "/api/v1/approvals",
        "/api/v1/approvals/{approval_id}",
        "/api/v1/approvals/{approval_id}/reply",
        "/api/v1/activities",
        "/api/v1/workflows/{internal_name}/keep-paused",
        "/api/v1/deliveries",
        "/api/v1/logs",
        "/api/v1/options",
        "/api/v1/audit",
    ],
)
def test_agreed_address_is_in_the_document(document, path):
    assert path in document["paths"]


def test_page_shows_every_operation_without_script(db, document):
    page = Client().get(reverse("api_docs"))

    html = page.content.decode()
    assert page.status_code == 200
    assert "<script" not in html
    assert "http" not in page.headers["Content-Security-Policy"]
    assert all(path in html for path in document["paths"])


def test_command_names_and_parameters_are_in_the_document(document):
    schemas = document["components"]["schemas"]

    assert schemas["CommandIn"]["properties"]["command"]["enum"] == CommandName.values
    assert set(schemas["CommandParameters"]["properties"]) == {
        name for names in PARAMETERS.values() for name in names
    }


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v2/workflows"])
def test_unknown_address_is_a_problem(db, path):
    answer = Client().get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_wrong_method_is_a_problem(administrator, workflow):
    answer = administrator.client.delete("/api/v1/workflows/testsCount/runs")

    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Allow"] == "GET"


def test_failure_of_ours_is_a_problem_without_details(
    administrator, workflow, monkeypatch
):
    def fail(*_args, **_options):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("workflows.api.workflow_router.next_runs", fail)

    answer = administrator.get("/api/v1/workflows/testsCount/next")

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert "secret detail" not in answer.content.decode()


def test_every_operation_has_group_summary_and_its_errors(document):
    incomplete = [
        (path, method)
        for path, method, operation in operations(document)
        if not operation.get("tags")
        or not operation.get("summary")
        or not {"401", "403", "503"} <= set(operation["responses"])
        or ("{" in path and "404" not in operation["responses"])
        or (method != "get" and "409" not in operation["responses"])
    ]

    assert incomplete == []


def test_conditional_changes_tell_of_412_and_428(document):
    silent = [
        (path, method)
        for path, method, operation in operations(document)
        if "If-Match" in {p["name"] for p in operation.get("parameters", [])}
        and not {"412", "428"} <= set(operation["responses"])
    ]

    assert silent == []


def test_every_error_is_a_problem_with_an_example(document):
    bare = [
        (path, method, status)
        for path, method, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status[0] in "45"
        and "example" not in answer["content"]["application/problem+json"]
    ]

    assert bare == []


def test_signals_tell_of_429_and_of_the_key(document):
    path = "/api/v1/workflows/{internal_name}/signals/{activity}"
    operation = document["paths"][path]["post"]

    assert "Retry-After" in operation["responses"]["429"]["headers"]
    assert "Idempotency-Key" in {p["name"] for p in operation["parameters"]}


def test_every_body_has_an_example_that_fits_its_schema(document):
    unfit = []
    for path, method, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = {**content["schema"], "components": document["components"]}
            if not jsonschema_rs.is_valid(schema, content["example"]):
                unfit.append((path, method, content["example"]))

    assert unfit == []
