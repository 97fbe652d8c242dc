from __future__ import annotations

import gc
import os
import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from workflows import queue
from workflows.processes import bind_children_to_us, die_with_parent

_VARIABLE = "Q_CLUSTER_NAME"


class Command(BaseCommand):
    help = _("Run the workers of one queue until stopped; changes nothing by itself.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=_queues())

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the queue's cluster.

        The library reads the name of its queue while it is imported, before any
        command runs: where the variable differs, the process starts over with it.
        """
        name = options["queue"]
        if os.environ.get(_VARIABLE) != name:
            os.environ[_VARIABLE] = name
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606 (ourselves)
        die_with_parent(signal.SIGTERM)
        bind_children_to_us()
        gc.collect()
        gc.freeze()
        queue.run_cluster(name)


def _queues() -> tuple[str, ...]:
    """Return the names of the configured queues."""
    configured = settings.Q_CLUSTER
    return (configured["cluster_name"], *configured["ALT_CLUSTERS"])
