"""django-post-office, tuned: ``send_many``, batches of 1,000, 2 × 10 threads.

Messages are queued first and sent then, as its documentation shows; a log row is kept
of each, as we do. ``python -m bench.peer.post_office prepare|push COUNT``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.installation import SETTINGS, Installation
from bench.load import ROOT, recipient
from bench.message import HTML, SUBJECT, TEXT, context
from bench.sink import Sink
from campaign.run.postgres import SUPERUSER

_DATABASE = "post_office"
_AT_ONCE = 1_000
_WAIT_SECONDS = 120.0
_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class PeerFlow:
    """What the peer did: per second, over all and in its two steps."""

    rate: float
    pushed_per_second: float
    sent_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """Return what the JSON file keeps."""
        return asdict(self)


def flow(running: Installation, sink: Sink, count: int) -> PeerFlow:
    """Queue and send ``count`` messages; starting processes is not counted."""
    environment = {
        **os.environ,
        SETTINGS: "bench.peer.settings",
        "PEER_DATABASE": _DATABASE,
        "PEER_DATABASE_HOST": str(running.server.sockets),
        "PEER_DATABASE_USER": SUPERUSER,
        "PEER_SMTP_PORT": str(sink.port),
    }
    _make_database(running)
    _call(environment, "prepare")
    pushed = float(_call(environment, "push", str(count)))
    before = sink.count()
    folder = Path(running.stack.var) / "run"
    with (folder / "post_office.txt").open("ab") as output:
        sending = subprocess.Popen(
            [
                *(sys.executable, "-m", "django", "send_queued_mail"),
                *("--processes", str(_PROCESSES)),
                *("--lockfile", str(folder / "post_office.lock")),
            ],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        sink.wait_for(before + 1, seconds=_WAIT_SECONDS, every=0.005)
        sink.wait_for(before + count, seconds=_WAIT_SECONDS)
    finally:
        sending.wait(_WAIT_SECONDS)
    times = sorted(message.at for message in sink.since(before))
    sent = times[-1] - times[0]
    return PeerFlow(count / (pushed + sent), count / pushed, count / sent)


def _call(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.peer.post_office", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.strip() or "0"


def _make_database(running: Installation) -> None:
    with psycopg.connect(running.server.url("postgres"), autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
        session.execute(f"CREATE DATABASE {_DATABASE}")


def prepare() -> None:
    """Make the peer's tables and its template."""
    from django.core.management import call_command  # noqa: PLC0415 (after setup)
    from post_office.models import EmailTemplate  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    EmailTemplate.objects.create(
        name="order", subject=SUBJECT, content=TEXT, html_content=HTML
    )


def push(count: int) -> float:
    """Queue messages; return the seconds it took."""
    from post_office import mail  # noqa: PLC0415 (after setup)
    from post_office.models import EmailTemplate  # noqa: PLC0415

    template = EmailTemplate.objects.get(name="order")
    started = time.perf_counter()
    for first in range(0, count, _AT_ONCE):
        mail.send_many(
            [
                {
                    "recipients": recipient(number),
                    "sender": "shop@example.com",
                    "template": template,
                    "context": {"ctx": context(number)},
                }
                for number in range(first, min(count, first + _AT_ONCE))
            ]
        )
    return time.perf_counter() - started


def main(arguments: list[str]) -> None:
    """Do one step inside the peer's project."""
    import django  # noqa: PLC0415 (settings are in the environment by now)

    django.setup()
    if arguments[0] == "prepare":
        prepare()
    else:
        print(push(int(arguments[1])))


if __name__ == "__main__":
    main(sys.argv[1:])
