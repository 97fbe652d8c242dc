from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from workflows.models import Command, Source, State


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("workflow", *arguments, stdout=out)
    return out.getvalue()


def test_list_shows_every_workflow(workflow):
    lines = run("list").splitlines()

    assert lines[0].split()[:2] == ["internal_name", "state"]
    assert any(line.startswith("testsCount ") and "started" in line for line in lines)


def test_list_as_json(workflow):
    rows = {row["internal_name"]: row for row in json.loads(run("list", "--json"))}

    assert rows["testsCount"]["state"] == "started"
    assert rows["testsCount"]["next_run"].endswith("Z")


def test_show_tells_schedule_and_what_is_possible(workflow):
    shown = json.loads(run("show", "testsCount", "--json"))

    assert len(shown["schedules"]) == 1
    assert "04:00" in shown["schedules"][0]
    assert "pause" in shown["allowed_commands"]
    assert shown["commands"][0]["name"] == "start"


def test_show_in_words(workflow):
    text = run("show", "testsCount")

    assert "state: started" in text
    assert "command: start applied" in text


def test_next_prints_instants(workflow):
    lines = run("next", "testsCount", "--count", "3").splitlines()

    assert len(lines) == 3
    assert all(line.endswith("T04:00:00Z") for line in lines)


def test_pause_is_a_ledger_row_of_the_command_line(workflow, administrator):
    run("pause", "testsCount", "--operator", "boss", "--reason", "maintenance")

    row = Command.objects.first()
    workflow.refresh_from_db()
    assert workflow.state == State.PAUSED
    assert (row.source, row.author, row.reason) == (Source.CLI, "boss", "maintenance")


def test_without_operator_the_server_itself_acts(workflow):
    answer = json.loads(run("stop", "testsCount", "--json"))

    assert answer["state"] == "finished"
    assert answer["author"] == "cli"
    assert answer["noop"] is False


def test_command_already_so_is_no_failure(workflow):
    assert json.loads(run("start", "testsCount", "--json"))["noop"] is True


def test_other_spelling_is_read(workflow):
    assert "testsCount" in run("pause", "testCount")


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["pause", "nothing"], 3, "nothing"),
        (["pause", "testsCount", "--operator", "nobody"], 3, "nobody"),
        (["resume", "testsCount", "--expected-state", "paused"], 4, "started"),
        (["kill", "testsCount", "--operator", "supervisor"], 5, "workflows.kill"),
    ],
)
def test_refusal_has_its_own_exit_status(workflow, supervisor, arguments, status, text):
    with pytest.raises(CommandError, match=text) as caught:
        run(*arguments)

    assert caught.value.returncode == status


def test_refusal_names_what_is_possible(workflow):
    run("stop", "testsCount")

    with pytest.raises(CommandError, match=r"Possible now: .*restart"):
        run("pause", "testsCount")
