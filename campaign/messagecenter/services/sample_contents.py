"""The contents of the sample: what a small shop tells its customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """An event type with its message template; every attribute is optional."""

    event_id: str
    label: str
    template: str
    attributes: dict[str, str]
    subject: str
    html: str
    text: str
    body: dict[str, Any]
    mandatory: tuple[str, ...] = ()

    def stored_attributes(self) -> list[dict[str, Any]]:
        """Return the declaration in its stored shape."""
        return [
            {"name": name, "type": kind, "mandatory": name in self.mandatory}
            for name, kind in self.attributes.items()
        ]


_HEAD = """<!DOCTYPE html>
<html lang="{{ event.language or 'en' }}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>%(title)s</title>
</head>
<body style="margin:0;background:#f3f4f6;font-family:Helvetica,Arial,sans-serif">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0">
<tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0"
  style="max-width:560px;width:100%%;background:#ffffff;border-radius:8px">
<tr><td style="padding:24px 32px;border-bottom:1px solid #e5e7eb;font-size:16px;
  font-weight:bold;color:#1f2937">Example Shop</td></tr>
<tr><td style="padding:32px;color:#1f2937;font-size:15px;line-height:1.6">
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">%(title)s</h1>
"""
_FOOT = """</td></tr>
<tr><td style="padding:20px 32px;border-top:1px solid #e5e7eb;color:#6b7280;
  font-size:12px;line-height:1.5">
You receive this message because of something you did at Example Shop.
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"""
_BUTTON = """<p style="margin:24px 0"><a href="%(link)s"
  style="display:inline-block;padding:12px 24px;border-radius:6px;background:#1d4ed8;
  color:#ffffff;text-decoration:none;font-weight:bold">%(label)s</a></p>
"""
_GREETING_HTML = (
    "<p>Hello{% if ctx.first_name %} {{ ctx.first_name }}{% endif %},</p>\n"
)
_GREETING_TEXT = "Hello{% if ctx.first_name %} {{ ctx.first_name }}{% endif %},\n\n"
_SIGNATURE_TEXT = "\n-- \nExample Shop\n"


def _page(title: str, inner: str) -> str:
    return _HEAD % {"title": title} + _GREETING_HTML + inner + _FOOT


def _button(link: str, label: str) -> str:
    return _BUTTON % {"link": link, "label": label}


_ORDER_SHIPPED = Sample(
    event_id="EVTorderShipped",
    label="Order shipped",
    template="orderShipped",
    attributes={
        "first_name": "string",
        "order_number": "string",
        "order_total": "number",
        "currency": "string",
        "item_count": "integer",
        "carrier": "string",
        "tracking_url": "string",
        "expected_on": "date",
    },
    subject=(
        "Your order{% if ctx.order_number %} {{ ctx.order_number }}{% endif %}"
        " is on its way"
    ),
    html=_page(
        "Your order is on its way",
        "<p>We have handed your parcel"
        "{% if ctx.order_number %} with order <strong>{{ ctx.order_number }}</strong>"
        "{% endif %} to {{ ctx.carrier or 'the carrier' }}"
        "{% if ctx.item_count %}: {{ ctx.item_count }}"
        " article{% if ctx.item_count != 1 %}s{% endif %}{% endif %}.</p>\n"
        "{% if ctx.expected_on %}<p>It should reach you on"
        " <strong>{{ ctx.expected_on|date('long') }}</strong>.</p>{% endif %}\n"
        "{% if ctx.order_total is defined %}<p>Order total:"
        " {{ ctx.order_total|money(ctx.currency or 'EUR') }}</p>{% endif %}\n"
        "{% if ctx.tracking_url %}"
        + _button("{{ ctx.tracking_url }}", "Follow your parcel")
        + "{% endif %}",
    ),
    text=_GREETING_TEXT
    + "your parcel{% if ctx.order_number %} with order {{ ctx.order_number }}"
    "{% endif %} is on its way with {{ ctx.carrier or 'the carrier' }}.\n"
    "{% if ctx.expected_on %}It should reach you on"
    " {{ ctx.expected_on|date('long') }}.\n{% endif %}"
    "{% if ctx.tracking_url %}\nFollow it: {{ ctx.tracking_url }}\n{% endif %}"
    + _SIGNATURE_TEXT,
    body={
        "email": "customer@example.com",
        "language": "en",
        "ctx": {
            "first_name": "Anna",
            "order_number": "A-20318",
            "order_total": 84.5,
            "currency": "EUR",
            "item_count": 3,
            "carrier": "Example Parcel",
            "tracking_url": "https://shop.example.com/parcels/A-20318",
            "expected_on": "2026-03-12",
        },
    },
)
_PASSWORD_RESET = Sample(
    event_id="EVTpasswordReset",
    label="Password reset",
    template="passwordReset",
    attributes={
        "first_name": "string",
        "reset_url": "string",
        "valid_until": "datetime",
    },
    mandatory=("reset_url",),
    subject="Choose a new password",
    html=_page(
        "Choose a new password",
        "<p>You asked for a new password. Follow the link to choose one.</p>\n"
        + _button("{{ ctx.reset_url }}", "Choose a new password")
        + "{% if ctx.valid_until %}<p>The link works until"
        " {{ ctx.valid_until|datetime('short') }}.</p>{% endif %}\n"
        "<p>If you did not ask for it, nothing changes and you may ignore this"
        " message.</p>\n",
    ),
    text=_GREETING_TEXT
    + "you asked for a new password. Follow this link to choose one:\n\n"
    "{{ ctx.reset_url }}\n"
    "{% if ctx.valid_until %}\nIt works until {{ ctx.valid_until|datetime('short') }}."
    "\n{% endif %}"
    "\nIf you did not ask for it, nothing changes.\n" + _SIGNATURE_TEXT,
    body={
        "email": "customer@example.com",
        "language": "en",
        "ctx": {
            "first_name": "Anna",
            "reset_url": "https://shop.example.com/password/4f1c",
            "valid_until": "2026-03-10T18:00:00Z",
        },
    },
)
_CART_ABANDONED = Sample(
    event_id="EVTcartAbandoned",
    label="Cart left behind",
    template="cartAbandoned",
    attributes={
        "first_name": "string",
        "item_name": "string",
        "item_count": "integer",
        "cart_total": "number",
        "currency": "string",
        "cart_url": "string",
        "has_discount": "boolean",
        "discount_code": "string",
    },
    subject=(
        "{% if ctx.item_name %}{{ ctx.item_name }} is still in your cart"
        "{% else %}You left something in your cart{% endif %}"
    ),
    html=_page(
        "Still thinking it over?",
        "<p>{% if ctx.item_name %}<strong>{{ ctx.item_name }}</strong>"
        "{% if ctx.item_count and ctx.item_count > 1 %} and"
        " {{ ctx.item_count - 1 }} more{% endif %}"
        "{% else %}What you chose{% endif %} waits in your cart"
        "{% if ctx.cart_total is defined %}"
        " ({{ ctx.cart_total|money(ctx.currency or 'EUR') }}){% endif %}.</p>\n"
        "{% if ctx.has_discount %}<p>With the code"
        " <strong>{{ ctx.discount_code }}</strong> it costs less"
        " this week.</p>{% endif %}\n"
        "{% if ctx.cart_url %}"
        + _button("{{ ctx.cart_url }}", "Back to your cart")
        + "{% endif %}",
    ),
    text=_GREETING_TEXT
    + "{% if ctx.item_name %}{{ ctx.item_name }}{% else %}what you chose{% endif %}"
    " waits in your cart.\n"
    "{% if ctx.has_discount %}With the code {{ ctx.discount_code }} it costs less this"
    " week.\n{% endif %}"
    "{% if ctx.cart_url %}\nBack to your cart: {{ ctx.cart_url }}\n{% endif %}"
    + _SIGNATURE_TEXT,
    body={
        "email": "customer@example.org",
        "language": "en",
        "ctx": {
            "first_name": "Anna",
            "item_name": "Walking boots",
            "item_count": 2,
            "cart_total": 139.0,
            "currency": "EUR",
            "cart_url": "https://shop.example.com/cart",
            "has_discount": True,
            "discount_code": "WALK10",
        },
    },
)
_WELCOME = Sample(
    event_id="EVTaccountCreated",
    label="Account created",
    template="accountCreated",
    attributes={"first_name": "string", "account_url": "string"},
    subject="Welcome{% if ctx.first_name %}, {{ ctx.first_name }}{% endif %}",
    html=_page(
        "Welcome to Example Shop",
        "<p>Your account is ready. Orders, returns and addresses are all in one"
        " place.</p>\n"
        "{% if ctx.account_url %}"
        + _button("{{ ctx.account_url }}", "Open your account")
        + "{% endif %}",
    ),
    text=_GREETING_TEXT + "your account at Example Shop is ready.\n"
    "{% if ctx.account_url %}\nOpen it: {{ ctx.account_url }}\n{% endif %}"
    + _SIGNATURE_TEXT,
    body={
        "email": "customer@example.com",
        "language": "en",
        "ctx": {
            "first_name": "Anna",
            "account_url": "https://shop.example.com/account",
        },
    },
)
SAMPLES = (_ORDER_SHIPPED, _PASSWORD_RESET, _CART_ABANDONED, _WELCOME)
