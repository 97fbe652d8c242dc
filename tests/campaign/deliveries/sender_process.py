"""A sender in a process of its own, for tests that kill it.

Arguments: name of the database, port of the relay, slot.
"""

from __future__ import annotations

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from campaign.addresses import Relay  # noqa: E402
from campaign.deliveries.services import hooks, sending  # noqa: E402
from workflows import queue  # noqa: E402


def main(database: str, port: str, slot: str) -> None:
    """Send for the transactional lane as a queue worker would."""
    settings.RELAY = Relay(host="127.0.0.1", port=int(port))
    connection.settings_dict["NAME"] = database
    queue.enqueue = lambda *_args, **_more: None
    hooks._paths.clear()
    sending.send_lane(0, int(slot))


if __name__ == "__main__":
    main(*sys.argv[1:])
