"""External accounts keep their secrets sealed and name a usable relay."""

from __future__ import annotations

from typing import Any

import pytest

from campaign.addresses import Relay
from campaign.platform.models import ExternalAccount
from campaign.platform.services.accounts import (
    ensure_routing_account,
    relay_of,
    seal,
    unseal,
)
from workflows.exceptions import ConfigurationError

pytestmark = pytest.mark.django_db


def account(config: Any, **values: Any) -> ExternalAccount:
    return ExternalAccount(
        internal_name="other", type="routing", config=config, **values
    )


def test_secrets_are_stored_sealed() -> None:
    stored = seal({"password": "p&ss wörd"})

    assert "p&ss" not in stored
    assert unseal(account({}, secrets=stored)) == {"password": "p&ss wörd"}


def test_secrets_of_another_key_are_refused_with_a_remedy(settings: Any) -> None:
    stored = seal({"password": "secret"})
    settings.CAMPAIGN_SECRETS_KEY = "any other text"

    with pytest.raises(ConfigurationError, match="CAMPAIGN_SECRETS_KEY"):
        unseal(account({}, secrets=stored))
    assert unseal(account({}, secrets=seal({"a": "b"}))) == {"a": "b"}


def test_the_default_routing_follows_the_environment(settings: Any) -> None:
    settings.RELAY = Relay("mail.example.com", 2525)

    made = ensure_routing_account()

    assert ensure_routing_account() == made
    assert relay_of(made) == relay_of(None) == settings.RELAY


def test_an_account_of_its_own_names_its_relay() -> None:
    relay = relay_of(
        account(
            {"host": "mx.example.com", "security": "starttls", "user": "u"},
            secrets=seal({"password": "p"}),
        )
    )

    assert relay == Relay("mx.example.com", 587, "u", "p", tls=False, starttls=True)
    assert "'p'" not in repr(relay)


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ({}, "host"),
        ({"host": " "}, "host"),
        ({"host": "a", "port": 0}, "port"),
        ({"host": "a", "port": "25"}, "port"),
        ({"host": "a", "security": "ssl"}, "security"),
        ([], "host"),
    ],
)
def test_a_wrong_setting_is_named(config: Any, setting: str) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        relay_of(account(config))


def test_a_disabled_account_is_not_used() -> None:
    with pytest.raises(ConfigurationError, match="enable"):
        relay_of(account({"host": "a"}, enabled=False))
