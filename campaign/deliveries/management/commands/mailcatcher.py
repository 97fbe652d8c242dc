"""``manage.py mailcatcher``: keep mail in a folder instead of sending it on."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaign.deliveries.services import caught
from campaign.deliveries.services.catcher import catch


class Command(BaseCommand):
    """Run the mail catcher until SIGTERM or SIGINT."""

    help = (
        "Takes mail by SMTP on the loopback interface and keeps every message as a"
        " file; the console shows them as caught mail. Sends nothing on."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.MAIL_CATCHER_PORT)
        parser.add_argument("--folder", type=Path, default=caught.folder())
        parser.add_argument(
            "--sync",
            action="store_true",
            help="Wait for the disk before a message is confirmed.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Catch mail."""
        keeper = caught.Keeper(options["folder"], is_synced=options["sync"])
        options["folder"].mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            asyncio.run(_run(keeper, options["host"], options["port"]))
        except OSError as error:
            raise CommandError(
                f"The mail catcher cannot listen on {options['host']}"
                f":{options['port']} ({error.strerror}): choose another port with"
                " --port or end what uses it."
            ) from error


async def _run(keeper: caught.Keeper, host: str, port: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await catch(keeper, host=host, port=port, until=ended)
