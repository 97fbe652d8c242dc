from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaign.access.models import ApiToken, Operator
from campaign.access.services import tokens
from campaign.platform.models import ExternalAccount, Option
from campaign.platform.services import accounts, options
from workflows.models import AuditEntry

BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGES = [
    "admin:index",
    "admin:access_operator_changelist",
    "admin:access_operator_add",
    "admin:access_apitoken_changelist",
    "admin:access_apitoken_add",
    "admin:auth_group_changelist",
    "admin:platform_option_changelist",
    "admin:platform_option_add",
    "admin:platform_externalaccount_changelist",
    "admin:platform_externalaccount_add",
    "admin:packages_installedpackage_changelist",
]


@pytest.fixture
def page(client: Client, administrator: Operator) -> Client:
    client.force_login(administrator, BACKEND)
    return client


@pytest.fixture
def size():
    before = dict(options._declared)
    yield options.declare("Tests_Delay", options.DURATION, 60, "Delay")
    options._declared.clear()
    options._declared.update(before)


@pytest.mark.parametrize("name", PAGES)
def test_superuser_opens_every_page(page, name):
    assert page.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_staff_without_superuser_is_refused(client, supervisor, name):
    client.force_login(supervisor, BACKEND)

    answer = client.get(reverse(name), follow=True)

    assert answer.status_code == 403


def test_nobody_is_sent_to_the_sign_in_page(client, db):
    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.redirect_chain[-1][0].startswith("/accounts/sign-in/")


def test_tables_of_the_queue_are_not_shown(page):
    assert b"django_q" not in page.get(reverse("admin:index")).content.lower()


def test_option_is_changed_as_people_write_it(page, size):
    page.post(
        reverse("admin:platform_option_add"), {"name": "Tests_Delay", "value": "2h"}
    )

    entry = AuditEntry.objects.get()
    assert size.get() == 7200
    assert entry.action == "platform.option.changed"
    assert entry.author == "administrator"


def test_option_that_does_not_fit_is_told(page, size):
    answer = page.post(
        reverse("admin:platform_option_add"), {"name": "Tests_Delay", "value": "soon"}
    )

    assert answer.status_code == 200
    assert not Option.objects.exists()


def test_deleting_an_option_goes_back_to_the_default(page, size):
    page.post(
        reverse("admin:platform_option_add"), {"name": "Tests_Delay", "value": "2h"}
    )
    row = Option.objects.get()

    page.post(reverse("admin:platform_option_delete", args=[row.pk]), {"post": "yes"})

    assert size.get() == 60


def test_pointer_cannot_be_changed(page):
    options.write_pointer("Tests_Pointer", 7)
    row = Option.objects.get()

    answer = page.post(
        reverse("admin:platform_option_change", args=[row.pk]), {"value": "0"}
    )

    assert answer.status_code == 403
    assert options.read_pointer("Tests_Pointer") == 7


def test_new_token_is_shown_once_and_works(page, administrator):
    answer = page.post(
        reverse("admin:access_apitoken_add"),
        {
            "name": "shop",
            "operator": administrator.pk,
            "scopes": ["event:push"],
            "is_active": "on",
        },
        follow=True,
    )

    text = next(str(message) for message in answer.context["messages"])
    secret = text.rsplit(" ", 1)[1]
    assert tokens.authenticate(f"Bearer {secret}").scopes == {"event:push"}
    again = page.get(reverse("admin:access_apitoken_changelist"))
    assert secret not in again.content.decode()


def test_token_is_revoked_with_an_audit_entry(page, administrator):
    made = tokens.create_token(
        name="shop", operator=administrator, scopes=["event:push"]
    )
    tokens.authenticate(f"Bearer {made.secret}")

    page.post(
        reverse("admin:access_apitoken_change", args=[made.token.pk]),
        {"scopes": ["event:push"]},
    )

    entry = AuditEntry.objects.get(action="access.apitoken.changed")
    assert not ApiToken.objects.get().is_active
    assert entry.changes == {"is_active": [True, False]}
    with pytest.raises(tokens.TokenRevoked):
        tokens.authenticate(f"Bearer {made.secret}")


def test_password_of_an_account_is_sealed(page):
    page.post(
        reverse("admin:platform_externalaccount_add"),
        {
            "internal_name": "relay",
            "label": "Relay",
            "type": "routing",
            "enabled": "on",
            "config": '{"host": "mail.example.com"}',
            "password": "hush-hush",
        },
    )

    account = ExternalAccount.objects.get(internal_name="relay")
    shown = page.get(
        reverse("admin:platform_externalaccount_change", args=[account.pk])
    )
    assert "hush-hush" not in account.secrets
    assert accounts.unseal(account) == {"password": "hush-hush"}
    assert "hush-hush" not in shown.content.decode()
    assert "hush-hush" not in str(AuditEntry.objects.values_list("changes"))


def test_groups_of_an_operator_are_audited(page, outsider):
    data = {
        "username": outsider.username,
        "email": outsider.email,
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "is_superuser": "on",
    }

    page.post(reverse("admin:access_operator_change", args=[outsider.pk]), data)

    entry = AuditEntry.objects.get()
    assert entry.action == "access.operator.changed"
    assert entry.changes == {"is_superuser": [False, True]}


def test_built_in_group_keeps_its_name(page):
    from django.contrib.auth.models import Group  # noqa: PLC0415

    group = Group.objects.get(name="Workflow supervisors")

    page.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": "Others"})
    answer = page.post(
        reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"}
    )

    assert answer.status_code == 403
    assert Group.objects.filter(name="Workflow supervisors").exists()


def test_operator_admin_cannot_be_deleted(page):
    admin = Operator.objects.create_superuser("admin", date_joined=timezone.now())

    answer = page.post(
        reverse("admin:access_operator_delete", args=[admin.pk]), {"post": "yes"}
    )

    assert answer.status_code == 403
