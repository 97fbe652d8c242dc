from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from campaign.access.models import Operator, Scope
from campaign.access.services import tokens
from tests.workflows.api.conftest import Caller, caller
from tests.workflows.drawn import command, draw
from tests.workflows.samples import work_off
from workflows.models import Approval, ApprovalReply, AuditEntry, Source

URL = "/api/v1/approvals"
ASKED = "Workflow execution"
CHOICES = [{"name": "yes", "label": "Yes"}, {"name": "no", "label": "No"}]


@pytest.fixture
def ada(db) -> Caller:
    """A program of the one operator who is asked."""
    return caller("ada", Scope.WORKFLOW_EXECUTE, group=ASKED)


@pytest.fixture
def superuser(db) -> Caller:
    """A program of a superuser, who is not asked."""
    operator = Operator.objects.create_superuser("root")
    made = tokens.create_token(name="root", operator=operator, scopes=[Scope.ADMIN])
    return Caller(made.secret)


def ask(**more: Any) -> Approval:
    parameters = {"group": ASKED, "title": "Send?", "choices": CHOICES, **more}
    drawing = {
        "start": "start",
        "ask": ("approval", parameters),
        "sent": "end",
        "kept": "end",
    }
    draw(drawing, "start.ok>ask ask.yes>sent ask.no>kept")
    command("start")
    work_off()
    return Approval.objects.get()


@pytest.fixture
def question(ada: Caller) -> Approval:
    """A question that waits for the group of ada."""
    return ask()


def test_open_question_is_listed_with_its_choices(ada, question):
    (item,) = ada.get(URL).json()["items"]

    assert (item["id"], item["workflow"], item["activity"], item["title"]) == (
        question.pk,
        "drawn",
        "ask",
        "Send?",
    )
    assert item["choices"] == CHOICES
    assert (item["group"], item["operator"]) == (ASKED, "")
    assert item["can_answer"] is True


def test_question_is_not_listed_to_whom_it_does_not_concern(supervisor, question):
    assert supervisor.get(URL).json() == {"items": [], "next": None}


def test_list_comes_in_pages_and_costs_the_same(
    ada, question, django_assert_max_num_queries
):
    ada.get(URL)

    with django_assert_max_num_queries(10):
        page = ada.get(URL, limit=1).json()

    assert page["next"] is None


def test_answer_is_recorded_and_the_branch_goes_on(ada, question):
    answer = ada.post(f"{URL}/{question.pk}/reply", {"choice": "yes", "comment": "Go"})
    work_off()

    reply = ApprovalReply.objects.get()
    assert answer.status_code == 201
    assert answer.json()["choice"] == "yes"
    assert answer.json()["operator"] == "ada"
    assert (reply.choice, reply.comment) == ("yes", "Go")
    assert AuditEntry.objects.get(action="workflows.approval.answered").source == (
        Source.API
    )
    assert question.task.workflow.tasks.filter(activity="sent").exists()
    assert ada.get(URL).json()["items"] == []


def test_second_answer_is_409(ada, question):
    ada.post(f"{URL}/{question.pk}/reply", {"choice": "yes"})

    answer = ada.post(f"{URL}/{question.pk}/reply", {"choice": "no"})

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "already_answered"
    assert ApprovalReply.objects.get().choice == "yes"


def test_own_answer_to_several_is_not_asked_again(ada):
    Operator.objects.create_user("bo").groups.add(Group.objects.get(name=ASKED))
    question = ask(multiple=True)

    ada.post(f"{URL}/{question.pk}/reply", {"choice": "yes"})

    (item,) = ada.get(URL).json()["items"]
    assert item["is_multiple"] is True
    assert item["can_answer"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [({"choice": "perhaps"}, "choice"), ({"choice": "yes", "other": 1}, "other")],
)
def test_fault_names_its_field(ada, question, body, field):
    answer = ada.post(f"{URL}/{question.pk}/reply", body)

    assert answer.status_code == 400
    assert field in [fault["field"] for fault in answer.json()["errors"]]
    assert not ApprovalReply.objects.exists()


def test_superuser_sees_but_cannot_answer(superuser, question):
    (item,) = superuser.get(URL).json()["items"]
    answer = superuser.post(f"{URL}/{question.pk}/reply", {"choice": "yes"})

    assert item["can_answer"] is False
    assert answer.status_code == 403
    assert not ApprovalReply.objects.exists()


def test_superuser_withdraws(superuser, ada, question):
    answer = superuser.client.delete(f"{URL}/{question.pk}")

    question.refresh_from_db()
    assert answer.status_code == 204
    assert question.closed_at is not None
    assert ada.get(URL).json()["items"] == []


def test_withdrawn_question_cannot_be_answered(superuser, ada, question):
    superuser.client.delete(f"{URL}/{question.pk}")

    answer = ada.post(f"{URL}/{question.pk}/reply", {"choice": "yes"})

    assert answer.status_code == 409
    assert answer.json()["error_code"] == "approval_closed"


def test_assignee_does_not_withdraw(ada, question):
    assert ada.client.delete(f"{URL}/{question.pk}").status_code == 403
    assert Approval.objects.get().closed_at is None


def test_reading_scope_does_not_answer(question):
    reading = caller("bo", Scope.WORKFLOW_READ, group=ASKED)

    answer = reading.post(f"{URL}/{question.pk}/reply", {"choice": "yes"})

    assert answer.status_code == 403
    assert answer.json()["error_code"] == "scope_missing"


def test_unknown_question_is_404(ada, question):
    answer = ada.post(f"{URL}/{question.pk + 1}/reply", {"choice": "yes"})

    assert answer.status_code == 404


def test_activity_types_come_with_their_schemas(reader):
    body = reader.get("/api/v1/activities").json()

    kinds = {kind["name"]: kind for kind in body["items"]}
    assert kinds["approval"]["output_lists"] == ["choices", "expirations"]
    assert kinds["sql"]["needs_right"] == "workflows.sql"
    assert "min_interval" in kinds["signal"]["parameters"]["properties"]
    assert set(body["options"]["properties"]) >= {"execution", "retries", "init"}
