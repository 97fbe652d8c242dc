"""The pages of options, external accounts and enumerations."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from campaign.access.models import Operator
from campaign.platform.models import Enumeration, ExternalAccount, Option
from campaign.platform.services import (
    account_changes,
    accounts,
    custom_options,
    enumerations,
    options,
)
from workflows.exceptions import InvalidInput
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
BATCH = "NmsMessageCenter_RoutingBatchSize"


def by_engine() -> dict[str, Any]:
    return {"acting_operator": None, "source": Source.CLI, "at": timezone.now()}


@pytest.fixture
def client() -> Client:
    return Client(headers={"accept": "text/html"})


@pytest.fixture
def outsider_client(client: Client, outsider: Operator) -> Client:
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def hook() -> ExternalAccount:
    return account_changes.create_account(
        internal_name="pager",
        label="Pager",
        type="webhook",
        config={"url": "https://pager.example.com/in"},
        secret="hush-hush-1",
        **by_engine(),
    )


@pytest.mark.parametrize(
    "address",
    [
        "/options/",
        f"/options/{BATCH}/",
        "/new-option/",
        "/external-accounts/",
        "/external-accounts/pager/",
        "/external-accounts/pager/delete/",
        "/new-external-account/",
        "/new-external-account/routing/",
        "/new-external-account/webhook/",
        "/new-external-account/http/",
        "/enumerations/",
        "/enumerations/urlCategory/",
        "/new-enumeration/",
    ],
)
def test_page_asks_ten_queries_at_most(
    address: str, admin_client: Client, hook: Any, django_assert_max_num_queries: Any
) -> None:
    admin_client.get("/options/")

    with django_assert_max_num_queries(10):
        assert admin_client.get(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["/options/", "/external-accounts/", "/enumerations/"]
)
def test_list_is_refused_without_the_right(
    address: str, outsider_client: Client
) -> None:
    assert outsider_client.get(address).status_code == 403


@pytest.mark.parametrize(
    "address",
    ["/options/No_Such/", "/external-accounts/none/", "/enumerations/none/"],
)
def test_missing_object_is_not_found(address: str, admin_client: Client) -> None:
    assert admin_client.get(address).status_code == 404


def test_option_is_edited_in_its_row(admin_client: Client) -> None:
    address = f"/options/{BATCH}/"

    form = admin_client.get(f"{address}?edit=1", headers=HTMX).content.decode()
    saved = admin_client.post(address, {"value": "250"}, headers=HTMX)

    assert form.lstrip().startswith("<tr")
    assert 'name="value"' in form
    assert "250" in saved.content.decode()
    assert "<form" not in saved.content.decode()
    assert options.get(BATCH) == 250
    entry = AuditEntry.objects.get(object_id=BATCH)
    assert entry.changes == {"value": [500, 250]}
    assert entry.author == "administrator"


def test_wrong_value_is_told_in_the_row(admin_client: Client) -> None:
    reply = admin_client.post(f"/options/{BATCH}/", {"value": "0"}, headers=HTMX)

    assert "Give 1 or more." in reply.content.decode()
    assert options.get(BATCH) == 500


def test_wrong_value_is_told_on_the_plain_page(admin_client: Client) -> None:
    reply = admin_client.post(f"/options/{BATCH}/", {"value": "many"})

    assert reply.status_code == 422
    assert reply.context["form"].errors["value"]


def test_value_changed_meanwhile_is_not_overwritten(admin_client: Client) -> None:
    shown = options.state_of(BATCH).version
    options.set_value(name=BATCH, value=300, **by_engine())

    reply = admin_client.post(f"/options/{BATCH}/", {"value": "9", "version": shown})

    assert reply.status_code == 412
    assert options.get(BATCH) == 300


def test_option_goes_back_to_its_default(admin_client: Client) -> None:
    options.set_value(name=BATCH, value=300, **by_engine())

    admin_client.post(f"/options/{BATCH}/reset/")

    assert options.get(BATCH) == 500
    assert not Option.objects.filter(name=BATCH).exists()


def test_list_can_show_changed_options_only(admin_client: Client) -> None:
    options.set_value(name=BATCH, value=300, **by_engine())

    rows = admin_client.get("/options/?changed=1").context["page"].object_list

    assert [row["name"] for row in rows] == [BATCH]


def test_search_without_result_says_so(admin_client: Client) -> None:
    page = admin_client.get("/options/?q=nothing-like-it").content.decode()

    assert "No option matches." in page


def test_custom_option_is_added_read_and_deleted(admin_client: Client) -> None:
    admin_client.post(
        "/new-option/",
        {
            "name": "Own_Limit",
            "label": "Our limit",
            "data_type": "integer",
            "value": "7",
        },
    )
    assert options.get("Own_Limit") == 7

    admin_client.post("/options/Own_Limit/", {"value": "0"})
    assert options.get("Own_Limit") == 0

    admin_client.post("/options/Own_Limit/delete/")
    assert admin_client.get("/options/Own_Limit/").status_code == 404
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "platform.option.created",
        "platform.option.changed",
        "platform.option.deleted",
    ]


def test_custom_option_may_not_take_the_name_of_another(admin_client: Client) -> None:
    reply = admin_client.post(
        "/new-option/", {"name": BATCH, "label": "x", "data_type": "text", "value": ""}
    )

    assert reply.status_code == 422
    assert "name" in reply.context["form"].errors


def test_built_in_option_cannot_be_deleted(admin_client: Client) -> None:
    assert admin_client.post(f"/options/{BATCH}/delete/").status_code == 409


def test_secret_option_is_shown_nowhere(admin_client: Client) -> None:
    custom_options.create_option(
        name="Own_Key",
        label="Key",
        data_type="text",
        value="tell-nobody",
        is_secret=True,
        **by_engine(),
    )

    pages = [admin_client.get(f"/options/{name}") for name in ("", "Own_Key/")]

    assert not any("tell-nobody" in page.content.decode() for page in pages)
    assert "tell-nobody" not in str(AuditEntry.objects.get().changes)


def test_account_is_added_and_its_secret_never_shown(admin_client: Client) -> None:
    reply = admin_client.post(
        "/new-external-account/routing/",
        {
            "internal_name": "backup-relay",
            "label": "Backup relay",
            "host": "mail.example.com",
            "port": "2525",
            "security": "starttls",
            "user": "us",
            "secret": "hush-hush-2",
            "enabled": "on",
        },
        follow=True,
    )

    account = ExternalAccount.objects.get(internal_name="backup-relay")
    assert account.config == {
        "host": "mail.example.com",
        "port": 2525,
        "security": "starttls",
        "user": "us",
    }
    assert accounts.unseal(account) == {"password": "hush-hush-2"}
    assert "hush-hush-2" not in reply.content.decode()
    changes = AuditEntry.objects.get(object_id="backup-relay").changes
    assert changes["secret"] == [None, "set"]
    assert changes["config.port"] == [None, 2525]


def test_wrong_port_is_told_at_its_field(admin_client: Client) -> None:
    reply = admin_client.post(
        "/new-external-account/routing/",
        {"internal_name": "a", "label": "A", "host": "h", "port": "70000"},
    )

    assert reply.status_code == 422
    assert list(reply.context["form"].errors) == ["port"]


def test_empty_secret_keeps_the_stored_one(
    admin_client: Client, hook: ExternalAccount
) -> None:
    admin_client.post(
        "/external-accounts/pager/",
        {"label": "Pager 2", "url": hook.config["url"], "enabled": "on"},
    )

    hook.refresh_from_db()
    assert hook.label == "Pager 2"
    assert accounts.unseal(hook) == {"secret": "hush-hush-1"}


def test_webhook_cannot_lose_its_secret(
    admin_client: Client, hook: ExternalAccount
) -> None:
    reply = admin_client.post(
        "/external-accounts/pager/",
        {"label": "Pager", "url": hook.config["url"], "remove_secret": "on"},
    )

    assert reply.status_code == 422
    hook.refresh_from_db()
    assert hook.secrets


def test_account_is_switched_off(admin_client: Client, hook: ExternalAccount) -> None:
    admin_client.post("/external-accounts/pager/switch/", {"enabled": "0"})

    hook.refresh_from_db()
    assert not hook.enabled


def test_saving_the_same_writes_nothing(hook: ExternalAccount) -> None:
    before = AuditEntry.objects.count()

    account_changes.change_account(
        internal_name="pager", label="Pager", config=hook.config, **by_engine()
    )

    assert AuditEntry.objects.count() == before


def test_default_routing_cannot_be_deleted(admin_client: Client) -> None:
    accounts.ensure_routing_account()
    address = f"/external-accounts/{accounts.DEFAULT_ROUTING}/delete/"

    assert "every delivery" in admin_client.get(address).content.decode()
    assert admin_client.post(address).status_code == 409


def test_unused_account_is_deleted(admin_client: Client, hook: Any) -> None:
    admin_client.post("/external-accounts/pager/delete/")

    assert not ExternalAccount.objects.filter(internal_name="pager").exists()
    assert AuditEntry.objects.filter(action="platform.externalaccount.deleted").exists()


def test_reader_sees_the_button_disabled_with_the_reason(
    client: Client, outsider: Operator, hook: Any
) -> None:
    outsider.user_permissions.add(
        Permission.objects.get(codename="view_externalaccount")
    )
    client.force_login(outsider, "django.contrib.auth.backends.ModelBackend")

    page = client.get("/external-accounts/pager/").content.decode()

    assert "You lack the right platform.change_externalaccount." in page
    assert client.post("/external-accounts/pager/test/").status_code == 403
    assert client.post("/external-accounts/pager/", {"label": "x"}).status_code == 403


def test_enumeration_gets_values_and_aliases(admin_client: Client) -> None:
    address = "/enumerations/urlCategory/"
    admin_client.post(f"{address}value/", {"value": "shop", "label": "Shop"})
    admin_client.post(f"{address}alias/", {"alias": "store", "value": "shop"})

    page = admin_client.get(address).content.decode()

    assert "Shop" in page
    assert "store" in page
    assert Enumeration.objects.get(internal_name="urlCategory").aliases.count() == 1


def test_alias_that_is_a_value_is_refused(db: None) -> None:
    for value in ("shop", "store"):
        enumerations.save_value(internal_name="natureOp", value=value, **by_engine())

    with pytest.raises(InvalidInput) as caught:
        enumerations.save_alias(
            internal_name="natureOp", alias=" Store", value="shop", **by_engine()
        )

    assert caught.value.faults[0].field == "alias"


def test_new_default_takes_the_place_of_the_old(db: None) -> None:
    for value in ("one", "two"):
        enumerations.save_value(
            internal_name="natureOp", value=value, is_default=True, **by_engine()
        )

    found = Enumeration.objects.get(internal_name="natureOp")
    assert [row.value for row in found.values.filter(is_default=True)] == ["two"]


def test_value_is_renamed_and_deleted_with_its_aliases(admin_client: Client) -> None:
    address = "/enumerations/natureOp/"
    admin_client.post(f"{address}value/", {"value": "old"})
    admin_client.post(f"{address}alias/", {"alias": "ancient", "value": "old"})
    admin_client.post(f"{address}value/", {"of": "old", "value": "new", "label": ""})
    found = Enumeration.objects.get(internal_name="natureOp")
    assert [row.value for row in found.values.all()] == ["new"]

    admin_client.post(f"{address}delete/value/", {"value": "new"})

    assert not found.values.exists()
    assert not found.aliases.exists()


def test_built_in_enumeration_stays(admin_client: Client) -> None:
    assert admin_client.post("/enumerations/natureOp/delete/").status_code == 409


def test_own_enumeration_is_added_and_deleted(admin_client: Client) -> None:
    admin_client.post(
        "/new-enumeration/", {"internal_name": "own", "label": "Own", "kind": "closed"}
    )
    assert Enumeration.objects.get(internal_name="own").kind == "closed"

    admin_client.post("/enumerations/own/delete/")

    assert not Enumeration.objects.filter(internal_name="own").exists()
