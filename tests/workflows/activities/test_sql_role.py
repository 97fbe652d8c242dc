"""SQL code with the rights of a database role of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection

from workflows.activities import find_type
from workflows.activities.sql_rules import Refused, judge
from workflows.exceptions import ConfigurationError
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
SQL = find_type("sql")
ROLE = 'tests "sql" role'
QUOTED = '"tests ""sql"" role"'


def say(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


@pytest.fixture
def role(settings: Any) -> str:
    """A role that may read the workflows and nothing else; its name needs quotes."""
    say(f"CREATE ROLE {QUOTED} NOLOGIN")
    say(f"GRANT SELECT ON workflows_workflow TO {QUOTED}")
    settings.SQL_ROLE = ROLE
    return ROLE


@pytest.fixture
def lasting_role(transactional_db: None, settings: Any) -> Iterator[str]:
    """The same role, for what is executed outside of a transaction."""
    say(f"CREATE ROLE {QUOTED} NOLOGIN")
    settings.SQL_ROLE = ROLE
    yield ROLE
    say(f"DROP ROLE {QUOTED}")


def faults() -> list[Any]:
    found = run_checks(tags=[Tags.database], databases=["default"])
    return [message for message in found if message.id == "workflows.E008"]


def test_statement_is_executed_as_the_role(make_context, role: str) -> None:
    code = "select current_user::text as who, count(*) as n from workflows_workflow"

    result = SQL.execute(make_context({"code": code}))

    assert result.variables["who"] == role
    assert say("SELECT current_user = session_user") == (True,)


def test_what_the_role_may_not_read_is_refused(make_context, role: str) -> None:
    with pytest.raises(ConfigurationError, match="permission denied"):
        SQL.execute(make_context({"code": "select * from workflows_run"}))

    assert say("SELECT current_user = session_user") == (True,)


def test_what_the_role_may_not_write_is_refused(make_context, role: str) -> None:
    workflow = Workflow.objects.create(internal_name="sample")
    code = {"code": "delete from workflows_workflow", "allow_writes": True}

    with pytest.raises(ConfigurationError, match="permission denied"):
        SQL.execute(make_context(code))

    assert Workflow.objects.filter(pk=workflow.pk).exists()


def test_simulation_asks_as_the_role(make_context, role: str) -> None:
    with pytest.raises(ConfigurationError, match="permission denied"):
        SQL.would_do(make_context({"code": "select * from workflows_run"}))

    assert SQL.would_do(make_context({"code": "select * from workflows_workflow"}))


def test_role_is_given_back_outside_of_a_transaction_too(
    make_context, lasting_role: str
) -> None:
    SQL.execute(make_context({"code": "vacuum workflows_run", "allow_writes": True}))

    assert say("SELECT current_user = session_user") == (True,)


def test_without_the_setting_the_application_acts_itself(make_context) -> None:
    code = "select current_user = session_user as is_own"

    result = SQL.execute(make_context({"code": code}))

    assert result.variables["is_own"] is True


@pytest.mark.parametrize(
    "code",
    [
        "select set_config('role', 'postgres', false)",
        'select "set_config"($$role$$, $$postgres$$, false)',
        "select query_to_xml('select 1', true, true, '')",
        "select * from ts_stat('select 1')",
        "select U&\"set\\005fconfig\"('role', 'postgres', false)",
    ],
)
def test_way_out_of_the_role_is_refused(code: str) -> None:
    with pytest.raises(Refused):
        judge(code)


def test_sound_role_passes_the_check(role: str) -> None:
    assert faults() == []


def test_no_role_passes_the_check() -> None:
    assert faults() == []


def test_role_that_does_not_exist_is_told(settings: Any) -> None:
    settings.SQL_ROLE = "nobody"

    assert "no such role" in faults()[0].msg


def test_superuser_is_told(settings: Any) -> None:
    settings.SQL_ROLE = say("SELECT current_user::text")[0]

    assert "superuser" in faults()[0].msg
