from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from workflows.actions.sync import sync_workflows


class Command(BaseCommand):
    help = (
        "Create the declared workflows that are missing; never overwrites a schedule"
        " or structure that an operator edited, and reports the difference."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, renew and report."""
        for line in sync_workflows(at=timezone.now()):
            self.stdout.write(f"{line.internal_name}: {line.outcome}")
