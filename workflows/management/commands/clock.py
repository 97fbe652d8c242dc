from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from workflows.engine.clock import Clock


class Command(BaseCommand):
    help = "Run the clock: it begins the runs that are due, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        Clock().run()
