"""``manage.py sampledata``: a small, realistic sample to begin with."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from campaign.messagecenter.services import sample_data


class Command(BaseCommand):
    help = (
        "Add sample event types with published message templates, and addresses in"
        " quarantine. Adds only what is missing; changes nothing that is there."
    )

    def handle(self, **options: Any) -> None:
        """Install the sample and tell what was added."""
        added = sample_data.install(at=timezone.now())
        self.stdout.write(
            f"Added {added.event_types} event types, {added.templates} templates,"
            f" {added.addresses} addresses."
        )
