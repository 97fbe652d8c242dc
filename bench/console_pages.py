"""Every page of the console over a long history, found along its links.

``python -m bench.console_pages``: inside an installation with sample history; JSON on
standard output, in the shape of ``bench.plans``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from bench import plans  # first: it prepares the applications
from bench.plans import BUSIEST, Page, look

from django.contrib.auth import get_user_model  # isort: skip
from django.test import Client  # isort: skip

from campaign.deliveries.models import BroadLog, Delivery  # isort: skip
from campaign.deliveries.sample_volume import PREFIX  # isort: skip
from tests.contracts.crawling import walk  # isort: skip
from workflows.models import JournalEntry, Run  # isort: skip

_ROWS = 60
DEEPEST = ", deepest page"


def beginnings() -> Iterator[str]:
    """Yield the pages of what has the longest history, so that those are walked."""
    delivery = Delivery.objects.filter(internal_name=f"{PREFIX}0000").get()
    run = Run.objects.filter(workflow__internal_name=BUSIEST, status="finished")
    yield f"/workflows/{BUSIEST}/"
    yield f"/workflows/{BUSIEST}/runs/{run.latest('pk').pk}/"
    yield delivery.get_absolute_url()
    yield BroadLog.objects.filter(delivery=delivery).latest("pk").get_absolute_url()
    yield "/"
    yield "/workflows/?per_page=50"


def found(client: Client) -> Iterator[Page]:
    """Yield a page of every kind, each once."""
    for page in walk(client, *beginnings()):
        kind = page.answer.headers.get("Content-Type", "")
        is_page = page.answer.status_code == 200 and kind.startswith("text/html")
        if is_page and page.view:
            query = page.address.partition("?")[2]
            yield Page(f"{page.view} {query}".strip(), page.address)


def deepest() -> Iterator[Page]:
    """Yield first and last page of the lists that have no end."""
    for name, path, model in (
        ("delivery logs", "/deliveries/logs/", BroadLog),
        ("log search", "/monitoring/logs/", JournalEntry),
    ):
        key = model.objects.order_by("pk").values_list("pk", flat=True)[_ROWS]
        yield Page(name, path)
        yield Page(f"{name}{DEEPEST}", f"{path}?after={key}")


def main() -> None:
    """Look at every page as the administrator."""
    client = Client(headers={"host": "127.0.0.1"}, raise_request_exception=False)
    client.force_login(get_user_model().objects.get(username="admin"), plans.BACKEND)
    wanted = [*found(client), *deepest(), *plans.console_tabs()]
    sys.stdout.write(json.dumps([asdict(look(client, page)) for page in wanted]))


if __name__ == "__main__":
    main()
