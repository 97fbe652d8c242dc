"""The built-in packages with their technical workflows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from campaign.packages.catalogue import Package, packages
from campaign.packages.services import installing, removal
from campaign.packages.services.installing import Availability
from workflows import registry
from workflows.console import access, queries
from workflows.console.appearance import Look
from workflows.models import Source, Workflow
from workflows.registry import CatalogueEntry

VIEW = "workflows.view"
LOOKS = {
    Availability.INSTALLED: Look(_("Installed"), "circle-check", "ok"),
    Availability.MISSING: Look(_("Not installed"), "circle-dashed", border="dashed"),
    Availability.REMOVED: Look(_("Removed"), "circle-minus", "warn"),
    Availability.OTHER_ROLE: Look(_("For another role"), "circle-off", border="dashed"),
    Availability.NOT_AVAILABLE: Look(
        _("Not available in this version"), "circle-dashed", border="dashed"
    ),
}
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
    availability: Availability
    installed_at: datetime | None
    workflows: list[ShownWorkflow]
    instances: list[str]

    @property
    def look(self) -> Look:
        """Return whether the package is installed, as a chip."""
        return LOOKS[self.availability]

    @property
    def is_installed(self) -> bool:
        """Return whether the package is in use."""
        return self.availability is Availability.INSTALLED

    @property
    def needs(self) -> list[str]:
        """Return the labels of the packages that have to be there before."""
        return [registry.package_label(slug) for slug in self.package.needs]

    @property
    def can_be_installed(self) -> bool:
        """Return whether this instance may have the package and has not."""
        return self.availability in (Availability.REMOVED, Availability.MISSING)

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
    states = {one.slug: one for one in installing.list_packages()}
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
            states[slug].availability,
            states[slug].installed_at,
            sorted(by_package[slug], key=lambda one: one.entry.label().casefold()),
            [str(INSTANCES.get(name, name)) for name in package.instances],
        )
        for slug, package in packages().items()
    ]
    return sorted(
        shown,
        key=lambda one: (
            not one.is_installed,
            not one.available,
            str(one.package.label).casefold(),
        ),
    )


@access.requires(VIEW)
def package_list(request: HttpRequest) -> HttpResponse:
    """Show what is built in: installed or not, available in this version or not."""
    found = shown_packages()
    wanted = request.GET.get("show", "")
    words = request.GET.get("q", "").strip()
    shown = [
        one
        for one in found
        if (wanted != "installed" or one.is_installed)
        and (wanted != "available" or one.can_be_installed)
        and (wanted != "missing" or not (one.is_installed or one.can_be_installed))
        and words.casefold()
        in f"{one.package.label}\n{one.package.slug}\n{one.package.purpose}".casefold()
    ]
    installed = sum(one.is_installed for one in found)
    available = sum(one.can_be_installed for one in found)
    return render(
        request,
        "packages/package_list.html",
        {
            "packages": shown,
            "all": len(found),
            "installed": installed,
            "installable": available,
            "missing": len(found) - installed - available,
            "available": sum(len(one.available) for one in found),
            "total": sum(len(one.workflows) for one in found),
            "edition": settings.CAMPAIGN_EDITION.capitalize(),
            "wanted": wanted,
            "words": words,
            "install_refusal": access.lacking(request, removal.INSTALL_RIGHT),
            "remove_refusal": access.lacking(request, removal.REMOVE_RIGHT),
        },
    )


@access.requires(removal.INSTALL_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def package_install(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what installing creates; install."""
    plan = removal.plan_installation(slug)
    if request.method == "POST":
        removal.install_package(slug=slug, **_order(request))
        messages.success(
            request, text(_("%(package)s is installed."), package=plan.package.label)
        )
        return redirect("packages:package_list")
    return render(request, "packages/package_install.html", {"plan": plan})


@access.requires(removal.REMOVE_RIGHT)
@require_http_methods(["GET", "HEAD", "POST"])
def package_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what removing takes out of use; remove."""
    plan = removal.plan_removal(slug)
    if request.method == "POST":
        removal.remove_package(slug=slug, **_order(request))
        messages.success(
            request, text(_("%(package)s is removed."), package=plan.package.label)
        )
        return redirect("packages:package_list")
    return render(request, "packages/package_remove.html", {"plan": plan})


def text(words: object, **given: object) -> str:
    """Return a message with its names filled in."""
    return str(words) % given


def _order(request: HttpRequest) -> dict[str, Any]:
    return {
        "acting_operator": request.user,
        "source": Source.CONSOLE,
        "reason": request.POST.get("reason", ""),
        "at": timezone.now(),
    }
