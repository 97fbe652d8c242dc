from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from campaign.access.models import ApiToken, Operator
from campaign.access.services import setup, tokens
from workflows.models import AuditEntry

pytestmark = pytest.mark.django_db


def rights(name: str) -> set[str]:
    group = Group.objects.get(name=name)
    return {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in group.permissions.select_related("content_type")
    }


def test_built_in_groups_exist_after_migrate():
    assert {group.name for group in Group.objects.all()} >= {
        "Administrators",
        "Workflow supervisors",
        "Workflow execution",
        "Standard Users",
    }


def test_groups_hold_the_rights_of_their_names():
    assert "workflows.kill" in rights("Administrators")
    assert "access.manage" in rights("Administrators")
    assert "workflows.operate_technical" in rights("Workflow supervisors")
    assert "workflows.kill" not in rights("Workflow supervisors")
    assert "workflows.answer" in rights("Workflow execution")
    assert "workflows.operate_technical" not in rights("Workflow execution")
    assert "workflows.view" in rights("Standard Users")
    assert "workflows.execute" not in rights("Standard Users")


def test_every_named_right_exists():
    known = rights("Administrators")

    assert rights("Workflow supervisors") < known
    assert {name for names in setup._RIGHTS.values() for name in names} <= known


def test_second_run_changes_nothing():
    before = rights("Standard Users")

    setup.ensure_groups()

    assert rights("Standard Users") == before
    assert Group.objects.filter(name="Standard Users").count() == 1


def test_admin_gets_a_random_password_once():
    first = setup.ensure_admin()
    second = setup.ensure_admin()

    assert first.operator.check_password(first.generated)
    assert second.generated == ""
    assert first.operator.is_superuser


def test_given_password_is_applied_at_every_start():
    setup.ensure_admin("one-of-them")
    setup.ensure_admin("another-one")

    assert Operator.objects.get(username="admin").check_password("another-one")


def test_same_password_leaves_sessions_alone():
    before = setup.ensure_admin("one-of-them").operator.password

    assert setup.ensure_admin("one-of-them").operator.password == before


def test_reset_password_prints_a_new_one_once():
    setup.ensure_admin("one-of-them")
    out = io.StringIO()

    call_command("operator", "reset-password", "admin", stdout=out)

    password = out.getvalue().rsplit(": ", 1)[1].strip()
    assert Operator.objects.get(username="admin").check_password(password)


def test_reset_password_of_nobody_is_refused():
    with pytest.raises(CommandError, match="nobody"):
        call_command("operator", "reset-password", "nobody")


def test_weak_password_is_refused(monkeypatch):
    setup.ensure_admin("one-of-them")
    monkeypatch.setattr("sys.stdin", io.StringIO("12345\n"))

    with pytest.raises(CommandError, match="short"):
        call_command("operator", "reset-password", "admin", "--stdin")


def test_token_create_prints_a_token_that_works():
    setup.ensure_admin("one-of-them")
    out = io.StringIO()

    call_command("token", "create", "shop", stdout=out, stderr=io.StringIO())

    principal = tokens.authenticate(f"Bearer {out.getvalue().strip()}")
    assert principal.scopes == {"event:push", "event:read"}


def test_token_of_a_taken_name_is_refused():
    setup.ensure_admin("one-of-them")
    call_command("token", "create", "shop", stdout=io.StringIO(), stderr=io.StringIO())

    with pytest.raises(CommandError, match="shop"):
        call_command("token", "create", "shop")


def test_token_revoke_ends_it():
    setup.ensure_admin("one-of-them")
    call_command("token", "create", "shop", stdout=io.StringIO(), stderr=io.StringIO())

    call_command("token", "revoke", "shop", stdout=io.StringIO())

    assert not ApiToken.objects.get(name="shop").is_active


def test_token_list_never_shows_a_secret():
    setup.ensure_admin("one-of-them")
    made = io.StringIO()
    call_command("token", "create", "shop", stdout=made, stderr=io.StringIO())
    out = io.StringIO()

    call_command("token", "list", stdout=out)

    assert "shop" in out.getvalue()
    assert made.getvalue().strip() not in out.getvalue()


def test_token_and_password_changes_are_audited():
    setup.ensure_admin("one-of-them")
    call_command("token", "create", "shop", stdout=io.StringIO(), stderr=io.StringIO())
    call_command("token", "revoke", "shop", stdout=io.StringIO())
    call_command("operator", "reset-password", "admin", stdout=io.StringIO())

    entries = list(AuditEntry.objects.order_by("id"))
    assert [entry.action for entry in entries] == [
        "access.apitoken.created",
        "access.apitoken.revoked",
        "access.operator.password_changed",
    ]
    assert {entry.source for entry in entries} == {"cli"}


def test_menu_of_access_is_for_superusers(client, administrator, supervisor):
    backend = "django.contrib.auth.backends.ModelBackend"
    client.force_login(administrator, backend)
    shown = client.get("/", follow=True).content.decode()
    client.force_login(supervisor, backend)
    hidden = client.get("/", follow=True).content.decode()

    assert "/tokens/" in shown
    assert "/tokens/" not in hidden
