"""One page of every kind that the console has, as JSON ``{view: address}``.

``python -m bench.addresses``: inside an installation, along the links from the start
page, as the administrator.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 (needs the applications)
from django.test import Client  # noqa: E402

from tests.contracts.crawling import Visited, walk  # noqa: E402

_BACKEND = "django.contrib.auth.backends.ModelBackend"
_FIRST = ("/workflows/rtEventsProcessing/", "/")


def name_of(page: Visited) -> str:
    """Return a file's name for a page: its view, and what of its query matters."""
    view = page.view.rpartition(":")[2]
    query = page.address.partition("?")[2]
    chosen = [part.split("=")[1] for part in query.split("&") if "tab=" in part]
    command = page.address.split("/commands/")[1] if ":command" in page.view else ""
    words = (view, *chosen, command.split("/")[0])
    return "-".join(word.replace("_", "-") for word in words if word)


def main() -> None:
    """Print the addresses."""
    client = Client(headers={"host": "127.0.0.1"}, raise_request_exception=False)
    client.force_login(get_user_model().objects.get(username="admin"), _BACKEND)
    found: dict[str, str] = {}
    for page in walk(client, *_FIRST):
        kind = page.answer.headers.get("Content-Type", "")
        if (
            page.view
            and page.answer.status_code == 200
            and kind.startswith("text/html")
        ):
            found.setdefault(name_of(page), page.address)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
