"""Which built-in packages this instance has, and which this version lacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaign.packages import catalogue
from campaign.packages.models import InstalledPackage
from workflows import registry

# Their functions exist although none of their workflows does yet.
WITHOUT_WORKFLOWS = frozenset({"builtin", "mc-control"})
_EVERYWHERE = "all"
_ROLES = {"mid": "midsourcing"}


class Availability(StrEnum):
    """Why a package is or is not installed."""

    INSTALLED = "installed"
    REMOVED = "removed"
    MISSING = "missing"
    OTHER_ROLE = "other_role"
    NOT_AVAILABLE = "not_available"


AVAILABILITY_LABELS = {
    Availability.INSTALLED: _("Installed"),
    Availability.REMOVED: _("Removed"),
    Availability.MISSING: _("Not installed"),
    Availability.OTHER_ROLE: _("For instances of another role"),
    Availability.NOT_AVAILABLE: _("Not available in this version"),
}


@dataclass(frozen=True, slots=True)
class ListedWorkflow:
    """A workflow of the catalogue; ``is_available`` when its handlers exist."""

    internal_name: str
    label: str
    description: str
    schedule_text: str
    is_available: bool


@dataclass(frozen=True, slots=True)
class ListedPackage:
    """A package of the catalogue as this instance sees it."""

    slug: str
    label: str
    purpose: str
    instances: tuple[str, ...]
    needs: tuple[str, ...]
    availability: Availability
    installed_at: datetime | None
    workflows: tuple[ListedWorkflow, ...]

    @property
    def is_installed(self) -> bool:
        """Return whether this instance has the package."""
        return self.availability is Availability.INSTALLED

    @property
    def status(self) -> str:
        """Return the availability in the reader's language."""
        return str(AVAILABILITY_LABELS[self.availability])

    @property
    def available_count(self) -> int:
        """Return how many of its workflows this version has."""
        return sum(workflow.is_available for workflow in self.workflows)


def availability(slug: str) -> Availability:
    """Return whether this instance has a package, by its roles and this version.

    No SQL. Raises KeyError for a package that the catalogue lacks.
    """
    package = catalogue.packages()[slug]
    if slug not in _existing():
        return Availability.NOT_AVAILABLE
    roles = {_ROLES.get(name, name) for name in package.instances}
    if _EVERYWHERE in roles or roles & set(settings.CAMPAIGN_ROLES):
        return Availability.INSTALLED
    return Availability.OTHER_ROLE


def install_missing(*, at: datetime) -> list[str]:
    """Record the packages that this instance has; return the new ones. Idempotent.

    A package once installed stays, whatever the roles become, and one that an
    operator removed stays removed.
    """
    present = set(InstalledPackage.objects.values_list("slug", flat=True))
    missing = [
        slug
        for slug in catalogue.packages()
        if slug not in present and availability(slug) is Availability.INSTALLED
    ]
    InstalledPackage.objects.bulk_create(
        [InstalledPackage(slug=slug, installed_at=at) for slug in missing],
        ignore_conflicts=True,
    )
    return missing


def list_packages() -> tuple[ListedPackage, ...]:
    """Return every package with its workflows, installed ones first. One query."""
    rows = {row.slug: row for row in InstalledPackage.objects.all()}
    workflows: dict[str, list[ListedWorkflow]] = {}
    declared = registry.declarations()
    for entry in catalogue.workflows(settings.CAMPAIGN_EDITION):
        workflows.setdefault(entry.package, []).append(
            ListedWorkflow(
                internal_name=entry.internal_name,
                label=entry.label(),
                description=entry.description,
                schedule_text=entry.schedule_text,
                is_available=entry.internal_name in declared,
            )
        )
    listed = [
        ListedPackage(
            slug=slug,
            label=str(package.label),
            purpose=str(package.purpose),
            instances=package.instances,
            needs=package.needs,
            availability=_availability(slug, rows.get(slug)),
            installed_at=_installed_at(rows.get(slug)),
            workflows=tuple(workflows.get(slug, ())),
        )
        for slug, package in catalogue.packages().items()
    ]
    return tuple(sorted(listed, key=lambda package: not package.is_installed))


def _availability(slug: str, row: InstalledPackage | None) -> Availability:
    if row is None:
        found = availability(slug)
        # What belongs here and has no row was added since the last migrate.
        return Availability.MISSING if found is Availability.INSTALLED else found
    return Availability.REMOVED if row.removed_at else Availability.INSTALLED


def _installed_at(row: InstalledPackage | None) -> datetime | None:
    return None if row is None or row.removed_at else row.installed_at


def _existing() -> frozenset[str]:
    """Return the packages of which this version has workflows or functions."""
    declared = registry.declarations()
    with_workflows = {
        entry.package
        for entry in catalogue.workflows(settings.CAMPAIGN_EDITION)
        if entry.internal_name in declared
    }
    return WITHOUT_WORKFLOWS | with_workflows
