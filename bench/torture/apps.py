from __future__ import annotations

from django.apps import AppConfig


class TortureConfig(AppConfig):
    name = "bench.torture"
    label = "torture"
    verbose_name = "Torture"

    def ready(self) -> None:
        """Give the catalogue our workflows, and make time pass more quickly."""
        # What these bring needs the settings and the registry of applications.
        from bench.torture import failpoints, pace, workloads  # noqa: PLC0415
        from workflows import registry  # noqa: PLC0415

        known = registry.catalogue()
        registry.set_catalogue([*known.values(), *workloads.catalogue_entries()])
        pace.accelerate()
        failpoints.crash_as_ordered()
