"""Personal data is hidden; what tells nothing of a person stays."""

from __future__ import annotations

from typing import Any

import pytest

from campaign.platform.personal import (
    mask_address,
    mask_data,
    mask_key,
    mask_text,
)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("anna@example.com", "a•••@example.com"),
        ("+46 70 123 45 67", "•••67"),
        ("Anna Berg <anna@example.com>", "Anna Berg <a•••@example.com>"),
        ("abcdef-token", "a•••"),
        ("", ""),
        ("@", "•••"),
    ],
)
def test_address_keeps_only_what_names_nobody(address: str, shown: str) -> None:
    assert mask_address(address) == shown


@pytest.mark.parametrize(
    "text",
    ["250 2.0.0 taken", "451 4.2.2 mailbox full", "Order A-20318", "on 2026-03-12"],
)
def test_sentence_without_personal_data_stays(text: str) -> None:
    assert mask_text(text) == text


def test_sentence_loses_addresses_and_numbers() -> None:
    told = mask_text("550 5.1.1 <anna@example.com> unknown, call +4670123456")

    assert "anna" not in told
    assert "+4670123456" not in told
    assert told.startswith("550 5.1.1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"first_name": "Anna"}, {"first_name": "A•••"}),
        ({"product_name": "Teapot"}, {"product_name": "Teapot"}),
        ({"to": [{"mail": "a@b.c"}]}, {"to": [{"mail": "a•••@b.c"}]}),
        ({"zip": 11122}, {"zip": "•••"}),
        ({"total": 12.5, "is_gift": True}, {"total": 12.5, "is_gift": True}),
        ({"link": "https://x.org/r?t=1"}, {"link": "https://•••"}),
        ({"note": "write to a.b@c.org"}, {"note": "write to a•••@c.org"}),
        ({"name": {"first": "Anna"}}, {"name": {"first": "A•••"}}),
    ],
)
def test_payload_hides_by_name_and_by_look(value: Any, shown: Any) -> None:
    assert mask_data(value) == shown


def test_what_lies_inside_a_personal_object_is_hidden_too() -> None:
    assert mask_data({"address": {"line": "Sveavägen 1"}}) == {
        "address": {"line": "S•••"}
    }


def test_key_of_a_caller_is_hidden_only_when_it_is_an_address() -> None:
    assert mask_key("20181234567") == "20181234567"
    assert mask_key("anna@example.com") == "a•••@example.com"
