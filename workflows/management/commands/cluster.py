from __future__ import annotations

import gc
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from workflows import queue
from workflows.processes import bind_children_to_us, die_with_parent
from workflows.registry import QUEUES


class Command(BaseCommand):
    help = "Run the workers of one queue until stopped; changes nothing by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=QUEUES)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the cluster; what is loaded by now is shared by its processes."""
        die_with_parent(signal.SIGTERM)
        bind_children_to_us()
        gc.collect()
        gc.freeze()
        queue.run_cluster(options["queue"])
