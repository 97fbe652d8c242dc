"""Tags of the packages' pages."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

#: Deeper or longer parts of a payload are shown as JSON.
DEEPEST, MOST = 12, 200


@register.simple_tag
def payload(value: Any) -> SafeString:
    """Draw JSON data as a tree that opens and closes without JavaScript."""
    if value in ({}, [], None, ""):
        return format_html('<p class="tree-empty muted">{}</p>', _("No data."))
    return format_html('<div class="tree">{}</div>', _node(value, 0))


def _node(value: Any, depth: int) -> SafeString:
    if isinstance(value, dict | list) and depth < DEEPEST:
        return _branch(value, depth)
    return _leaf(value)


def _branch(value: dict[str, Any] | list[Any], depth: int) -> SafeString:
    items: list[tuple[Any, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    )
    rows = format_html_join(
        "",
        "<li>{}</li>",
        ((_row(name, child, depth),) for name, child in items[:MOST]),
    )
    left = len(items) - MOST
    more = (
        format_html(
            '<li class="muted">{}</li>',
            ngettext("%(n)s more", "%(n)s more", left) % {"n": left},
        )
        if left > 0
        else ""
    )
    return format_html("<ul>{}{}</ul>", rows, more)


def _row(name: Any, child: Any, depth: int) -> SafeString:
    is_branch = isinstance(child, dict | list) and child and depth + 1 < DEEPEST
    if not is_branch:
        return format_html('<span class="tree-name">{}</span> {}', name, _leaf(child))
    size = len(child)
    count = ngettext("%(n)s value", "%(n)s values", size) % {"n": size}
    return format_html(
        "<details{}><summary><span>{}</span> <small>{}</small></summary>{}</details>",
        " open" if depth < 3 else "",
        name,
        count,
        _node(child, depth + 1),
    )


def _leaf(value: Any) -> SafeString:
    if isinstance(value, str):
        return format_html('<span class="tree-text">{}</span>', value or "“”")
    text = json.dumps(value, ensure_ascii=False, default=str)
    return format_html('<code class="tree-value">{}</code>', text)
