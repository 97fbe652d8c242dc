"""The message that everybody sends: the same content for us and for the peer.

It uses only what both template languages understand.
"""

from __future__ import annotations

from typing import Any

EVENT_TYPE = "EVTbenchOrder"
TEMPLATE = "benchOrder"
ATTRIBUTES = ("first_name", "order_number", "product", "price", "total")
SUBJECT = "Your order {{ ctx.order_number }} is on its way"
_CELL = 'style="padding:6px 12px;border-bottom:1px solid #e5e7eb;font-size:14px"'
_ROW = (
    f"<tr><td {_CELL}>%d</td><td {_CELL}>{{{{ ctx.product }}}}</td>"
    f"<td {_CELL}>{{{{ ctx.price }}}}</td></tr>\n"
)
HTML = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    "<title>Your order</title></head>\n"
    '<body style="margin:0;background:#f3f4f6;font-family:Helvetica,sans-serif">\n'
    "<h1>Your order {{ ctx.order_number }}</h1>\n"
    "{% if ctx.first_name %}<p>Hello {{ ctx.first_name }},</p>{% endif %}\n"
    "<p>we have handed your parcel to the carrier. It contains:</p>\n<table>\n"
    + "".join(_ROW % number for number in range(1, 11))
    + "</table>\n<p>Total: <strong>{{ ctx.total }}</strong></p>\n"
    '<p><a href="https://www.example.com/orders/{{ ctx.order_number }}">'
    "Follow your parcel</a></p>\n<p>Example Shop</p>\n</body></html>\n"
)
TEXT = (
    "Hello {{ ctx.first_name }},\n\nyour order {{ ctx.order_number }} is on its way."
    "\nTotal: {{ ctx.total }}\n\n-- \nExample Shop\n"
)


def context(number: int) -> dict[str, Any]:
    """Return the personalisation data of one message."""
    return {
        "first_name": f"Customer {number}",
        "order_number": f"A-{number:08d}",
        "product": "Woollen blanket, grey, 140 x 200 cm",
        "price": "EUR 79.90",
        "total": "EUR 799.00",
    }
