"""The configuration document, and what the installation is made of, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema

from campaign.platform import configuration
from campaign.platform.api_accounts import order_of
from campaign.platform.services import about
from workflows.api.caller import ADMIN, operator_with, reader

router = Router(tags=["Configuration"])


class DifferenceOut(Schema):
    field: str
    before: str
    after: str


class PlannedOut(Schema):
    """What becomes of one object: new, changed, same or refused."""

    section: str
    name: str
    outcome: str
    why: str
    differences: list[DifferenceOut]


class ImportedOut(Schema):
    """What an import did, or would do; ``digest`` names exactly this."""

    is_applied: bool
    digest: str
    objects: list[PlannedOut]


class ImportIn(Schema):
    """A document that an export wrote.

    ``preview`` changes nothing. ``digest`` of a preview has the import refused when it
    would do anything else.
    """

    document: dict[str, Any]
    preview: bool = True
    without_refused: bool = False
    digest: str = ""


@router.get("/configuration", url_name="configuration", response=dict[str, Any])
def export_configuration(
    request: HttpRequest,
    section: list[str] = Query([]),  # noqa: B008 (how a list is declared)
) -> dict[str, Any]:
    """Export the configuration, or the sections named; secrets stay here."""
    operator = operator_with(request, ADMIN, permission=configuration.EXPORT_RIGHT)
    return configuration.export_configuration(
        names=section, acting_operator=operator, at=timezone.now()
    )


@router.post("/configuration", url_name="configuration", response=ImportedOut)
def import_configuration(request: HttpRequest, body: ImportIn) -> ImportedOut:
    """Import a configuration, all or nothing; by default only a preview."""
    imported = configuration.import_configuration(
        document=body.document,
        preview=body.preview,
        without_refused=body.without_refused,
        expected_digest=body.digest,
        **order_of(request, configuration.IMPORT_RIGHT),
    )
    return ImportedOut(
        is_applied=imported.is_applied,
        digest=imported.digest,
        objects=[
            PlannedOut(
                section=one.section,
                name=one.name,
                outcome=one.outcome.value,
                why=one.why,
                differences=[DifferenceOut(**asdict(d)) for d in one.differences],
            )
            for one in imported.planned
        ],
    )


class PartOut(Schema):
    name: str
    version: str
    licence: str
    kind: str


class AboutOut(Schema):
    """An installation in figures."""

    product: str
    version: str
    python: str
    django: str
    django_q2: str
    psycopg: str
    postgresql: str
    instance: str
    organisation: str
    edition: str
    roles: list[str]
    database: str
    database_bytes: int
    pending_migrations: list[str]
    packages: list[str]
    parts: list[PartOut]


@router.get("/about", url_name="about", response=AboutOut)
def show_about(request: HttpRequest) -> dict[str, Any]:
    """Show versions, instance, database, packages and licences."""
    reader(request)
    return about.describe().as_dict()
