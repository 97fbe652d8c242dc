from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from campaign.platform.services import options
from workflows.models import AuditEntry

URL = "/api/v1/options/Tests_BatchSize"


@pytest.fixture
def client(db) -> Client:
    operator = Operator.objects.create_user("boss")
    operator.groups.add(Group.objects.get(name="Administrators"))
    made = tokens.create_token(name="boss", operator=operator, scopes=[Scope.ADMIN])
    return Client(headers={"authorization": f"Bearer {made.secret}"})


@pytest.fixture(autouse=True)
def size():
    before = dict(options._declared)
    yield options.declare("Tests_BatchSize", options.INTEGER, 500, "Events per batch")
    options._declared.clear()
    options._declared.update(before)


def put(client, value, version):
    return client.put(
        URL,
        {"value": value, "reason": "tried"},
        content_type="application/json",
        headers={"if-match": version} if version else {},
    )


def test_option_shows_value_and_default(client):
    shown = client.get(URL).json()

    assert shown["value"] == shown["default"] == 500
    assert shown["is_default"] is True
    assert shown["data_type"] == "integer"


def test_option_is_changed_with_its_version(client, size):
    version = client.get(URL)["ETag"]

    answer = put(client, 200, version)

    assert answer.status_code == 200
    assert answer.json()["value"] == 200
    assert size.get() == 200
    assert AuditEntry.objects.get(object_id="Tests_BatchSize").reason == "tried"


def test_version_is_required(client):
    assert put(client, 200, "").status_code == 428


def test_stale_version_is_refused(client, size):
    version = client.get(URL)["ETag"]
    put(client, 200, version)

    assert put(client, 300, version).status_code == 412
    assert size.get() == 200


def test_null_goes_back_to_the_default(client, size):
    put(client, 200, "*")

    assert put(client, None, "*").json()["is_default"] is True


def test_value_that_does_not_fit_is_a_fault(client):
    answer = put(client, "many", "*")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "value"


def test_unknown_option_is_not_found(client):
    assert client.get("/api/v1/options/Tests_Nothing").status_code == 404


def test_list_goes_on_from_the_cursor(client):
    options.declare("Tests_Another", options.TEXT, "", "Another")

    names, cursor = [], None
    for _page in range(50):
        query = {"limit": 1, "cursor": cursor} if cursor else {"limit": 1}
        page = client.get("/api/v1/options", query).json()
        names += [row["name"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert names == list(options.declared())
