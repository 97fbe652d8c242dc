from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaign.access.models import ApiToken, Scope
from campaign.access.services import tokens
from tests.workflows.api.conftest import caller
from workflows.models import JournalEntry, Level, Signal

ROOT = "/local/campaign/workflow/execution"
ONE = f"{ROOT}/testsCount"
TRIGGER = f"{ONE}/activities/activity/signal/trigger/"
DECLARED = [
    {"name": "name", "type": "string"},
    {"name": "number", "type": "number"},
    {"name": "wanted", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "moment", "type": "datetime"},
]


@pytest.fixture
def declared(workflow):
    structure = workflow.structure
    for activity in structure.graph["activities"]:
        if activity["name"] == "signal":
            activity["parameters"] = {"declared": DECLARED}
    structure.save()
    return workflow


@pytest.fixture
def partner(db):
    return caller("partner", Scope.WORKFLOW_SIGNAL, group="Workflow supervisors")


def test_execution_shows_activities_and_the_trigger(reader, workflow):
    shown = reader.get(ONE).json()

    activities = shown["activities"]["activity"]
    assert shown["PKey"] == str(workflow.uuid)
    assert shown["ID"] == "testsCount"
    assert set(activities) == {"scheduler", "signal", "count", "end"}
    assert "trigger" not in activities["scheduler"]
    assert activities["signal"]["trigger"]["href"].startswith(f"{ROOT}/")


def test_execution_is_found_by_key_and_with_a_slash(reader, workflow):
    assert reader.get(f"{ROOT}/{workflow.uuid}").status_code == 200
    assert reader.get(f"{ONE}/").status_code == 200


@pytest.mark.parametrize("method", ["pause", "stop"])
def test_command_is_accepted(supervisor, workflow, method):
    answer = supervisor.post(f"{ONE}/commands", {"method": method})

    assert answer.status_code == 202
    assert set(answer.json()) >= {
        "commandId",
        "PKey",
        "state",
        "requestedState",
        "statusUrl",
    }


def test_command_already_so_is_a_noop(supervisor, workflow):
    answer = supervisor.post(f"{ONE}/commands/", {"method": "start"})

    assert answer.status_code == 200
    assert answer.json()["noop"] is True


@pytest.mark.parametrize("method", ["kill", "restart", "", None])
def test_other_method_is_a_fault(supervisor, workflow, method):
    answer = supervisor.post(f"{ONE}/commands", {"method": method})

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "RST-360011"
    assert answer.json()["details"][0]["parameter"] == "method"


def test_impossible_command_is_409(supervisor, workflow):
    supervisor.post(f"{ONE}/commands", {"method": "stop"})

    answer = supervisor.post(f"{ONE}/commands", {"method": "pause"})

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "WKF-409001"


def test_href_of_the_trigger_raises_the_signal(reader, partner, workflow):
    shown = reader.get(ONE).json()
    href = shown["activities"]["activity"]["signal"]["trigger"]["href"]

    answer = partner.post(href, {"source": "API"})

    assert answer.status_code == 202
    assert Signal.objects.get().source == "API (partner)"


def test_parameters_are_converted_by_their_types(partner, declared):
    answer = partner.post(
        TRIGGER,
        {
            "source": "API",
            "parameters": {
                "name": 5,
                "number": "05",
                "wanted": "true",
                "day": "2019-04-03",
                "moment": "2019-04-03 08:17:19.100Z",
            },
        },
    )

    assert answer.status_code == 202
    assert Signal.objects.get().variables == {
        "name": "5",
        "number": 5,
        "wanted": True,
        "day": "2019-04-03",
        "moment": "2019-04-03T08:17:19.100000Z",
    }


def test_faults_of_parameters_are_told_at_once(partner, declared):
    answer = partner.post(
        TRIGGER,
        {"parameters": {"number": "many", "wanted": 7, "unknown": 1, "day": "soon"}},
    )

    body = answer.json()
    assert answer.status_code == 400
    assert body["error_code"] == "RST-360011"
    assert {d["parameter"] for d in body["details"]} == {
        "source",
        "number",
        "wanted",
        "unknown",
        "day",
    }
    assert any("isn't defined" in d["message"] for d in body["details"])
    assert not Signal.objects.exists()


def test_target_that_is_not_started_is_409_and_in_its_journal(
    partner, supervisor, workflow
):
    supervisor.post(f"{ONE}/commands", {"method": "stop"})

    answer = partner.post(TRIGGER, {"source": "API"})

    assert answer.status_code == 409
    assert JournalEntry.objects.filter(level=Level.ERROR).exists()


def test_body_over_64_kilobytes_is_413(partner, declared):
    answer = partner.post(
        TRIGGER, {"source": "API", "parameters": {"name": "x" * 70_000}}
    )

    assert answer.status_code == 413


def test_token_segment_and_missing_slash_are_accepted(partner, workflow):
    bare = TRIGGER.rstrip("/")

    assert partner.post(bare, {"source": "API"}).status_code == 202
    assert partner.post(f"{bare}/abc123", {"source": "API"}).status_code == 202
    assert partner.post(f"{bare}/abc123/", {"source": "API"}).status_code == 202


def test_activity_that_is_no_signal_is_not_found(partner, workflow):
    path = TRIGGER.replace("/signal/", "/scheduler/")

    assert partner.post(path, {"source": "API"}).status_code == 404


def test_signal_scope_does_not_command(partner, workflow):
    answer = partner.post(f"{ONE}/commands", {"method": "pause"})

    assert answer.status_code == 403


def test_reader_may_not_trigger(reader, workflow):
    assert reader.post(TRIGGER, {"source": "API"}).status_code == 403


def test_unknown_workflow_is_not_found(reader, workflow):
    key = "00000000-0000-4000-8000-000000000000"

    assert reader.get(f"{ROOT}/nothing").status_code == 404
    assert reader.get(f"{ROOT}/{key}").status_code == 404


def test_wrong_http_method_is_405(reader, workflow):
    answer = reader.get(f"{ONE}/commands")

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


def test_body_that_is_no_object_is_refused(partner, workflow):
    assert partner.post(TRIGGER, ["API"]).status_code == 400
    answer = partner.client.post(TRIGGER, "{", content_type="application/json")
    assert answer.status_code == 400


def test_no_token_is_401(workflow):
    assert Client().post(TRIGGER).status_code == 401


def test_refusal_tells_state_and_what_is_allowed(supervisor, workflow):
    supervisor.post(f"{ONE}/commands", {"method": "stop"})

    body = supervisor.post(f"{ONE}/commands", {"method": "pause"}).json()

    assert body["state"]
    assert "start" in body["allowed"]


def test_silent_clock_is_a_warning(supervisor, partner, workflow):
    command = supervisor.post(f"{ONE}/commands", {"method": "pause"}).json()
    supervisor.post(f"{ONE}/commands", {"method": "resume"})
    signal = partner.post(TRIGGER, {"source": "API"}).json()

    assert command["warning"] == signal["warning"] == "The clock is not running."


def test_signal_too_early_is_429_with_the_time_to_wait(partner, workflow):
    structure = workflow.structure
    for activity in structure.graph["activities"]:
        if activity["name"] == "signal":
            activity["parameters"] = {"min_interval": 600}
    structure.save()
    partner.post(TRIGGER, {"source": "API"})

    answer = partner.post(TRIGGER, {"source": "API"})

    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 600


def test_command_over_64_kilobytes_is_413(supervisor, workflow):
    body = {"method": "start", "note": "x" * 70_000}

    assert supervisor.post(f"{ONE}/commands", body).status_code == 413


def test_expired_token_is_401(reader, workflow):
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tokens.forget_cached()

    answer = reader.get(ONE)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_repeated_key_gets_the_first_answer_of_a_command(supervisor, workflow):
    first = supervisor.post(
        f"{ONE}/commands", {"method": "pause"}, **{"idempotency-key": "k1"}
    )
    again = supervisor.post(
        f"{ONE}/commands", {"method": "pause"}, **{"idempotency-key": "k1"}
    )

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again["Idempotent-Replayed"] == "true"


def test_repeated_key_gets_the_first_answer_of_a_signal(partner, declared):
    body = {"source": "API", "parameters": {"number": 1}}

    first = partner.post(TRIGGER, body, **{"idempotency-key": "k1"})
    again = partner.post(TRIGGER, body, **{"idempotency-key": "k1"})
    other = partner.post(TRIGGER, {"source": "x"}, **{"idempotency-key": "k1"})

    assert (again.status_code, again.json()) == (202, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert other.status_code == 422
    assert Signal.objects.count() == 1


def test_refused_signal_may_be_tried_again_with_its_key(partner, supervisor, workflow):
    supervisor.post(f"{ONE}/commands", {"method": "stop"})
    refused = partner.post(TRIGGER, {"source": "API"}, **{"idempotency-key": "k1"})
    supervisor.post(f"{ONE}/commands", {"method": "start"})

    answer = partner.post(TRIGGER, {"source": "API"}, **{"idempotency-key": "k1"})

    assert (refused.status_code, answer.status_code) == (409, 202)
    assert JournalEntry.objects.filter(level=Level.ERROR).exists()


def test_body_nested_too_deeply_is_a_fault(partner, workflow):
    answer = partner.client.post(TRIGGER, "[" * 30_000, content_type="application/json")

    assert answer.status_code == 400
