"""Access management over HTTP and at the command line."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client

from campaign.access.models import ApiToken, Operator
from campaign.access.services import tokens
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
API = "/api/v1"


def caller(username: str, group: str, scope: str = "admin") -> Client:
    operator = Operator.objects.create_user(username)
    operator.groups.add(Group.objects.get(name=group))
    made = tokens.create_token(name=username, operator=operator, scopes=[scope])
    return Client(headers={"authorization": f"Bearer {made.secret}"})


@pytest.fixture
def boss() -> Client:
    return caller("boss", "Administrators")


def send(client: Client, method: str, path: str, body: object = None):
    return client.generic(
        method, f"{API}{path}", json.dumps(body or {}), "application/json"
    )


def command(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_me_tells_operator_scopes_and_rights():
    me = caller("reader", "Standard Users", "workflow:read").get(f"{API}/me").json()

    assert me["username"] == "reader"
    assert me["scopes"] == ["workflow:read"]
    assert "workflows.view" in me["rights"]
    assert "workflows.kill" not in me["rights"]


@pytest.mark.parametrize("path", ["/operators", "/groups"])
def test_reader_is_refused(path):
    client = caller("reader", "Standard Users")

    answer = client.get(f"{API}{path}")

    assert answer.status_code == 403
    assert "access.manage" in answer.json()["detail"]


def test_lists_page_by_cursor(boss):
    Operator.objects.create_user("anna")
    first = boss.get(f"{API}/operators?limit=1").json()
    second = boss.get(f"{API}/operators?limit=1&cursor={first['next']}").json()

    assert [row["username"] for row in first["items"] + second["items"]] == [
        "anna",
        "boss",
    ]


def test_list_of_operators_costs_few_queries(boss, django_assert_max_num_queries):
    for number in range(5):
        Operator.objects.create_user(f"operator{number}")
    boss.get(f"{API}/me")
    with django_assert_max_num_queries(10):
        boss.get(f"{API}/operators")


def test_operator_is_made_changed_disabled_and_enabled(boss):
    made = send(
        boss, "POST", "/operators", {"username": "erin", "groups": ["Standard Users"]}
    )
    changed = send(boss, "PATCH", "/operators/erin", {"email": "erin@example.com"})
    disabled = send(boss, "POST", "/operators/erin/disable", {"reason": "left"})
    enabled = send(boss, "POST", "/operators/erin/enable")

    assert made.status_code == 201
    assert Operator.objects.get(username="erin").check_password(made.json()["password"])
    assert changed.json()["email"] == "erin@example.com"
    assert disabled.json()["is_active"] is False
    assert enabled.json()["is_active"] is True
    entry = AuditEntry.objects.get(action="access.operator.disabled")
    assert (entry.reason, entry.source) == ("left", Source.API)


def test_faults_name_their_field(boss):
    answer = send(
        boss, "POST", "/operators", {"username": "erin", "time_zone": "Mars/Base"}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "time_zone"


def test_missing_operator_is_not_found(boss):
    assert boss.get(f"{API}/operators/nobody").status_code == 404


def test_last_administrator_is_kept(boss):
    answer = send(boss, "POST", "/operators/boss/disable")

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "last_administrator"
    assert Operator.objects.get(username="boss").is_active


def test_nobody_gives_a_right_that_they_lack(boss):
    group = Group.objects.get(name="Administrators")
    group.permissions.remove(group.permissions.get(codename="sql"))

    answer = send(
        boss, "PUT", "/groups/Standard Users/rights", {"rights": ["workflows.sql"]}
    )

    assert answer.status_code == 403


def test_groups_of_an_operator_hold_at_once(boss):
    reader = caller("reader", "Standard Users")
    assert reader.get(f"{API}/groups").status_code == 403

    send(boss, "PUT", "/operators/reader/groups", {"groups": ["Administrators"]})

    assert reader.get(f"{API}/groups").status_code == 200


def test_group_is_made_with_rights_and_deleted(boss):
    made = send(
        boss, "POST", "/groups", {"name": "Night", "rights": ["workflows.view"]}
    )
    deleted = boss.delete(f"{API}/groups/Night")

    assert made.json()["rights"] == ["workflows.view"]
    assert deleted.status_code == 204
    assert boss.delete(f"{API}/groups/Standard Users").status_code == 409


def test_token_is_made_changed_and_revoked(boss):
    made = send(boss, "POST", "/tokens", {"name": "shop", "scopes": ["event:push"]})
    secret = made.json()["secret"]
    changed = send(boss, "PUT", "/tokens/shop", {"scopes": ["event:read"]})
    revoked = send(boss, "POST", "/tokens/shop/revoke")

    assert changed.json()["scopes"] == ["event:read"]
    assert revoked.json()["is_active"] is False
    assert secret not in boss.get(f"{API}/tokens").content.decode()
    headers = {"authorization": f"Bearer {secret}"}
    assert Client(headers=headers).get(f"{API}/me").status_code == 401


def test_token_of_another_operator_stays_hidden():
    client = caller("night", "Workflow supervisors")
    tokens.create_token(
        name="other", operator=Operator.objects.create_user("o"), scopes=["admin"]
    )

    assert client.get(f"{API}/tokens/other").status_code == 404
    assert [row["name"] for row in client.get(f"{API}/tokens").json()["items"]] == [
        "night"
    ]


def test_command_line_makes_and_shows_an_operator():
    said = command("operator", "create", "erin", "--group", "Standard Users")
    row = json.loads(command("operator", "show", "erin", "--json"))

    password = said.rsplit(": ", 1)[1].strip()
    assert Operator.objects.get(username="erin").check_password(password)
    assert row["rights"]["workflows.view"] == ["Standard Users"]
    assert "erin" in command("operator", "list")


def test_command_line_changes_groups_and_keeps_the_last_administrator():
    command("operator", "create", "erin", "--group", "Administrators")
    with pytest.raises(CommandError, match="last active administrator"):
        command("operator", "groups", "erin")

    assert Operator.objects.get(username="erin").groups.count() == 1


@pytest.mark.parametrize(
    "verb", ["show", "disable", "enable", "unlock", "reset-second-factor", "groups"]
)
def test_command_about_nobody_is_refused(verb):
    with pytest.raises(CommandError, match="nobody"):
        command("operator", verb, "nobody")


def test_command_line_gives_rights_to_a_group():
    command("group", "create", "Night")
    command("group", "rights", "Night", "workflows.view")

    assert json.loads(command("group", "show", "Night"))["rights"] == ["workflows.view"]
    command("group", "delete", "Night")
    assert "Night" not in command("group", "list")


def test_unknown_right_is_named():
    with pytest.raises(CommandError, match=r"workflows\.nothing"):
        command("group", "rights", "Standard Users", "workflows.nothing")


def test_repeated_disabling_writes_one_entry(boss):
    Operator.objects.create_user("erin")
    send(boss, "POST", "/operators/erin/disable")
    send(boss, "POST", "/operators/erin/disable")

    assert AuditEntry.objects.filter(action="access.operator.disabled").count() == 1
    assert ApiToken.objects.filter(operator__username="erin").count() == 0
