"""What this installation is made of: versions, database, licences."""

from __future__ import annotations

import platform
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from workflows import registry

_BASE = Path(settings.BASE_DIR)
_LICENCE_CLASSIFIER = "License :: "


@dataclass(frozen=True, slots=True)
class Part:
    """A third-party part with its licence; ``kind`` is python or browser."""

    name: str
    version: str
    licence: str
    kind: str


@dataclass(frozen=True, slots=True)
class About:
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
    roles: tuple[str, ...]
    database: str
    database_bytes: int
    pending_migrations: tuple[str, ...]
    packages: tuple[str, ...]
    parts: tuple[Part, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def describe() -> About:
    """Return what this installation is made of; a few queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_database(),"
            " pg_database_size(current_database())"
        )
        server, database, size = cursor.fetchone()
    return About(
        product="Campaign",
        version=product_version(),
        python=platform.python_version(),
        django=django.get_version(),
        django_q2=_version("django-q2"),
        psycopg=_version("psycopg"),
        postgresql=server,
        instance=settings.PUBLIC_URL,
        organisation=settings.CAMPAIGN_ORG,
        edition=settings.CAMPAIGN_EDITION,
        roles=tuple(settings.CAMPAIGN_ROLES),
        database=database,
        database_bytes=size,
        pending_migrations=pending_migrations(),
        packages=tuple(registry.installed_packages()),
        parts=parts(),
    )


def pending_migrations() -> tuple[str, ...]:
    """Return the migrations that the database still lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return tuple(f"{migration.app_label}.{migration.name}" for migration, _back in plan)


@cache
def product_version() -> str:
    """Return the version that pyproject.toml names."""
    text = (_BASE / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


@cache
def parts() -> tuple[Part, ...]:
    """Return every third-party part: what requirements.txt pins, what we serve."""
    found = [_python_part(name) for name in _required()]
    vendored = tomllib.loads(
        (_BASE / "static/vendor/vendor.toml").read_text(encoding="utf-8")
    )
    found += [
        Part(row["name"], row["version"], row["licence"], "browser")
        for row in vendored["package"]
    ]
    return tuple(sorted(found, key=lambda part: (part.kind, part.name.casefold())))


def _required() -> list[str]:
    lines = (_BASE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    stated = [line.split("#")[0].split("==")[0].strip() for line in lines]
    return [name.split("[")[0] for name in stated if name]


def _python_part(name: str) -> Part:
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return Part(name, "", "", "python")
    licence = _said(told, "License-Expression")
    if not licence:
        named = [
            line.rpartition(" :: ")[2]
            for line in told.get_all("Classifier") or []
            if line.startswith(_LICENCE_CLASSIFIER)
        ]
        licence = ", ".join(named) or _said(told, "License").split("\n")[0]
    return Part(name, metadata.version(name), licence[:80], "python")


def _said(told: metadata.PackageMetadata, name: str) -> str:
    return str(told[name]) if name in told else ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
