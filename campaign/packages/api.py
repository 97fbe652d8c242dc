"""The built-in packages over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema

from campaign.packages.services import installing, removal
from workflows.api.caller import ADMIN, operator_with, reader
from workflows.exceptions import NotFound
from workflows.models import Source

router = Router(tags=["Packages"])


class PackageWorkflowOut(Schema):
    """A workflow of a package; available when this version has it."""

    internal_name: str
    label: str
    is_available: bool


class PackageOut(Schema):
    """A built-in package as this instance sees it."""

    slug: str
    label: str
    purpose: str
    instances: list[str]
    needs: list[str]
    availability: str
    installed_at: datetime | None
    workflows: list[PackageWorkflowOut]


class PackagePage(Schema):
    items: list[PackageOut]
    next: str | None


class ReasonIn(Schema):
    """Why; kept in the audit trail."""

    reason: str = ""


@router.get("/packages", response=PackagePage, url_name="package_list")
def list_packages(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the built-in packages by name; the cursor is the last one shown."""
    reader(request)
    found = sorted(installing.list_packages(), key=lambda one: one.slug)
    rest = [one for one in found if cursor is None or one.slug > cursor]
    shown = rest[:limit]
    return {
        "items": [_out(one) for one in shown],
        "next": shown[-1].slug if len(rest) > limit else None,
    }


@router.get("/packages/{slug}", response=PackageOut, url_name="package_detail")
def show_package(request: HttpRequest, slug: str) -> PackageOut:
    """Show one package."""
    reader(request)
    return _found(slug)


@router.post(
    "/packages/{slug}/install", response=PackageOut, url_name="package_install"
)
def install_package(request: HttpRequest, slug: str, body: ReasonIn) -> PackageOut:
    """Install a package with its workflows."""
    operator = operator_with(request, ADMIN, permission=removal.INSTALL_RIGHT)
    removal.install_package(
        slug=slug,
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
        reason=body.reason,
    )
    return _found(slug)


@router.post("/packages/{slug}/remove", response=PackageOut, url_name="package_remove")
def remove_package(request: HttpRequest, slug: str, body: ReasonIn) -> PackageOut:
    """Take a package out of use; its workflows stay, stopped, with their history."""
    operator = operator_with(request, ADMIN, permission=removal.REMOVE_RIGHT)
    removal.remove_package(
        slug=slug,
        acting_operator=operator,
        source=Source.API,
        at=timezone.now(),
        reason=body.reason,
    )
    return _found(slug)


def _found(slug: str) -> PackageOut:
    for one in installing.list_packages():
        if one.slug == slug:
            return _out(one)
    raise NotFound


def _out(one: installing.ListedPackage) -> PackageOut:
    return PackageOut(
        slug=one.slug,
        label=str(one.label),
        purpose=str(one.purpose),
        instances=list(one.instances),
        needs=list(one.needs),
        availability=one.availability.value,
        installed_at=one.installed_at,
        workflows=[
            PackageWorkflowOut(
                internal_name=row.internal_name,
                label=row.label,
                is_available=row.is_available,
            )
            for row in one.workflows
        ],
    )
