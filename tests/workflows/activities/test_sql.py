from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import ProgrammingError, connection, transaction

from campaign.platform.models import Option
from workflows import conf
from workflows.activities import find_type, sql
from workflows.activities.sql_rules import Handling, Refused, handlings, judge
from workflows.exceptions import ConfigurationError, RuntimeFault
from workflows.registry import Again

SQL = find_type("sql")


def fields(**parameters: Any) -> list[str]:
    return [fault.field for fault in SQL.faults(parameters)]


def argument(name: str, expression: str) -> dict[str, str]:
    return {"name": name, "expression": expression}


@pytest.mark.parametrize(
    ("code", "verb", "sensitive"),
    [
        ("select 1", "SELECT", ""),
        ("  -- a comment\n SELECT ';' ;  -- end", "SELECT", ""),
        ("(select 1)", "SELECT", ""),
        ("with a as (select 1) select * from a", "WITH", ""),
        ("values (1)", "VALUES", ""),
        ("update t set a = 1", "UPDATE", ""),
        ("truncate t", "TRUNCATE", "TRUNCATE"),
        ("vacuum t", "VACUUM", ""),
        ("vacuum full t", "VACUUM", "VACUUM FULL"),
        ("vacuum (analyze, full) t", "VACUUM", "VACUUM FULL"),
        ("reindex table t", "REINDEX", "REINDEX"),
        ("create index i on t (a)", "CREATE", "CREATE INDEX"),
        ("create /* */ unique index i on t (a)", "CREATE", "CREATE INDEX"),
        ("drop index if exists i", "DROP", "DROP INDEX"),
        ("create temporary table t (a int)", "CREATE", ""),
        ("create materialized view v as select 1", "CREATE", ""),
    ],
)
def test_statement_is_known(code: str, verb: str, sensitive: str) -> None:
    statement = judge(code)

    assert (statement.verb, statement.sensitive) == (verb, sensitive)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "-- only a comment",
        "select 1; drop table t",
        "do $$ begin truncate t; end $$",
        "copy t to program 'sh'",
        "begin",
        "commit",
        "set role postgres",
        "grant all on t to u",
        "create role r superuser",
        "create function f() returns int language sql as 'select 1'",
        "alter system set fsync = off",
        "drop database d",
        "select '\\'; drop table t; --'",
        "/* /* */ select 1 */ drop table t",
        "listen x",
    ],
)
def test_statement_is_refused(code: str) -> None:
    with pytest.raises(Refused):
        judge(code)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "code"),
        ({"code": "select 1; select 2"}, "code"),
        ({"code": "delete from t"}, "allow_writes"),
        ({"code": "select %(a)s"}, "arguments"),
        ({"code": "select 1", "arguments": [argument("a", "1")]}, "arguments"),
        ({"code": "select 5 % 2"}, "code"),
        ({"code": "select %s"}, "code"),
        (
            {"code": "select %(a)s", "arguments": [argument("a", "1 +")]},
            "arguments.0.expression",
        ),
        ({"code": "select 1", "time_limit": 0}, "time_limit"),
    ],
)
def test_fault_names_its_field(parameters: dict[str, Any], field: str) -> None:
    assert field in fields(**parameters)


def test_sound_parameters() -> None:
    assert (
        fields(
            code="select '100%%' where %(a)s > 1",
            arguments=[argument("a", "vars.a")],
            time_limit="5m",
        )
        == []
    )


def test_right_is_needed_to_write_it() -> None:
    assert SQL.needs_right == "workflows.sql"


@pytest.mark.parametrize(
    ("allow_writes", "has_effect", "is_idempotent"),
    [(False, False, True), (True, True, False)],
)
def test_what_may_write_has_an_effect(
    allow_writes: bool, has_effect: bool, is_idempotent: bool
) -> None:
    given = {"code": "select 1", "allow_writes": allow_writes}

    assert SQL.has_effect(given) is has_effect
    assert SQL.is_idempotent(given) is is_idempotent
    assert SQL.is_cancellable(given) is True


def test_handling_is_to_block_unless_said_otherwise() -> None:
    table = handlings(
        "truncate=warn; DROP  INDEX = allow, REINDEX=so", is_searched=True
    )

    assert table["TRUNCATE"] is Handling.WARN
    assert table["DROP INDEX"] is Handling.ALLOW
    assert table["REINDEX"] is Handling.BLOCK
    assert table["VACUUM FULL"] is Handling.BLOCK


def test_nothing_is_held_back_when_it_is_not_searched_for() -> None:
    assert set(handlings("", is_searched=False).values()) == {Handling.ALLOW}


@pytest.fixture
def table(db: None) -> Iterator[str]:
    """A table with three rows."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE activity_sample (id int primary key, word text)")
        cursor.execute(
            "INSERT INTO activity_sample VALUES (1, 'one'), (2, 'two'), (3, 'three')"
        )
    yield "activity_sample"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS activity_sample")


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM activity_sample")
        return cursor.fetchone()[0]


def test_first_row_and_count_go_on(make_context, table: str) -> None:
    context = make_context(
        {
            "code": "select id, word, now() > '2020-01-01' as late, 1.5 as half,"
            " null as none, array[1, 2] as list from activity_sample"
            " where id >= %(least)s order by id",
            "arguments": [argument("least", "vars.least")],
        },
        vars={"least": 2},
    )

    result = SQL.execute(context)

    assert result.count == 2
    assert result.read == 2
    assert result.variables == {
        "recCount": 2,
        "id": 2,
        "word": "two",
        "late": True,
        "half": 1.5,
        "none": None,
        "list": [1, 2],
    }


def test_no_row_is_no_variable(make_context, table: str) -> None:
    result = SQL.execute(make_context({"code": "select 1 as a where false;"}))

    assert result.variables == {"recCount": 0}


def test_value_is_bound_and_never_pasted_in(make_context, table: str) -> None:
    context = make_context(
        {
            "code": "select count(*) as n from activity_sample where word = %(w)s",
            "arguments": [argument("w", "vars.w")],
        },
        vars={"w": "x'; DROP TABLE activity_sample; --"},
    )

    assert SQL.execute(context).variables["n"] == 0
    assert rows() == 3


def test_change_is_written_and_counted(make_context, table: str) -> None:
    context = make_context(
        {
            "code": "update activity_sample set word = %(w)s where id < 3",
            "arguments": [argument("w", "'new'")],
            "allow_writes": True,
        }
    )

    result = SQL.execute(context)

    assert result.written == 2
    assert result.variables == {"recCount": 2}


def test_returned_row_of_a_change_goes_on(make_context, table: str) -> None:
    code = "delete from activity_sample where id = 1 returning word"

    result = SQL.execute(make_context({"code": code, "allow_writes": True}))

    assert result.variables == {"recCount": 1, "word": "one"}


@pytest.mark.parametrize(
    "code",
    [
        "with gone as (delete from activity_sample returning 1) select * from gone",
        "select nextval(pg_get_serial_sequence('django_content_type', 'id'))",
        "select set_config('transaction_read_only', 'off', true)",
    ],
)
def test_nothing_is_changed_without_permission(
    make_context, table: str, code: str
) -> None:
    with pytest.raises(ConfigurationError):
        SQL.execute(make_context({"code": code}))

    assert rows() == 3


def test_changing_verb_is_refused_when_it_was_stored_otherwise(make_context) -> None:
    with pytest.raises(ConfigurationError, match="DELETE"):
        SQL.execute(make_context({"code": "delete from activity_sample"}))


@pytest.mark.parametrize("values", [{}, {"a": 1}])
def test_server_takes_one_statement_only(table: str, values: dict[str, Any]) -> None:
    code = "select 1{}; truncate activity_sample".format(" + %(a)s" if values else "")

    with pytest.raises((ConfigurationError, ProgrammingError)), transaction.atomic():
        sql._execute(code, values)

    assert rows() == 3


@pytest.mark.django_db
def test_statement_that_is_wrong_is_a_fault_of_configuration(make_context) -> None:
    with pytest.raises(ConfigurationError, match="no_such_table"):
        SQL.execute(make_context({"code": "select * from no_such_table"}))


@pytest.mark.django_db
def test_statement_that_takes_too_long_is_ended(make_context) -> None:
    context = make_context({"code": "select pg_sleep(30)", "time_limit": 1})

    with pytest.raises(RuntimeFault, match="longer than 1 s"):
        SQL.execute(context)


@pytest.mark.django_db
def test_slice_that_is_nearly_over_limits_the_statement(make_context) -> None:
    context = make_context({"code": "select pg_sleep(30)"}, seconds_left=1.2)

    with pytest.raises(RuntimeFault):
        SQL.execute(context)


@pytest.mark.django_db
def test_worker_that_is_to_end_begins_nothing(make_context) -> None:
    context = make_context({"code": "select 1"}, seconds_left=0.0)

    assert SQL.execute(context) == Again()


@pytest.mark.django_db
def test_failed_statement_leaves_the_connection_usable(make_context) -> None:
    with pytest.raises(ConfigurationError):
        SQL.execute(make_context({"code": "select 1 / 0"}))

    assert Group.objects.count() >= 0


def test_blocked_statement_names_the_option(make_context, table: str) -> None:
    context = make_context({"code": "truncate activity_sample", "allow_writes": True})

    with pytest.raises(ConfigurationError, match="SqlSensitive_Methods"):
        SQL.execute(context)

    assert rows() == 3


@pytest.mark.parametrize(
    ("handling", "warnings"),
    [("warn", ["TRUNCATE locks or empties tables."]), ("allow", [])],
)
def test_sensitive_statement_may_be_let_through(
    make_context, table: str, handling: str, warnings: list[str]
) -> None:
    Option.objects.create(
        name="XtkSecurity_SqlSensitive_Methods", value=f"TRUNCATE={handling}"
    )
    conf.forget_options()
    context = make_context({"code": "truncate activity_sample", "allow_writes": True})

    SQL.execute(context)

    assert rows() == 0
    assert context.warnings == warnings


@pytest.mark.django_db(transaction=True)
def test_vacuum_is_executed_outside_a_transaction(make_context) -> None:
    context = make_context({"code": "vacuum auth_group", "allow_writes": True})

    SQL.execute(context)

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.parametrize(
    ("code", "verb"),
    [
        ("select * from activity_sample where id < %(most)s", "SELECT"),
        ("delete from activity_sample where id < %(most)s", "DELETE"),
    ],
)
def test_simulation_estimates_and_changes_nothing(
    make_context, table: str, code: str, verb: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE activity_sample")

    given = {"arguments": [argument("most", "3")], "allow_writes": True}
    would = SQL.would_do(make_context({"code": code, **given}))

    assert would.parameters["verb"] == verb
    assert 1 <= would.count <= 3
    assert rows() == 3


def test_simulation_cannot_tell_what_a_truncation_would_do(
    make_context, table: str
) -> None:
    Option.objects.create(
        name="XtkSecurity_SqlSensitive_Methods", value="TRUNCATE=allow"
    )
    conf.forget_options()
    context = make_context({"code": "truncate activity_sample", "allow_writes": True})

    assert SQL.would_do(context) is None
