"""Adds the workflow of the measurements to the catalogue."""

from __future__ import annotations

from django.apps import AppConfig

from workflows import registry

NAME = "benchWork"


class SampleConfig(AppConfig):
    name = "bench.sample"
    label = "bench_sample"

    def ready(self) -> None:
        """Add the entry that makes the declaration valid."""
        entry = registry.CatalogueEntry(
            internal_name=NAME,
            package="delivery",
            labels={"en": "Work of the measurements"},
            description="",
            schedule=None,
            starts_with_package=False,
        )
        registry.set_catalogue({**registry.catalogue(), NAME: entry}.values())
