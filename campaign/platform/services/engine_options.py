"""The options of the workflow engine (configuring-campaign-options.md).

The engine knows their names and what counts without them; here they get a type, a
range and a description, and their changed values are read for it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.utils.translation import gettext_lazy as _

from campaign.platform.models import Option
from campaign.platform.services import options
from workflows import conf

logger = logging.getLogger(__name__)

ENGINE = _("Workflow engine")

# Here 0 stands for what the engine calls None.
MAX_ACTIVE = options.declare(
    "WORKFLOW_MAX_ACTIVE",
    options.INTEGER,
    0,
    _("How many runs may work at once; 0: twice the number of workers."),
    highest=10_000,
    used_by=ENGINE,
)
MIN_INTERVAL = options.declare(
    "WORKFLOW_MIN_INTERVAL",
    options.DURATION,
    conf.OPTIONS["WORKFLOW_MIN_INTERVAL"],
    _(
        "The shortest period of a schedule, in seconds; built-in workflows may be"
        " planned more often."
    ),
    lowest=1,
    highest=86_400,
    used_by=ENGINE,
)
TASK_HARD_LIMIT = options.declare(
    "WORKFLOW_TASK_HARD_LIMIT",
    options.DURATION,
    conf.OPTIONS["WORKFLOW_TASK_HARD_LIMIT"],
    _("How long a task may work in all before it is ended, in seconds."),
    lowest=60,
    highest=7 * 86_400,
    used_by=ENGINE,
)
LONG_TASK_HOURS = options.declare(
    "WORKFLOW_LONG_TASK_HOURS",
    options.INTEGER,
    conf.OPTIONS["WORKFLOW_LONG_TASK_HOURS"],
    _("After how many hours a task that still works is warned of."),
    lowest=1,
    highest=168,
    used_by=ENGINE,
)
HTTP_HOSTS = options.declare(
    "WORKFLOW_HTTP_HOSTS",
    options.TEXT,
    conf.OPTIONS["WORKFLOW_HTTP_HOSTS"],
    _("The hosts that workflows may call by HTTP, separated by commas; empty: none."),
    used_by=ENGINE,
)
HTTP_ALLOW_PRIVATE = options.declare(
    "WORKFLOW_HTTP_ALLOW_PRIVATE",
    options.INTEGER,
    conf.OPTIONS["WORKFLOW_HTTP_ALLOW_PRIVATE"],
    _("Whether HTTP calls may reach private addresses: 1 yes, 0 no."),
    highest=1,
    used_by=ENGINE,
)
SQL_SENSITIVE = options.declare(
    "XtkSecurity_FeatureFlag_SqlSensitive",
    options.INTEGER,
    conf.OPTIONS["XtkSecurity_FeatureFlag_SqlSensitive"],
    _("Whether SQL code is searched for statements that lock or empty tables: 1, 0."),
    highest=1,
    used_by=ENGINE,
)
SQL_SENSITIVE_METHODS = options.declare(
    "XtkSecurity_SqlSensitive_Methods",
    options.TEXT,
    conf.OPTIONS["XtkSecurity_SqlSensitive_Methods"],
    _(
        "What happens to such a statement, as in TRUNCATE=warn, DROP INDEX=allow;"
        " one that is not named is blocked. Others are VACUUM FULL, REINDEX and"
        " CREATE INDEX."
    ),
    used_by=ENGINE,
)
PAUSED_PERIOD = options.declare(
    "NmsServer_PausedWorkflowPeriod",
    options.INTEGER,
    conf.OPTIONS["NmsServer_PausedWorkflowPeriod"],
    _("Days between two notices that a workflow is still paused."),
    lowest=1,
    highest=365,
    used_by=ENGINE,
)
PAUSED_MAX_NOTICES = options.declare(
    "WorkflowPausedMaxNotices",
    options.INTEGER,
    conf.OPTIONS["WorkflowPausedMaxNotices"],
    _(
        "After how many notices a paused workflow of normal severity is stopped"
        " unconditionally; 0: never."
    ),
    highest=100,
    used_by=ENGINE,
)

_known: dict[str, Any] = {}


def changed_values(names: Collection[str]) -> Mapping[str, Any]:
    """Return the options that were changed, by name; never raises. One query.

    Without the database the values known last go on to count; one that does not
    fit its declaration is left out, so that the default counts.
    """
    try:
        with transaction.atomic():
            rows = list(
                Option.objects.filter(name__in=names).values_list("name", "value")
            )
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The options cannot be read: %s", error)
        return dict(_known)
    found = {name: value for name, value in rows if _is_sound(name, value)}
    _known.clear()
    _known.update(found)
    return found


def value_of(name: str) -> Any:
    """Return the value in force of a declared option; None for another name."""
    declared = options.declared().get(name)
    return None if declared is None else declared.get()


def _is_sound(name: str, value: Any) -> bool:
    option = options.declared().get(name)
    if option is None or value is None or value == option.default:
        return False
    fault = options.check_value(option, value)
    if fault is not None:
        logger.warning("Option %s is not sound: %s", name, fault.message)
    return fault is None
