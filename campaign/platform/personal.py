"""Personal data hidden from those who need not see it.

An e-mail address keeps its first letter and its domain, a number its last two digits,
any other text its first letter. In payloads values are hidden that look like an
address, a number or a link, and those whose name says what they are.
"""

from __future__ import annotations

import re
from typing import Any

#: The right to see personal data; details hide it from everybody until it is used.
REVEAL = "deliveries.reveal_personal_data"
DOTS = "•••"
_EMAIL = re.compile(r"([^\s<>@,;:\"'()])[^\s<>@,;:\"'()]*@([^\s<>@,;:\"'()]+)")
_PHONE = re.compile(r"(?<![\w-])\+?\d[\d ()./-]{6,}\d(?![\w-])")
_PHONE_DIGITS = 8  # fewer are the codes of a relay, or a count
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# Parts of names whose values are of a person, or let somebody act as one.
_NAMES = re.compile(
    r"name|mail|phone|mobile|tel$|fax|address|street|city|town|zip|post_?code"
    r"|postal|birth|iban|bic|account|card|passport|social|salut|title$|recipient"
    r"|customer|token|password|secret|code$|link|url|ip$",
    re.IGNORECASE,
)
# Names that hold one of those words and tell nothing of a person.
_HARMLESS = re.compile(
    r"(product|item|article|order|file|event|campaign|shop|store|brand|type)_?"
    r"(name|title|code)$",
    re.IGNORECASE,
)


def mask_address(text: str) -> str:
    """Return an e-mail address, a phone number or a token without what names it."""
    value = text.strip()
    if not value:
        return text
    if "@" in value:
        return mask_text(value) if _EMAIL.search(value) else DOTS
    if value.lstrip("+").replace(" ", "").isdecimal():
        return f"{DOTS}{value[-2:]}"
    return f"{value[0]}{DOTS}"


def mask_key(text: str) -> str:
    """Return a caller's own key, hidden where it is an address itself."""
    return mask_text(text) if "@" in text else text


def mask_text(text: str) -> str:
    """Return a sentence with the addresses and numbers in it hidden."""
    without = _EMAIL.sub(rf"\1{DOTS}@\2", text)
    return _PHONE.sub(_mask_number, without)


def mask_data(value: Any, *, is_named: bool = False) -> Any:
    """Return a payload of the same shape with its personal data hidden.

    ``is_named`` when the name of the value, or of what holds it, calls it personal.
    """
    if isinstance(value, dict):
        return {
            key: mask_data(child, is_named=is_named or _is_personal(str(key)))
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [mask_data(child, is_named=is_named) for child in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _mask_value(value, is_named=is_named)
    return DOTS if is_named else value


def _is_personal(name: str) -> bool:
    return bool(_NAMES.search(name)) and not _HARMLESS.search(name)


def _mask_value(value: str, *, is_named: bool) -> str:
    if "://" in value:
        return f"{value.split('://', 1)[0]}://{DOTS}"
    return mask_address(value) if is_named else mask_text(value)


def _mask_number(found: re.Match[str]) -> str:
    number = found[0]
    digits = sum(map(str.isdecimal, number))
    is_code = digits < _PHONE_DIGITS and not number.startswith("+")
    if is_code or _DATE.match(number):
        return number
    return f"{DOTS}{number[-2:]}"
