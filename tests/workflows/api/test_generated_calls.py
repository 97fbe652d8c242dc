"""Calls generated from the OpenAPI document: whatever comes, never a 500.

Once with values that fit, at a workflow that exists, and once with values that do not.
Each call is undone, so that the next one finds the same rows; the values are the same
in every run.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core import NotSet

from campaign.api import api
from tests.workflows.api.conftest import caller
from workflows.models import Workflow

EXAMPLES = 8
SEED = 20_260_310
EXISTING = {"internal_name": "testsCount", "activity": "signal"}
FITTING, UNFIT = schemathesis.GenerationMode
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in schemathesis.openapi.from_dict(
        json.loads(json.dumps(api.get_openapi_schema()))
    ).get_all_operations()
}
WITH_VALUES = [
    name
    for name, operation in OPERATIONS.items()
    if operation.body or operation.query or operation.path_parameters
]


@pytest.fixture
def client(workflow: Workflow) -> Client:
    """A program with every right, whose failures are answers."""
    program = caller("boss", "admin", group="Administrators").client
    program.raise_request_exception = False
    return program


def send(client: Client, case: schemathesis.Case, known: dict[str, str]) -> Any:
    """Make a generated call in this process, and undo what it did."""
    values = {**(case.path_parameters or {}), **known}
    parts = {name: quote(str(value), safe="") for name, value in values.items()}
    has_body = not isinstance(case.body, NotSet)
    with transaction.atomic():
        answer = client.generic(
            case.method,
            case.path.format(**parts),
            data=json.dumps(case.body, default=str) if has_body else "",
            content_type="application/json",
            headers=_headers(case),
            QUERY_STRING=urlencode(case.query or {}, doseq=True),
        )
        transaction.set_rollback(True)
    return answer


def _headers(case: schemathesis.Case) -> dict[str, str]:
    """Return the headers of a call but those that sign in."""
    return {
        name: str(value)
        for name, value in (case.headers or {}).items()
        if name.lower() not in {"authorization", "x-api-key"}
    }


def check(client: Client, strategy: Any, known: dict[str, str]) -> None:
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def call(case: schemathesis.Case) -> None:
        answer = send(client, case, known)

        told = b"" if answer.streaming else answer.content
        assert answer.status_code < 500, (case.method, case.path, told[:300])

    call()


@pytest.mark.parametrize("name", OPERATIONS)
def test_call_that_fits_never_fails_on_our_side(name: str, client: Client) -> None:
    operation = OPERATIONS[name]
    known = {
        key: value for key, value in EXISTING.items() if f"{{{key}}}" in operation.path
    }

    check(client, operation.as_strategy(generation_mode=FITTING), known)


@pytest.mark.parametrize("name", WITH_VALUES)
def test_call_that_does_not_fit_never_fails_on_our_side(
    name: str, client: Client
) -> None:
    check(client, OPERATIONS[name].as_strategy(generation_mode=UNFIT), {})
