"""Installing a package by hand, and taking one out of use again.

The original cannot remove a package. Here a removed one is taken out of use: its
workflows have to be stopped first, stay with their history, and do not start until it
is installed again. Nothing is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from campaign.packages import catalogue
from campaign.packages.models import InstalledPackage
from campaign.packages.services.installing import (
    Availability,
    availability,
)
from workflows import audit, registry
from workflows.actions import rights
from workflows.actions.structure import AT_REST
from workflows.actions.sync import sync_workflows
from workflows.exceptions import AppError, NotFound
from workflows.models import Source, Workflow
from workflows.registry import CatalogueEntry

INSTALL_RIGHT = "packages.add_installedpackage"
REMOVE_RIGHT = "packages.delete_installedpackage"
#: What everything else stands on.
FIXED = "builtin"


class NotInstallable(AppError):
    """The package %(package)s cannot be installed: %(why)s"""

    code = "not_installable"
    status = 409


class NotRemovable(AppError):
    """The package %(package)s cannot be removed: %(why)s"""

    code = "not_removable"
    status = 409


@dataclass(frozen=True, slots=True)
class Installation:
    """What installing a package would do; ``refusal`` says why it cannot be."""

    package: catalogue.Package
    refusal: str
    created: tuple[CatalogueEntry, ...]
    kept: tuple[Workflow, ...]
    missing: tuple[CatalogueEntry, ...]
    starting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a package would do; ``refusal`` says why it cannot be."""

    package: catalogue.Package
    refusal: str
    workflows: tuple[Workflow, ...]
    live: tuple[Workflow, ...]


def is_removed(slug: str) -> bool:
    """Return whether an operator took the package out of use. One query."""
    return InstalledPackage.objects.filter(slug=slug, removed_at__isnull=False).exists()


def installed() -> list[str]:
    """Return the packages in use, by slug. One query."""
    return sorted(_in_use())


def plan_installation(slug: str) -> Installation:
    """Return what installing would create. Two queries. Raises NotFound."""
    package = _package(slug)
    in_use = _in_use()
    declared = registry.declarations()
    entries = [e for e in registry.catalogue().values() if e.package == slug]
    rows = {
        row.internal_name: row
        for row in Workflow.objects.visible().filter(
            internal_name__in=[entry.internal_name for entry in entries]
        )
    }
    available = [entry for entry in entries if entry.internal_name in declared]
    return Installation(
        package,
        _why_not_installed(package, in_use),
        tuple(e for e in available if e.internal_name not in rows),
        tuple(rows.values()),
        tuple(e for e in entries if e.internal_name not in declared),
        tuple(
            e.internal_name
            for e in available
            if e.starts_with_package and e.internal_name not in rows
        ),
    )


def plan_removal(slug: str) -> Removal:
    """Return what removing would take out of use. Two queries. Raises NotFound."""
    package = _package(slug)
    in_use = _in_use()
    workflows = tuple(
        Workflow.objects.visible().filter(package=slug).order_by("internal_name")
    )
    live = tuple(row for row in workflows if row.state not in AT_REST)
    return Removal(package, _why_not_removed(package, in_use, live), workflows, live)


def install_package(
    *,
    slug: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Installation:
    """Install a package with those of its workflows that this version has.

    Workflows that it left behind when it was removed stay stopped. Raises NotFound,
    PermissionRefused, NotInstallable.
    """
    rights.require(acting_operator, INSTALL_RIGHT)
    with transaction.atomic():
        _lock()
        plan = plan_installation(slug)
        if plan.refusal:
            raise NotInstallable(package=str(plan.package.label), why=plan.refusal)
        InstalledPackage.objects.update_or_create(
            slug=slug, defaults={"installed_at": at, "removed_at": None}
        )
        audit.record(
            action="packages.package.installed",
            object_type="packages.installedpackage",
            object_id=slug,
            object_label=str(plan.package.label),
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={
                "workflows": [
                    [row.internal_name for row in plan.kept],
                    sorted(
                        [row.internal_name for row in plan.kept]
                        + [entry.internal_name for entry in plan.created]
                    ),
                ]
            },
            reason=reason,
        )
        sync_workflows(at=at)
    return plan


def remove_package(
    *,
    slug: str,
    acting_operator: Any,
    source: Source,
    at: datetime,
    reason: str = "",
) -> Removal:
    """Take a package out of use; its workflows and their history stay.

    Raises NotFound, PermissionRefused, and NotRemovable while one of its workflows is
    not at rest or another package needs it.
    """
    rights.require(acting_operator, REMOVE_RIGHT)
    with transaction.atomic():
        _lock()
        # A start that is on its way has the row; after it the state counts.
        list(Workflow.objects.select_for_update().filter(package=slug).order_by("pk"))
        plan = plan_removal(slug)
        if plan.refusal:
            raise NotRemovable(package=str(plan.package.label), why=plan.refusal)
        InstalledPackage.objects.filter(slug=slug).update(removed_at=at)
        audit.record(
            action="packages.package.removed",
            object_type="packages.installedpackage",
            object_id=slug,
            object_label=str(plan.package.label),
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={
                "workflows": [[row.internal_name for row in plan.workflows], None]
            },
            reason=reason,
        )
    return plan


def _package(slug: str) -> catalogue.Package:
    package = catalogue.packages().get(slug)
    if package is None:
        raise NotFound(_("No package is named %(name)s."), name=slug)
    return package


def _in_use() -> set[str]:
    rows = InstalledPackage.objects.filter(removed_at__isnull=True)
    return set(rows.values_list("slug", flat=True))


def _lock() -> None:
    """Have installing and removing go one after the other."""
    list(InstalledPackage.objects.select_for_update().order_by("pk"))


def _why_not_installed(package: catalogue.Package, in_use: set[str]) -> str:
    if package.slug in in_use:
        return _("it is installed already.")
    found = availability(package.slug)
    if found is Availability.NOT_AVAILABLE:
        return _("this version has none of its workflows and functions.")
    if found is Availability.OTHER_ROLE:
        words = {"roles": ", ".join(settings.CAMPAIGN_ROLES)}
        return _("it is not for the role of this instance (%(roles)s).") % words
    if missing := [slug for slug in package.needs if slug not in in_use]:
        labels = ", ".join(registry.package_label(slug) for slug in missing)
        return _("install %(packages)s first.") % {"packages": labels}
    return ""


def _why_not_removed(
    package: catalogue.Package, in_use: set[str], live: tuple[Workflow, ...]
) -> str:
    if package.slug not in in_use:
        return _("it is not installed.")
    if package.slug == FIXED:
        return _("every other package stands on it.")
    needing = [
        str(other.label)
        for slug, other in catalogue.packages().items()
        if slug in in_use and package.slug in other.needs
    ]
    if needing:
        return _("%(packages)s needs it.") % {"packages": ", ".join(needing)}
    if live:
        labels = ", ".join(row.internal_name for row in live)
        return _("stop its workflows first: %(workflows)s.") % {"workflows": labels}
    return ""
