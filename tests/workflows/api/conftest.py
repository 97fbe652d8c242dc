from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from workflows.actions.sync import sync_workflows
from workflows.models import Workflow
from workflows.registry import (
    CatalogueEntry,
    Done,
    RunContext,
    activity,
    temporary_workflow,
)


class Caller:
    """A program that calls the API with one token."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(path, query)

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.client.post(
            path, json.dumps(body), content_type="application/json", headers=headers
        )

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.put(
            path, json.dumps(body), content_type="application/json", headers=named
        )


@pytest.fixture(autouse=True)
def _nothing_cached() -> Iterator[None]:
    tokens.forget_cached()
    yield
    tokens.forget_cached()


def caller(name: str, *scopes: str, group: str = "") -> Caller:
    operator = Operator.objects.create_user(name)
    if group:
        operator.groups.add(Group.objects.get(name=group))
    made = tokens.create_token(name=name, operator=operator, scopes=scopes)
    return Caller(made.secret)


@pytest.fixture
def administrator(db) -> Caller:
    return caller("boss", Scope.ADMIN, group="Administrators")


@pytest.fixture
def supervisor(db) -> Caller:
    return caller(
        "supervisor",
        Scope.WORKFLOW_READ,
        Scope.WORKFLOW_EXECUTE,
        group="Workflow supervisors",
    )


@pytest.fixture
def reader(db) -> Caller:
    return caller("reader", Scope.WORKFLOW_READ, group="Standard Users")


@pytest.fixture
def shop(db) -> Caller:
    return caller("shop", Scope.EVENT_PUSH, group="Workflow supervisors")


@pytest.fixture
def outsider(db) -> Caller:
    return caller("outsider", Scope.ADMIN)


class Count:
    """A workflow of the tests."""

    @activity(after=("scheduler", "signal"))
    def count(self, run: RunContext) -> Done:
        return Done(count=1)


SCHEDULE = {
    "kind": "daily",
    "time": "04:00",
    "interval": 1,
    "expiry": {"type": "never"},
    "tz": "default",
    "misfire": "fire_once",
}


@pytest.fixture
def workflow(db) -> Iterator[Workflow]:
    entry = CatalogueEntry(
        internal_name="testsCount",
        package="builtin",
        labels={"en": "Count", "fr": "Compter"},
        description="Counts.",
        schedule=SCHEDULE,
        signals=("something happened",),
        aliases=("testCount",),
    )
    with temporary_workflow(Count, "testsCount", entry):
        sync_workflows(at=timezone.now())
        yield Workflow.objects.get(internal_name="testsCount")
