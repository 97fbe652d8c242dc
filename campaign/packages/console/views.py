"""The built-in packages with their technical workflows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from campaign.packages.catalogue import Package, packages
from campaign.packages.models import InstalledPackage
from workflows import registry
from workflows.console import access, queries
from workflows.console.appearance import Look
from workflows.models import Workflow
from workflows.registry import CatalogueEntry

VIEW = "workflows.view"
INSTALLED = Look(_("Installed"), "circle-check", "ok")
NOT_INSTALLED = Look(_("Not installed"), "circle-dashed", border="dashed")
INSTANCES = {
    "all": _("Every instance"),
    "marketing": _("Marketing"),
    "control": _("Control"),
    "execution": _("Execution"),
    "mid": _("Mid-sourcing"),
    "midsourcing": _("Mid-sourcing"),
}


@dataclass(frozen=True, slots=True)
class ShownWorkflow:
    """A workflow of the catalogue; ``workflow`` is None when it has no row."""

    entry: CatalogueEntry
    workflow: Workflow | None
    is_available: bool


@dataclass(frozen=True, slots=True)
class ShownPackage:
    """A package with its workflows."""

    package: Package
    installed_at: datetime | None
    workflows: list[ShownWorkflow]
    instances: list[str]

    @property
    def look(self) -> Look:
        """Return whether the package is installed, as a chip."""
        return INSTALLED if self.installed_at else NOT_INSTALLED

    @property
    def available(self) -> list[ShownWorkflow]:
        """Return the workflows that this version can run."""
        return [shown for shown in self.workflows if shown.is_available]

    @property
    def missing(self) -> list[ShownWorkflow]:
        """Return the workflows that this version lacks."""
        return [shown for shown in self.workflows if not shown.is_available]


def shown_packages() -> list[ShownPackage]:
    """Return every package of the catalogue, those in use first. Two queries."""
    installed = dict(InstalledPackage.objects.values_list("slug", "installed_at"))
    rows = {row.internal_name: row for row in queries.listed()}
    declared = set(registry.declarations())
    by_package: dict[str, list[ShownWorkflow]] = defaultdict(list)
    for entry in registry.catalogue().values():
        name = entry.internal_name
        by_package[entry.package].append(
            ShownWorkflow(entry, rows.get(name), name in declared or name in rows)
        )
    shown = [
        ShownPackage(
            package,
            installed.get(slug),
            sorted(by_package[slug], key=lambda one: one.entry.label().casefold()),
            [str(INSTANCES.get(name, name)) for name in package.instances],
        )
        for slug, package in packages().items()
    ]
    return sorted(
        shown,
        key=lambda one: (
            not one.available,
            one.installed_at is None,
            str(one.package.label).casefold(),
        ),
    )


@access.requires(VIEW)
def package_list(request: HttpRequest) -> HttpResponse:
    """Show what is built in: installed or not, available in this version or not."""
    found = shown_packages()
    return render(
        request,
        "packages/package_list.html",
        {
            "packages": found,
            "installed": sum(one.installed_at is not None for one in found),
            "available": sum(len(one.available) for one in found),
            "total": sum(len(one.workflows) for one in found),
        },
    )
