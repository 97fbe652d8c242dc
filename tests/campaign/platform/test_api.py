"""Accounts, enumerations, packages, configuration and about over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from campaign.packages.models import InstalledPackage
from campaign.platform.models import ExternalAccount
from campaign.platform.services import accounts, options
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
JSON = "application/json"
PAGER = {
    "internal_name": "pager",
    "label": "Pager",
    "type": "webhook",
    "config": {"url": "https://pager.example.com/in"},
    "secret": "hush-hush-1",
}


def caller(name: str, scope: str, group: str) -> Client:
    operator = Operator.objects.create_user(name)
    operator.groups.add(Group.objects.get(name=group))
    scopes = [scope, Scope.WORKFLOW_READ] if scope == Scope.ADMIN else [scope]
    made = tokens.create_token(name=name, operator=operator, scopes=scopes)
    return Client(headers={"authorization": f"Bearer {made.secret}"})


@pytest.fixture
def boss() -> Client:
    return caller("boss", Scope.ADMIN, "Administrators")


@pytest.fixture
def onlooker() -> Client:
    return caller("onlooker", Scope.ADMIN, "Standard Users")


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1{path}", body or {}, content_type=JSON)


def test_account_goes_in_and_its_secret_stays_in(boss: Client) -> None:
    made = post(boss, "/external-accounts", PAGER)
    shown = boss.get("/api/v1/external-accounts").json()

    assert made.status_code == 201
    assert shown["items"][-1]["has_secret"] is True
    assert "hush-hush-1" not in made.content.decode() + str(shown)
    entry = AuditEntry.objects.get(action="platform.externalaccount.created")
    assert entry.source == Source.API
    assert "hush-hush-1" not in str(entry.changes)


def test_account_is_changed_with_its_version(boss: Client) -> None:
    post(boss, "/external-accounts", PAGER)
    address = "/api/v1/external-accounts/pager"
    version = boss.get(address)["ETag"]
    change = {"label": "Pager 2"}

    without = boss.patch(address, change, content_type=JSON)
    taken = boss.patch(
        address, change, content_type=JSON, headers={"if-match": version}
    )
    stale = boss.patch(
        address, {"label": "3"}, content_type=JSON, headers={"if-match": version}
    )

    assert [without.status_code, taken.status_code, stale.status_code] == [
        428,
        200,
        412,
    ]
    assert accounts.unseal(ExternalAccount.objects.get(internal_name="pager"))


def test_every_fault_of_an_account_is_named(boss: Client) -> None:
    reply = post(
        boss,
        "/external-accounts",
        {
            "internal_name": "1",
            "label": "",
            "type": "routing",
            "config": {"host": "h", "port": 0, "colour": "red"},
        },
    )

    assert reply.status_code == 400
    assert {fault["field"] for fault in reply.json()["errors"]} == {
        "internal_name",
        "label",
        "port",
        "colour",
    }


def test_account_is_deleted(boss: Client) -> None:
    post(boss, "/external-accounts", PAGER)

    assert boss.delete("/api/v1/external-accounts/pager").status_code == 204
    assert boss.get("/api/v1/external-accounts/pager").status_code == 404


def test_test_of_an_account_is_an_answer_even_when_it_fails(boss: Client) -> None:
    post(
        boss,
        "/external-accounts",
        {
            "internal_name": "nowhere",
            "label": "Nowhere",
            "type": "routing",
            "config": {"host": "127.0.0.1", "port": 1},
        },
    )

    reply = post(boss, "/external-accounts/nowhere:test")

    assert reply.status_code == 200
    assert reply.json()["is_ok"] is False
    account = ExternalAccount.objects.get(internal_name="nowhere")
    assert account.last_check_status == "failed"
    assert account.last_error == reply.json()["text"]


def test_rights_are_asked_for(onlooker: Client) -> None:
    answers = [
        post(onlooker, "/external-accounts", PAGER),
        onlooker.get("/api/v1/external-accounts"),
        post(onlooker, "/external-accounts/pager:test"),
        post(onlooker, "/enumerations", {"internal_name": "a", "label": "A"}),
        post(onlooker, "/packages/mc-execution/remove"),
        onlooker.get("/api/v1/configuration"),
        post(onlooker, "/configuration", {"document": {}}),
        post(
            onlooker,
            "/options",
            {"name": "A_B", "label": "x", "data_type": "text", "value": ""},
        ),
    ]

    assert {answer.status_code for answer in answers} == {403}


def test_enumeration_is_kept_over_the_api(boss: Client) -> None:
    post(boss, "/enumerations", {"internal_name": "own", "label": "Own"})
    address = "/api/v1/enumerations/own"
    boss.put(f"{address}/values/a", {"label": "A"}, content_type=JSON)
    boss.put(f"{address}/aliases/alpha", {"value": "a"}, content_type=JSON)

    shown = boss.get(address).json()

    assert shown["values"] == [
        {
            "value": "a",
            "label": "A",
            "order": 0,
            "is_default": False,
            "aliases": ["alpha"],
        }
    ]
    assert boss.delete(f"{address}/aliases/alpha").status_code == 204
    assert boss.delete(f"{address}/values/a").status_code == 204
    assert boss.delete(address).status_code == 204


def test_custom_option_is_added_and_deleted(boss: Client) -> None:
    body = {"name": "Own_X", "label": "X", "data_type": "json", "value": {"a": 1}}

    assert post(boss, "/options", body).status_code == 201
    assert options.get("Own_X") == {"a": 1}
    assert boss.delete("/api/v1/options/Own_X").status_code == 204
    assert boss.get("/api/v1/options/Own_X").status_code == 404


def test_package_is_removed_and_installed_again(boss: Client) -> None:
    gone = post(boss, "/packages/mc-control/remove", {"reason": "unused"}).json()
    back = post(boss, "/packages/mc-control/install").json()

    assert [gone["availability"], back["availability"]] == ["removed", "installed"]
    assert InstalledPackage.objects.get(slug="mc-control").removed_at is None


def test_package_of_another_version_cannot_be_installed(boss: Client) -> None:
    assert post(boss, "/packages/social/install").status_code == 409


def test_list_of_packages_goes_on_from_the_cursor(boss: Client) -> None:
    first = boss.get("/api/v1/packages", {"limit": 2}).json()
    second = boss.get("/api/v1/packages", {"limit": 2, "cursor": first["next"]}).json()

    slugs = [row["slug"] for row in first["items"] + second["items"]]
    assert slugs == sorted(set(slugs))
    assert len(slugs) == 4


def test_configuration_is_previewed_by_default(boss: Client) -> None:
    document = boss.get("/api/v1/configuration?section=options").json()
    name = "MC_EventMaxTries"
    document["sections"]["options"] = [{"name": name, "value": 9}]

    told = post(boss, "/configuration", {"document": document}).json()
    assert options.get(name) == 5
    done = post(
        boss,
        "/configuration",
        {"document": document, "preview": False, "digest": told["digest"]},
    ).json()

    assert [told["is_applied"], done["is_applied"]] == [False, True]
    assert options.get(name) == 9


def test_about_tells_versions(boss: Client) -> None:
    told = boss.get("/api/v1/about").json()

    assert told["pending_migrations"] == []
    assert told["edition"] == "classic"
