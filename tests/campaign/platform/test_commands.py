"""The commands of options, accounts, enumerations and packages."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from campaign.packages.models import InstalledPackage
from campaign.platform.models import Enumeration, ExternalAccount
from campaign.platform.services import accounts, options
from workflows.models import AuditEntry, Source

pytestmark = pytest.mark.django_db
BATCH = "NmsMessageCenter_RoutingBatchSize"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_option_is_set_shown_and_reset() -> None:
    assert "250\tchanged" in run("option", "set", BATCH, "250", "--reason", "tried")
    assert BATCH in run("option", "list", "--changed")
    assert "500\tdefault" in run("option", "reset", BATCH)
    sources = AuditEntry.objects.values_list("source", flat=True)
    assert set(sources) == {Source.CLI}


def test_option_refuses_a_wrong_value_naming_the_field() -> None:
    with pytest.raises(CommandError, match="value: Give 1 or more"):
        run("option", "set", BATCH, "0")


def test_custom_option_is_added_and_deleted() -> None:
    run("option", "add", "Own_Wait", "1h30m", "--type", "duration", "--label", "Wait")
    assert options.get("Own_Wait") == 5_400

    run("option", "delete", "Own_Wait")
    with pytest.raises(CommandError):
        run("option", "show", "Own_Wait")


def test_account_is_added_gets_a_secret_and_is_deleted(monkeypatch: Any) -> None:
    run(
        "external_account",
        "add",
        "relay2",
        "routing",
        "--label",
        "Relay",
        "--set",
        "host=mail.example.com",
        "--set",
        "port=2525",
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("hush-hush-3\n"))
    run("external_account", "secret", "relay2")

    account = ExternalAccount.objects.get(internal_name="relay2")
    assert account.config == {"host": "mail.example.com", "port": 2525}
    assert accounts.unseal(account) == {"password": "hush-hush-3"}
    assert "hush" not in run("external_account", "list")

    run("external_account", "disable", "relay2")
    run("external_account", "delete", "relay2")
    assert not ExternalAccount.objects.filter(internal_name="relay2").exists()


def test_failed_connection_test_ends_with_an_error() -> None:
    run(
        "external_account",
        "add",
        "nowhere",
        "routing",
        "--label",
        "Nowhere",
        "--set",
        "host=127.0.0.1",
        "--set",
        "port=1",
    )

    with pytest.raises(CommandError):
        run("external_account", "test", "nowhere")


def test_enumeration_is_kept_by_command() -> None:
    run("enumeration", "add", "own", "--label", "Own", "--closed")
    run("enumeration", "value", "own", "a", "--label", "A", "--default")
    run("enumeration", "alias", "own", "alpha", "a")

    assert run("enumeration", "show", "own") == "a\tA\tdefault\talpha\n"
    assert "own\tclosed\tOwn" in run("enumeration", "list")

    run("enumeration", "forget", "own", "--alias", "alpha")
    run("enumeration", "forget", "own", "--value", "a")
    run("enumeration", "delete", "own")
    assert not Enumeration.objects.filter(internal_name="own").exists()


def test_package_is_removed_and_installed_by_command() -> None:
    run("package", "remove", "mc-control")
    assert InstalledPackage.objects.get(slug="mc-control").removed_at

    run("package", "install", "mc-control")
    assert "mc-control\tInstalled" in run("package", "list")


def test_package_command_tells_why_not() -> None:
    with pytest.raises(CommandError, match="every other package"):
        run("package", "remove", "builtin")
