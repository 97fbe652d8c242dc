"""System checks of the engine: a misconfiguration is told before it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from workflows.registry import QUEUES

_ROLE = """
SELECT rolsuper, pg_has_role(session_user, oid, 'MEMBER')
FROM pg_roles WHERE rolname = %s
"""
_Apps = Sequence[AppConfig] | None
_BROKER = "workflows.queue.Broker"
_LEAST_CONNECTION_AGE = 60


def _queues() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the effective settings of every configured queue."""
    base = settings.Q_CLUSTER
    yield base["cluster_name"], base
    for name, own in base["ALT_CLUSTERS"].items():
        yield name, {**base, **own}


@register
def queues_are_configured(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Every queue of the engine has its workers, and no other is configured."""
    configured = {name for name, _own in _queues()}
    if configured == set(QUEUES):
        return []
    return [
        Error(
            f"Q_CLUSTER configures {', '.join(sorted(configured))}, the engine uses"
            f" {', '.join(QUEUES)}.",
            hint="Name the first queue in cluster_name, the others in ALT_CLUSTERS.",
            id="workflows.E001",
        )
    ]


@register
def queue_lives_in_our_database(
    app_configs: _Apps, **kwargs: Any
) -> list[CheckMessage]:
    """Orders are written in the transaction that makes them necessary."""
    configured = settings.Q_CLUSTER
    if configured.get("orm") == "default" and (
        configured.get("broker_class") == _BROKER
    ):
        return []
    return [
        Error(
            "The queue is not in the database of the workflows: an order could be"
            " lost, or come for a change that was never made.",
            hint=f'Set orm to "default" and broker_class to "{_BROKER}" in Q_CLUSTER.',
            id="workflows.E002",
        )
    ]


@register
def leases_outlast_tasks(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """A claimed task is not given to a second worker while it waits or runs."""
    faults: list[CheckMessage] = []
    for name, own in _queues():
        rounds = math.ceil(
            (own["queue_limit"] + own["bulk"] + own["workers"]) / own["workers"]
        )
        needed = rounds * own["timeout"] + 60
        if own["retry"] <= needed:
            faults.append(
                Error(
                    f"The queue {name} gives a task away after {own['retry']} s, yet"
                    f" it may wait and run for {needed} s.",
                    hint=f"Set retry of {name} above {needed}, or lower timeout.",
                    id="workflows.E003",
                )
            )
    return faults


@register
def results_do_not_pile_up(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Failures are ours to repeat, and results are purged by us."""
    configured = settings.Q_CLUSTER
    if configured.get("save_limit") == 0 and configured.get("ack_failures"):
        return []
    return [
        Error(
            "The queue repeats failed tasks by itself or counts results at every save.",
            hint="Set ack_failures to True and save_limit to 0 in Q_CLUSTER.",
            id="workflows.E004",
        )
    ]


@register
def connections_are_not_shared(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Queues fork: a pool of connections would be used by several processes at once,
    which read each other's answers."""
    if not connection.settings_dict.get("OPTIONS", {}).get("pool"):
        return []
    return [
        Error(
            "The database has a pool of connections, which processes of a queue"
            " would share.",
            hint="Remove pool from OPTIONS of the database; CONN_MAX_AGE does its"
            " work.",
            id="workflows.E005",
        )
    ]


@register
def connections_are_kept(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Workers keep their connection from task to task, and test it before use."""
    configured = connection.settings_dict
    age = configured.get("CONN_MAX_AGE", 0)
    is_kept = age is None or age >= _LEAST_CONNECTION_AGE
    if is_kept and configured.get("CONN_HEALTH_CHECKS"):
        return []
    return [
        Error(
            "Workers would connect anew for every task, or use a dead connection.",
            hint=f"Set CONN_MAX_AGE to {_LEAST_CONNECTION_AGE} or more and"
            " CONN_HEALTH_CHECKS to True.",
            id="workflows.E006",
        )
    ]


@register
def public_url_is_absolute(app_configs: _Apps, **kwargs: Any) -> list[CheckMessage]:
    """Links in mail lead somewhere: they begin with the address people know."""
    address = urlsplit(str(settings.PUBLIC_URL))
    if address.scheme in ("http", "https") and address.hostname:
        return []
    return [
        Error(
            f"PUBLIC_URL is {settings.PUBLIC_URL!r}: links in notifications would lead"
            " nowhere.",
            hint="Set PUBLIC_URL to the whole address, such as"
            " https://campaign.example.com.",
            id="workflows.E007",
        )
    ]


@register(Tags.database)
def sql_role_bounds_statements(
    app_configs: _Apps, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """SQL code is executed with the rights of a role that has less of them. One query.

    Asked of the database, thus with ``check --database default``, and by ``migrate``.
    """
    role = settings.SQL_ROLE
    if not role or "default" not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ROLE, [role])
        found = cursor.fetchone()
    fault = _fault_of_role(role, found)
    return [Error(fault[0], hint=fault[1], id="workflows.E008")] if fault else []


def _fault_of_role(
    role: str, found: tuple[bool, bool] | None
) -> tuple[str, str] | None:
    """Return what is wrong with SQL_ROLE and what to do; ``found`` is _ROLE's row."""
    if found is None:
        return (
            f"SQL_ROLE is {role!r}, but the database has no such role.",
            f'Create it: CREATE ROLE "{role}" NOLOGIN; or unset SQL_ROLE.',
        )
    is_superuser, is_ours = found
    if is_superuser:
        return (
            f"SQL_ROLE is {role!r}, a superuser: it bounds nothing.",
            "Name a role without rights but those that SQL code shall have.",
        )
    if not is_ours:
        return (
            f"SQL_ROLE is {role!r}, which the application may not act as.",
            f'GRANT "{role}" TO the user of DATABASE_URL.',
        )
    return None
