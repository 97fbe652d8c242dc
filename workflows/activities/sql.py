"""SQL code: one statement in one transaction, with bound values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from django.conf import settings
from django.db import (
    DatabaseError,
    DataError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
    connection,
    transaction,
)
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from psycopg.sql import Identifier
from psycopg.types.json import Jsonb

from workflows import conf
from workflows.activities.base import ActivityType, Context, register
from workflows.activities.branching import twins
from workflows.activities.kinds import Boolean, Expression, Name, Seconds, Sql
from workflows.activities.records import ListOf
from workflows.activities.sql_rules import (
    Handling,
    Refused,
    Statement,
    handlings,
    judge,
)
from workflows.engine.conditions import value_of
from workflows.exceptions import ConfigurationError, Fault, RuntimeFault
from workflows.registry import Again, Done, Result, WouldDo

MOST_CHARACTERS = 65_536
_CURSOR = "activity_result"
_PLACEHOLDER = re.compile(r"%(?:%|\((?P<name>\w+)\)s)?")
_ESTIMATED = frozenset(
    {*("SELECT", "WITH", "VALUES", "TABLE"), *("INSERT", "UPDATE", "DELETE", "MERGE")}
)


@register
class SqlCode(ActivityType):
    """Executes SQL (sql-code.md); only operators with the right may write it.

    Values are bound, never pasted in. Nothing is changed unless *allow_writes*; the
    server then still executes one statement in one transaction, as the role of
    ``SQL_ROLE`` where that is set (our choice).
    """

    name = "sql"
    label = gettext_lazy("SQL code")
    help_text = gettext_lazy(
        "Executes one statement; its row count is vars.recCount, and the columns of"
        " the first row are variables."
    )
    icon = "database"
    needs_right = "workflows.sql"
    parameters = (
        Sql(
            name="code",
            label=gettext_lazy("Statement"),
            help_text=gettext_lazy(
                "Values go in by name, as %(name)s; write a percent sign twice."
            ),
            required=True,
        ),
        ListOf(
            name="arguments",
            label=gettext_lazy("Values"),
            fields=(
                Name(name="name", label=gettext_lazy("Name"), required=True),
                Expression(
                    name="expression", label=gettext_lazy("Value"), required=True
                ),
            ),
        ),
        Boolean(
            name="allow_writes",
            label=gettext_lazy("Allow changes"),
            help_text=gettext_lazy("Otherwise the transaction can only read."),
        ),
        Seconds(
            name="time_limit",
            label=gettext_lazy("Stop execution after"),
            help_text=gettext_lazy("The statement is ended then; nothing is changed."),
            default=3_600,
            lowest=1,
        ),
    )

    def rules(self, parameters: Mapping[str, Any]) -> list[Fault]:
        """Name what the code may not do, and values that do not fit together."""
        try:
            statement = judge(parameters["code"])
        except Refused as refused:
            return [Fault("code", str(refused))]
        if not statement.is_reading and not parameters.get("allow_writes"):
            return [
                Fault(
                    "allow_writes",
                    _("%(verb)s changes something: allow changes, or only read.")
                    % {"verb": statement.verb},
                )
            ]
        arguments = parameters.get("arguments") or []
        return [
            *twins("arguments", arguments),
            *_unfit_names(parameters["code"], {item["name"] for item in arguments}),
        ]

    def is_long(self, parameters: Mapping[str, Any]) -> bool:
        """Return True: it must not keep others waiting."""
        return True

    def is_idempotent(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether it only reads."""
        return not parameters.get("allow_writes")

    def has_effect(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether it may change something."""
        return bool(parameters.get("allow_writes"))

    def is_cancellable(self, parameters: Mapping[str, Any]) -> bool:
        """Return True: what was not committed did not happen."""
        return True

    def time_limit(self, parameters: Mapping[str, Any]) -> timedelta | None:
        """Return *Stop execution after*."""
        return timedelta(seconds=self.value(parameters, "time_limit"))

    def would_do(self, context: Context) -> WouldDo | None:
        """Ask the planner how many rows are concerned; nothing is executed."""
        given = self.values(context.parameters)
        statement = _judged(given, context)
        if statement.verb not in _ESTIMATED:
            return None
        values = _bound(given, context)
        with _limited(given["time_limit"]), transaction.atomic():
            _say("SET TRANSACTION READ ONLY")
            _say(f"SET LOCAL statement_timeout = {given['time_limit'] * 1000}")
            with _as_role("SET LOCAL ROLE"):
                cursor = _execute(f"EXPLAIN (FORMAT JSON) {given['code']}", values)
                row = cursor.fetchone()
        rows = _estimated_rows(row[0][0]["Plan"]) if row else 0
        return WouldDo(
            rows,
            gettext_noop("%(verb)s would concern about %(count)s rows."),
            {"verb": statement.verb, "count": rows},
        )

    def execute(self, context: Context) -> Result:
        """Execute it; the first row and the row count go on as variables."""
        if context.seconds_left <= 0:
            return Again()  # about to pause or end: it shall not begin now
        given = self.values(context.parameters)
        statement = _judged(given, context)
        seconds = int(min(given["time_limit"], context.seconds_left))
        count, first = _run(statement, given, _bound(given, context), seconds or 1)
        return Done(
            count=count,
            read=count if statement.is_reading else 0,
            written=0 if statement.is_reading else count,
            variables={"recCount": count, **first},
        )


def _unfit_names(code: str, given: set[str]) -> list[Fault]:
    """Compare the names in the code with those that have a value."""
    used: set[str] = set()
    for match in _PLACEHOLDER.finditer(code):
        if match["name"]:
            used.add(match["name"])
        elif match[0] != "%%":
            message = _("A value goes in as %(form)s; write a percent sign twice.")
            return [Fault("code", message % {"form": "%(name)s"})]
    faults = [
        Fault("arguments", _("Give %(name)s a value.") % {"name": name})
        for name in sorted(used - given)
    ]
    return faults + [
        Fault("arguments", _("The code has no %(name)s; take it out.") % {"name": name})
        for name in sorted(given - used)
    ]


def _judged(given: Mapping[str, Any], context: Context) -> Statement:
    """Return what the code is; raises ConfigurationError when it is held back."""
    try:
        statement = judge(given["code"])
    except Refused as refused:
        raise ConfigurationError(str(refused)) from refused
    if not statement.is_reading and not given["allow_writes"]:
        raise ConfigurationError(
            "%(verb)s changes something, but changes are not allowed here.",
            verb=statement.verb,
        )
    if not statement.sensitive:
        return statement
    handling = handlings(
        str(conf.option("XtkSecurity_SqlSensitive_Methods")),
        is_searched=bool(conf.option("XtkSecurity_FeatureFlag_SqlSensitive")),
    )[statement.sensitive]
    if handling is Handling.BLOCK:
        raise ConfigurationError(
            "%(method)s is blocked: it locks or empties tables. An administrator may"
            " allow it with the option XtkSecurity_SqlSensitive_Methods.",
            method=statement.sensitive,
        )
    if handling is Handling.WARN:
        context.warning(
            "%(method)s locks or empties tables.", method=statement.sensitive
        )
    return statement


def _bound(given: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the values by name, as the database takes them."""
    values = {
        item["name"]: value_of(item["expression"], context.variables)
        for item in given["arguments"]
    }
    return {
        name: Jsonb(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def _run(
    statement: Statement, given: Mapping[str, Any], values: dict[str, Any], seconds: int
) -> tuple[int, dict[str, Any]]:
    """Execute the statement; return how many rows, and the first one."""
    timeout = f"statement_timeout = {seconds * 1000}"
    if statement.is_outside:
        with _limited(seconds):
            _say(f"SET {timeout}")
            try:
                with _as_role("SET ROLE"):
                    cursor = _execute(given["code"], values)
            finally:
                _say("RESET ROLE")
                _say("RESET statement_timeout")
            return max(cursor.rowcount, 0), {}
    with _limited(seconds), transaction.atomic():
        if not given["allow_writes"]:
            _say("SET TRANSACTION READ ONLY")
        _say(f"SET LOCAL {timeout}")
        with _as_role("SET LOCAL ROLE"):
            if statement.is_reading and not (
                statement.verb == "WITH" and given["allow_writes"]
            ):
                return _read(given["code"], values)
            cursor = _execute(given["code"], values)
            first = _first_row(cursor) if cursor.description else {}
            return max(cursor.rowcount, 0), first


def _read(code: str, values: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Count the rows on the server, of which only the first comes here."""
    _execute(f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {code}", values)
    cursor = _execute(f"FETCH 1 FROM {_CURSOR}", {})
    count, first = cursor.rowcount, _first_row(cursor)
    if count:
        count += _execute(f"MOVE ALL FROM {_CURSOR}", {}).rowcount
    _execute(f"CLOSE {_CURSOR}", {})
    return count, first


def _execute(code: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
    """Execute one statement; the server refuses a second one.

    With values the protocol itself takes one only. Without any the server is asked
    to parse it alone first.
    """
    connection.ensure_connection()
    raw = connection.connection
    statement = code.rstrip().rstrip(";")
    if not values:
        parsed = raw.pgconn.prepare(b"", statement.replace("%%", "%").encode())
        if parsed.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise ConfigurationError(
                "The database refuses the statement: %(error)s",
                error=_sentence(parsed.error_message.decode(errors="replace")),
            )
    with connection.wrap_database_errors:
        return psycopg.Cursor(raw).execute(statement, values)


def _say(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _as_role(order: str) -> Iterator[None]:
    """Let the statement do what the role of SQL_ROLE may, where one is set.

    ``order`` is SET LOCAL ROLE within a transaction, whose failure takes the role
    back, else SET ROLE.
    """
    if not settings.SQL_ROLE:
        yield
        return
    connection.ensure_connection()
    name = Identifier(settings.SQL_ROLE).as_string(connection.connection)
    _say(f"{order} {name}")
    yield
    _say(f"{order} NONE")


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Tell a fault of the code from one that may pass."""
    try:
        yield
    except (ProgrammingError, DataError, NotSupportedError, InternalError) as error:
        raise ConfigurationError(
            "The database refuses the statement: %(error)s", error=_sentence(error)
        ) from error
    except DatabaseError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled) and (
            "statement timeout" in str(error)
        ):
            raise RuntimeFault(
                "The statement took longer than %(seconds)s s and was ended; nothing"
                " was changed.",
                seconds=seconds,
            ) from error
        raise RuntimeFault(
            "The statement failed: %(error)s", error=_sentence(error)
        ) from error


def _sentence(error: object) -> str:
    return " ".join(str(error).split())[:500]


def _first_row(cursor: psycopg.Cursor[Any]) -> dict[str, Any]:
    row = cursor.fetchone()
    if row is None or cursor.description is None:
        return {}
    first = {
        column.name: _plain(value)
        for column, value in zip(cursor.description, row, strict=True)
    }
    if len(json.dumps(first)) > MOST_CHARACTERS:
        raise ConfigurationError(
            "The first row has more than %(limit)s characters; select less.",
            limit=MOST_CHARACTERS,
        )
    return first


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | type(None)):
        return value if value == value else None  # NaN is no JSON
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def _estimated_rows(plan: Mapping[str, Any]) -> int:
    """Return the planner's estimate; a change is estimated by what feeds it."""
    if plan.get("Node Type") == "ModifyTable" and plan.get("Plans"):
        return int(plan["Plans"][0]["Plan Rows"])
    return int(plan["Plan Rows"])
