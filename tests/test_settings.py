"""Settings come from variables; a fault is told by name and remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from campaign import addresses
from campaign.env import env_flag, env_integer, env_list, env_text

BASE_DIR = Path(__file__).resolve().parent.parent
KEYS = {
    "SECRET_KEY": "tests-only-" + "0123456789abcdefghij" * 3,
    "CAMPAIGN_SECRETS_KEY": "dGVzdHMtb25seS1rZXktZm9yLXN0b3JlZC1zZWNyZXQ=",
}


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a variable that is not set."""
    monkeypatch.delenv("CAMPAIGN_TRIAL", raising=False)
    return "CAMPAIGN_TRIAL"


def test_an_empty_variable_counts_as_unset(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "  ")

    assert env_text(variable, "default") == "default"


def test_a_text_outside_its_choices_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "gold")

    with pytest.raises(ImproperlyConfigured, match=r"CAMPAIGN_TRIAL is 'gold'.*a, b"):
        env_text(variable, "a", choices=("a", "b"))


@pytest.mark.parametrize("value", ["x", "1.5", "0", "65536", "-1"])
def test_a_number_out_of_bounds_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ImproperlyConfigured, match="from 1 to 65535"):
        env_integer(variable, 8000, lowest=1, highest=65535)


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("Yes", True), ("off", False), ("0", False)]
)
def test_a_flag_takes_the_usual_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: bool
) -> None:
    monkeypatch.setenv(variable, value)

    assert env_flag(variable, default=not expected) is expected


def test_a_flag_of_another_word_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "perhaps")

    with pytest.raises(ImproperlyConfigured, match="set it to 1 or 0"):
        env_flag(variable, default=True)


def test_a_list_loses_blanks_and_doubles(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, " b, a ,,b")

    assert env_list(variable) == ("b", "a")


def test_an_unknown_item_of_a_list_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "a,c")

    with pytest.raises(ImproperlyConfigured, match="names c, which is not known"):
        env_list(variable, choices=("a", "b"))


def test_a_database_url_is_taken_apart() -> None:
    found = addresses.database_settings(
        "postgresql://us%40er:p%2Fw@db.example.com:5433/campaign?sslmode=require"
    )

    assert found["NAME"] == "campaign"
    assert found["USER"] == "us@er"
    assert found["PASSWORD"] == "p/w"
    assert found["HOST"] == "db.example.com"
    assert found["PORT"] == "5433"
    assert found["OPTIONS"]["sslmode"] == "require"


def test_a_database_url_may_name_a_socket() -> None:
    found = addresses.database_settings("postgresql://me@/campaign?host=/run/pg")

    assert found["HOST"] == "/run/pg"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x.db",
        "postgresql://user:secret@host:none/campaign",
        "postgresql://user:secret@host/",
        "postgresql://user:secret@host/campaign?colour=red",
        "secret",
    ],
)
def test_a_broken_database_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as caught:
        addresses.database_settings(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtp://mail.example.com", 25, False, False),
        ("smtp://u:p@mail.example.com:587?starttls=1", 587, False, True),
        ("smtps://mail.example.com", 465, True, False),
    ],
)
def test_a_relay_is_read(url: str, port: int, tls: bool, starttls: bool) -> None:
    relay = addresses.relay_settings(url)

    assert (relay.port, relay.tls, relay.starttls) == (port, tls, starttls)


@pytest.mark.parametrize(
    "url", ["http://mail", "smtp://", "smtp://mail?starttls=2", "smtp://mail?x=1"]
)
def test_a_broken_relay_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SMTP_URL"):
        addresses.relay_settings(url)


def test_the_password_of_a_relay_is_not_shown() -> None:
    assert "secret" not in repr(addresses.relay_settings("smtp://u:secret@mail"))


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with these variables alone."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={"DATABASE_URL": "postgresql:///x", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_production_configuration_has_no_warnings(tmp_path: Path) -> None:
    done = manage(
        *("check", "--deploy", "--fail-level", "WARNING"),
        PUBLIC_URL="https://campaign.example.com",
        TRUSTED_PROXIES="10.0.0.0/8",
        CAMPAIGN_VAR=str(tmp_path),
        **KEYS,
    )

    assert done.returncode == 0, done.stderr


def test_without_keys_production_refuses_to_start(tmp_path: Path) -> None:
    done = manage("check", "--deploy", CAMPAIGN_VAR=str(tmp_path))

    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
