"""Questions in the console: the list, the page with its choices, mailed links."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client

from campaign.access.models import Operator
from tests.workflows.console.conftest import BACKEND
from tests.workflows.drawn import command, draw
from tests.workflows.samples import work_off
from workflows.models import Approval, ApprovalReply, AuditEntry, Source

ASKED = "Workflow execution"
LIST = "/workflows/approvals/"
HTML = {"accept": "text/html"}
CHOICES = [{"name": "yes", "label": "Send it"}, {"name": "no", "label": "Keep it"}]
SignIn = Callable[[str], Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Return a browser of a member of the group that is asked."""

    def make(name: str) -> Client:
        operator = Operator.objects.create_user(name, email=f"{name}@example.com")
        operator.groups.add(Group.objects.get(name=ASKED))
        client = Client()
        client.force_login(operator, BACKEND)
        return client

    return make


@pytest.fixture
def ada(sign_in: SignIn) -> Client:
    """The browser of one who is asked."""
    return sign_in("ada")


def ask(**more: Any) -> Approval:
    parameters = {
        "group": ASKED,
        "title": "Send <b>?",
        "message": "Twelve rows.",
        "choices": CHOICES,
        **more,
    }
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
def question(ada: Client) -> Approval:
    """A question that waits for the group of ada."""
    return ask()


def page_of(client: Client, address: str) -> str:
    return client.get(address, headers=HTML).content.decode()


def at(question: Approval) -> str:
    return f"{LIST}{question.pk}/"


def link_in_mail() -> str:
    found = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body)
    assert found is not None
    return found[1]


def test_list_shows_the_question_and_the_menu_counts_it(
    ada: Client, question: Approval
) -> None:
    page = page_of(ada, LIST)

    assert "Send &lt;b&gt;?" in page
    assert f'href="{at(question)}"' in page
    assert "Awaited" in page
    assert "Waiting for your answer" in page


def test_list_without_a_question_says_so(ada: Client) -> None:
    page = page_of(ada, LIST)

    assert "No question waits for you." in page
    assert "Waiting for your answer" not in page


def test_list_is_bounded_in_queries(
    ada: Client, question: Approval, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        ada.get(LIST)


def test_list_goes_on_after_a_page(
    ada: Client, question: Approval, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ada.get(LIST, {"before": str(question.pk)}).context["rows"] == []
    assert ada.get(LIST, {"before": "x"}).context["rows"] == [(question, True)]


def test_operator_without_the_right_sees_neither_list_nor_entry(
    viewer_client: Client, question: Approval
) -> None:
    assert viewer_client.get(LIST, headers=HTML).status_code == 403
    assert LIST not in page_of(viewer_client, "/workflows/")


def test_page_shows_text_and_choices(ada: Client, question: Approval) -> None:
    page = page_of(ada, at(question))

    assert "Twelve rows." in page
    assert (
        '<button type="submit" class="btn btn-primary" name="choice" value="yes">'
        in (page)
    )
    assert "Keep it" in page
    assert 'name="comment"' in page
    assert "Withdraw" not in page


def test_answer_is_recorded_with_its_comment(ada: Client, question: Approval) -> None:
    answer = ada.post(at(question), {"choice": "no", "comment": "Too early"})
    work_off()

    reply = ApprovalReply.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert (reply.choice, reply.comment, reply.operator.username) == (
        "no",
        "Too early",
        "ada",
    )
    assert AuditEntry.objects.get(action="workflows.approval.answered").source == (
        Source.CONSOLE
    )
    assert question.task.workflow.tasks.filter(activity="kept").exists()


def test_unknown_choice_is_told_and_the_comment_stays(
    ada: Client, question: Approval
) -> None:
    answer = ada.post(at(question), {"choice": "perhaps", "comment": "Hm"})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Use one of yes, no." in page
    assert ">Hm</textarea>" in page
    assert not ApprovalReply.objects.exists()


def test_second_one_is_told_that_the_answer_was_given(
    ada: Client, question: Approval, sign_in: SignIn
) -> None:
    second = sign_in("bo")
    ada.post(at(question), {"choice": "yes"})

    page = second.post(at(question), {"choice": "no"}).content.decode()

    assert "ada has answered yes already; answers are final." in page
    assert 'name="choice"' not in page
    assert ApprovalReply.objects.get().choice == "yes"


def test_superuser_sees_and_withdraws_but_cannot_answer(
    admin_client: Client, question: Approval
) -> None:
    page = page_of(admin_client, at(question))
    refused = admin_client.post(at(question), {"choice": "yes"}, headers=HTML)
    asked = page_of(admin_client, f"{at(question)}withdraw/")
    done = admin_client.post(f"{at(question)}withdraw/")

    question.refresh_from_db()
    assert "Withdraw" in page
    assert 'name="choice"' not in page
    assert refused.status_code == 403
    assert "Nobody can answer it any more" in asked
    assert (done.status_code, question.closed_at is not None) == (302, True)


def test_menu_counts_no_question_of_others(
    admin_client: Client, question: Approval
) -> None:
    page = page_of(admin_client, LIST)

    assert "Send &lt;b&gt;?" in page
    assert "Waiting for your answer" not in page


def test_assignee_cannot_withdraw(ada: Client, question: Approval) -> None:
    answer = ada.post(f"{at(question)}withdraw/", headers=HTML)

    question.refresh_from_db()
    assert answer.status_code == 403
    assert question.closed_at is None


def test_question_of_others_is_not_found(
    supervisor_client: Client, question: Approval
) -> None:
    assert supervisor_client.get(at(question), headers=HTML).status_code == 404


def test_link_in_the_mail_leads_to_the_question(
    ada: Client, question: Approval
) -> None:
    address = link_in_mail()

    page = page_of(ada, address)

    assert address.startswith(f"{at(question)}?key=")
    assert "Twelve rows." in page


def test_link_asks_to_sign_in_first(client: Client, question: Approval) -> None:
    answer = client.get(link_in_mail(), headers=HTML)

    assert answer.status_code == 302
    assert "next=/workflows/approvals/" in answer["Location"]


def test_link_is_good_for_whom_it_was_sent_to(
    question: Approval, sign_in: SignIn
) -> None:
    assert sign_in("bo").get(link_in_mail(), headers=HTML).status_code == 403


def test_link_of_another_question_is_not_found(ada: Client, question: Approval) -> None:
    address = link_in_mail().replace(at(question), f"{LIST}{question.pk + 1}/")

    assert ada.get(address, headers=HTML).status_code == 404


def test_link_of_a_closed_question_says_that_nothing_is_needed(
    ada: Client, question: Approval
) -> None:
    command("stop")

    page = page_of(ada, link_in_mail())

    assert "No answer is needed any more: the question is closed." in page
    assert 'name="choice"' not in page
