"""``python -m campaign.run.web``: the web server of one host."""

from __future__ import annotations

import os
import signal

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from workflows.processes import bind_children_to_us, die_with_parent

_THREADS = 4
_HEADER_MILLISECONDS = 15_000


def main() -> None:
    """Serve until told to stop.

    One process of four threads: the database connection of a thread stays open for
    as long as the thread lives, so idle threads are kept.
    """
    die_with_parent(signal.SIGTERM)
    bind_children_to_us()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    Granian(
        "campaign.wsgi:application",
        address=os.environ.get("HOST", "").strip() or "127.0.0.1",
        port=int(os.environ.get("PORT", "").strip() or "8000"),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=_THREADS,
        blocking_threads_idle_timeout=600,
        websockets=False,
        backlog=1024,
        backpressure=256,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        log_level=LogLevels.warning,
        workers_kill_timeout=4,
        process_name="campaign-web",
    ).serve()


if __name__ == "__main__":
    main()
