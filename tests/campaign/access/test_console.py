"""Pages of access management."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from campaign.access.models import ApiToken, Operator
from campaign.access.services import token_care, tokens
from workflows.models import AuditEntry

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LISTS = ("operator_list", "group_list", "token_list", "matrix", "check")
FORMS = ("operator_create", "group_create", "token_create")


@pytest.fixture
def client() -> Client:
    """A browser: it asks for pages."""
    return Client(headers={"accept": "text/html"})


@pytest.fixture
def manager(db) -> Operator:
    """An administrator of access who is no superuser."""
    operator = Operator.objects.create_user("manager", password="correct-horse-9")
    operator.groups.add(Group.objects.get(name="Administrators"))
    return operator


@pytest.fixture
def manager_client(manager) -> Client:
    browser = Client(headers={"accept": "text/html"})
    browser.force_login(manager, BACKEND)
    return browser


def shown(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("name", [*LISTS, *FORMS])
def test_page_opens_within_ten_queries(
    admin_client, name, django_assert_max_num_queries
):
    address = reverse(f"access:{name}")
    with django_assert_max_num_queries(10):
        assert admin_client.get(address).status_code == 200


@pytest.mark.parametrize("name", [*LISTS, *FORMS])
def test_page_is_refused_without_the_right(client, outsider, name):
    client.force_login(outsider, BACKEND)

    assert client.get(reverse(f"access:{name}")).status_code == 403


@pytest.mark.parametrize("name", ["operator_detail", "group_detail", "token_detail"])
def test_missing_row_is_not_found(admin_client, name):
    answer = admin_client.get(
        reverse(f"access:{name}", args=[999_999]), headers={"accept": "text/html"}
    )

    assert answer.status_code == 404


def test_menu_shows_access_to_managers_only(admin_client, client, outsider):
    assert "/operators/" in shown(admin_client.get("/workflows/"))
    client.logout()
    client.force_login(outsider, BACKEND)
    assert "/operators/" not in shown(client.get("/accounts/profile/"))


def test_new_operator_gets_a_password_that_signs_in(manager_client):
    answer = manager_client.post(
        reverse("access:operator_create"),
        {"username": "erin", "email": "erin@example.com", "groups": ["Standard Users"]},
    )
    password = answer.context["password"]
    browser = Client(headers={"accept": "text/html"})
    browser.post("/accounts/sign-in/", {"username": "erin", "password": password})

    assert password in shown(answer)
    assert "no-store" in answer["Cache-Control"]
    assert browser.get("/workflows/").status_code == 200
    assert browser.get("/operators/").status_code == 403
    entry = AuditEntry.objects.get(action="access.operator.created")
    assert entry.changes["groups"] == [None, ["Standard Users"]]
    assert password not in str(entry.changes)


def test_faults_of_a_new_operator_are_named(manager_client, manager):
    answer = manager_client.post(
        reverse("access:operator_create"), {"username": "manager", "email": "nothing"}
    )

    assert answer.status_code == 422
    assert {"username", "email"} <= set(answer.context["form"].errors)


def test_last_administrator_is_not_disabled(manager_client, manager):
    answer = manager_client.post(
        reverse("access:operator_verb", args=[manager.pk, "disable"]), follow=True
    )

    assert "last active administrator" in shown(answer)
    manager.refresh_from_db()
    assert manager.is_active


def test_last_administrator_keeps_the_group(manager_client, manager):
    manager_client.post(
        reverse("access:operator_verb", args=[manager.pk, "groups"]), {"groups": []}
    )

    assert manager.groups.filter(name="Administrators").exists()


def test_disabled_operator_is_out_at_once(admin_client, manager, manager_client):
    assert manager_client.get("/operators/").status_code == 200
    admin_client.post(reverse("access:operator_verb", args=[manager.pk, "disable"]))

    assert manager_client.get("/operators/").status_code == 302


def test_disabled_operator_s_token_is_refused_at_once(admin_client, manager):
    made = tokens.create_token(name="t", operator=manager, scopes=["admin"])
    headers = {"authorization": f"Bearer {made.secret}"}
    assert Client(headers=headers).get("/api/v1/me").status_code == 200

    admin_client.post(reverse("access:operator_verb", args=[manager.pk, "disable"]))

    assert Client(headers=headers).get("/api/v1/me").status_code == 401


def test_manager_cannot_reset_a_superuser(manager_client, administrator):
    before = administrator.password
    manager_client.post(
        reverse("access:operator_verb", args=[administrator.pk, "reset-password"])
    )

    administrator.refresh_from_db()
    assert administrator.password == before


def test_operator_page_tells_rights_and_their_group(admin_client, manager):
    page = shown(admin_client.get(manager.get_absolute_url()))

    assert "access.manage" in page
    assert "Administrators" in page


def test_reset_password_ends_sessions(admin_client, manager, manager_client):
    manager_client.get("/operators/")
    answer = admin_client.post(
        reverse("access:operator_verb", args=[manager.pk, "reset-password"])
    )

    manager.refresh_from_db()
    assert manager.check_password(answer.context["password"])
    assert manager_client.get("/operators/").status_code == 302


def boxes(client):
    page = client.get(reverse("access:matrix"))
    return {
        box.name
        for line in page.context["lines"]
        for box in line.boxes
        if box.is_checked
    }


def test_matrix_shows_the_difference_before_it_saves(admin_client):
    group = Group.objects.get(name="Standard Users")
    ticked = boxes(admin_client) | {f"{group.pk}:workflows.execute"}

    seen = admin_client.post(reverse("access:matrix"), {"right": sorted(ticked)})

    assert "gains: Start, pause and stop workflows" in shown(seen)
    assert not group.permissions.filter(codename="execute").exists()


def test_matrix_saves_and_audits(admin_client):
    group = Group.objects.get(name="Standard Users")
    ticked = boxes(admin_client) | {f"{group.pk}:workflows.execute"}

    admin_client.post(reverse("access:matrix"), {"right": sorted(ticked), "save": "1"})

    assert group.permissions.filter(codename="execute").exists()
    entry = AuditEntry.objects.get(action="access.group.rights_changed")
    before, after = entry.changes["rights"]
    assert set(after) - set(before) == {"workflows.execute"}


def test_matrix_without_a_change_writes_nothing(admin_client):
    admin_client.post(
        reverse("access:matrix"), {"right": sorted(boxes(admin_client)), "save": "1"}
    )

    assert not AuditEntry.objects.filter(action__startswith="access.group").exists()


def test_matrix_keeps_the_last_administrator(manager_client):
    group = Group.objects.get(name="Administrators")
    ticked = boxes(manager_client) - {f"{group.pk}:access.manage"}

    answer = manager_client.post(
        reverse("access:matrix"), {"right": sorted(ticked), "save": "1"}
    )

    assert answer.status_code == 422
    assert group.permissions.filter(codename="manage").exists()


def test_built_in_group_is_not_deleted(admin_client):
    group = Group.objects.get(name="Standard Users")
    admin_client.post(reverse("access:group_delete", args=[group.pk]))

    assert Group.objects.filter(pk=group.pk).exists()


def test_own_group_is_made_and_deleted(admin_client):
    admin_client.post(reverse("access:group_create"), {"name": "Night shift"})
    group = Group.objects.get(name="Night shift")
    assert (
        admin_client.get(reverse("access:group_detail", args=[group.pk])).status_code
        == 200
    )
    admin_client.post(reverse("access:group_delete", args=[group.pk]))

    assert not Group.objects.filter(name="Night shift").exists()


def test_check_tells_what_an_operator_may_do(admin_client, manager):
    page = admin_client.get(reverse("access:check"), {"operator": "manager"})

    may = {each.right.name for each in page.context["verdicts"] if each.has_it}
    assert "workflows.kill" in may


def test_token_secret_is_shown_once(admin_client, administrator):
    answer = admin_client.post(
        reverse("access:token_create"),
        {"name": "shop", "operator": "administrator", "scopes": ["event:push"]},
    )
    secret = answer.context["secret"]
    token = ApiToken.objects.get(name="shop")

    assert tokens.authenticate(f"Bearer {secret}").username == "administrator"
    assert secret not in shown(admin_client.get(token.get_absolute_url()))


def test_supervisor_makes_own_tokens_only(client):
    operator = Operator.objects.create_user("night")
    operator.groups.add(Group.objects.get(name="Workflow supervisors"))
    other = tokens.create_token(
        name="other",
        operator=Operator.objects.create_user("other"),
        scopes=["event:push"],
    ).token
    client.force_login(operator, BACKEND)
    make = reverse("access:token_create")

    mine = {"name": "mine", "operator": "night", "scopes": ["workflow:read"]}
    client.post(make, mine)
    refused = client.post(make, {**mine, "name": "x", "operator": "other"})
    risen = client.post(make, {**mine, "name": "y", "scopes": ["admin"]})

    assert ApiToken.objects.filter(name="mine", operator=operator).exists()
    assert refused.status_code == risen.status_code == 422
    page = client.get(other.get_absolute_url(), headers={"accept": "text/html"})
    assert page.status_code == 404


def test_revoked_token_ends_at_once(admin_client, administrator):
    made = tokens.create_token(name="t", operator=administrator, scopes=["admin"])
    headers = {"authorization": f"Bearer {made.secret}"}
    assert Client(headers=headers).get("/api/v1/me").status_code == 200

    admin_client.post(reverse("access:token_revoke", args=[made.token.pk]))

    assert Client(headers=headers).get("/api/v1/me").status_code == 401


def test_token_s_scopes_change_with_an_audit_entry(admin_client, administrator):
    token = tokens.create_token(
        name="t", operator=administrator, scopes=["event:push"]
    ).token
    admin_client.post(token.get_absolute_url(), {"scopes": ["event:read"]})

    entry = AuditEntry.objects.get(action="access.apitoken.changed")
    assert entry.changes == {"scopes": [["event:push"], ["event:read"]]}
    assert token_care.find("t").scopes == ["event:read"]


@pytest.mark.parametrize("verb", ["disable", "reset-password", "reset-second-factor"])
def test_page_asks_before_it_takes_something_away(admin_client, manager, verb):
    address = reverse("access:operator_verb", args=[manager.pk, verb])

    answer = admin_client.get(address)

    assert "data-confirm-body" in shown(answer)
    assert not AuditEntry.objects.exists()
