"""Bring the database of an installation to the state this version needs."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import OperationalError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from campaign.access.services.setup import ensure_admin, ensure_environment_token
from campaign.env import env_flag, env_text
from campaign.run.control import ProgramState
from campaign.run.paths import VarPaths
from campaign.run.postgres import EmbeddedServer
from campaign.run.prepare import StartFault

_EMBEDDED_SECONDS = 60.0
_FOREIGN_SECONDS = 10.0
_LOWEST_POSTGRES = 15
#: Two hosts that start at once migrate one after the other.
_MIGRATION_LOCK = 0x43414D50


def await_database(server: Callable[[], ProgramState | None], log: Path) -> None:
    """Wait until the database answers; raise StartFault when it does not.

    ``server`` tells what the supervisor knows of the embedded server.
    """
    embedded = settings.DATABASE_IS_EMBEDDED
    server_of_ours = EmbeddedServer.of(VarPaths.from_environment())
    patience = _EMBEDDED_SECONDS if embedded else _FOREIGN_SECONDS
    deadline = time.monotonic() + patience
    while True:
        try:
            if embedded:
                server_of_ours.ensure_database()
            connection.ensure_connection()
        except (psycopg.OperationalError, OperationalError) as error:
            state = server() if embedded else None
            if (state and state.state == "FATAL") or time.monotonic() > deadline:
                raise StartFault(_unreachable(error, log)) from error
            time.sleep(0.05)
        else:
            return


def bring_up_to_date() -> str:
    """Migrate and synchronise; return a password that was made, if one was.

    Raises StartFault when the database is of a newer version than this code.
    """
    version = server_version()
    if version < _LOWEST_POSTGRES:
        raise StartFault(
            f"the database is PostgreSQL {version}; {_LOWEST_POSTGRES} or newer is"
            " needed: upgrade it, or set DATABASE_URL to another server."
        )
    with _one_at_a_time():
        refuse_newer_database()
        call_command("migrate", verbosity=0, interactive=False)
        with transaction.atomic():
            call_command("syncworkflows", verbosity=0, stdout=io.StringIO())
            first = ensure_admin(env_text("CAMPAIGN_ADMIN_PASSWORD"))
            ensure_environment_token(env_text("CAMPAIGN_API_TOKEN"))
            if (
                env_flag("CAMPAIGN_SAMPLE_DATA", default=True)
                and first.operator.last_login is None
                and "sampledata" in get_commands()
            ):
                call_command("sampledata", verbosity=0, stdout=io.StringIO())
    connection.close()
    return first.generated


def server_version() -> int:
    """Return the major version of the PostgreSQL server. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10_000


def refuse_newer_database() -> None:
    """Raise StartFault when migrations were applied that this version has not."""
    loader = MigrationLoader(connection)
    known = {key for key in loader.disk_migrations if key} | {
        replaced
        for migration in loader.disk_migrations.values()
        for replaced in migration.replaces
    }
    ours = {config.label for config in apps.get_app_configs()}
    newer = sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in ours and (app, name) not in known
    )
    if newer:
        raise StartFault(
            f"the database belongs to a newer version (it has {newer[-1]}): start"
            " that version, or restore a backup made with this one."
        )


def _unreachable(error: Exception, log: Path) -> str:
    reason = " ".join(str(error).split())
    if settings.DATABASE_IS_EMBEDDED:
        return f"the embedded PostgreSQL does not answer ({reason}); see {log}."
    return (
        f"the database of DATABASE_URL does not answer ({reason}): check the address,"
        " the password and that the server runs."
    )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])
