"""Scenarios 17 and 19: AND-join and approval as the engine executes them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db import connection

from campaign.access.models import Operator
from tests.workflows.drawn import command, draw, lines, passed
from tests.workflows.samples import START, tick, work_off
from workflows.actions import approval as approvals
from workflows.exceptions import PermissionRefused
from workflows.models import (
    Approval,
    ApprovalReply,
    Level,
    Source,
    State,
    TaskStatus,
    Workflow,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MOMENT = timedelta(seconds=30)
DAILY = ("scheduler", {"schedule": {"kind": "daily", "time": "04:00"}})


def waiting(duration: str, side: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a wait that says on which side it stood."""
    init = [{"name": "vars.side", "expression": f"'{side}'"}]
    return ("wait", {"duration": duration}, {"init": init})


def joined(primary: str) -> Workflow:
    """Return a started workflow: two ways of unequal length that join."""
    workflow = draw(
        {
            "plan": DAILY,
            "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
            "slow": waiting("10m", "slow"),
            "quick": waiting("1m", "quick"),
            "join": ("and_join", {"primary": primary}),
            "end": "end",
        },
        "plan.ok>fork fork.a>slow fork.b>quick slow.ok>join quick.ok>join join.ok>end",
        overlap_policy="parallel",
    )
    return command("start", name=workflow.internal_name)


def go_to(at: Any) -> None:
    """Let clock and workers do what is due until then."""
    tick(at + MOMENT)
    work_off(at + MOMENT)


def fire(at: Any) -> None:
    """Begin a run now."""
    command("wake", at=at, parameters={"activity": "plan"})
    work_off(at)


def test_scenario_17_join_of_two_overlapping_runs_never_mixes() -> None:
    workflow = joined("quick")
    fire(START)
    fire(START + 5 * MINUTE)

    go_to(START + 6 * MINUTE)
    # Both runs have come the quick way; neither has come the slow one.
    assert not workflow.tasks.filter(activity="join").exists()

    go_to(START + 10 * MINUTE)
    first = workflow.tasks.get(activity="join")
    assert first.variables["firedAt"] == START.isoformat()

    go_to(START + 15 * MINUTE)
    second = workflow.tasks.filter(activity="join").latest("id")
    assert second.run_id != first.run_id
    assert second.variables["firedAt"] == (START + 5 * MINUTE).isoformat()
    assert workflow.tasks.filter(activity="end", status="completed").count() == 2


@pytest.mark.parametrize("primary", ["quick", "slow"])
def test_scenario_17_primary_set_wins_and_the_conflict_is_logged(primary: str) -> None:
    workflow = joined(primary)
    fire(START)
    go_to(START + MINUTE)
    go_to(START + 10 * MINUTE)

    assert workflow.tasks.get(activity="join").variables["side"] == primary
    warning = workflow.journal.get(level=Level.WARNING, activity="join")
    assert warning.parameters["name"] == "side"
    assert {warning.parameters["dropped"], warning.parameters["kept"]} == {
        "quick",
        "slow",
    }


def test_scenario_17_join_that_can_never_fire_is_told() -> None:
    never = {"branches": [{"name": "go", "condition": "vars.unknown"}]}
    workflow = draw(
        {
            "start": "start",
            "fork": ("fork", {"branches": [{"name": "a"}, {"name": "b"}]}),
            "choose": ("test", never),
            "join": "and_join",
            "end": "end",
        },
        "start.ok>fork fork.a>choose fork.b>join choose.go>join join.ok>end",
    )

    command("start")
    work_off()

    assert any("can never fire" in line for line in lines(workflow))
    assert "end" not in passed(workflow)


# Approval


@pytest.fixture
def group() -> Group:
    """The group that is asked."""
    group = Group.objects.create(name="Deciders")
    group.permissions.add(
        Permission.objects.get(content_type__app_label="workflows", codename="answer")
    )
    return group


@pytest.fixture
def ada(group: Group) -> Operator:
    """An operator who may answer."""
    operator = Operator.objects.create_user(username="ada", email="ada@example.com")
    operator.groups.add(group)
    return operator


@pytest.fixture
def bo(group: Group) -> Operator:
    """Another operator who may answer."""
    operator = Operator.objects.create_user(username="bo", email="bo@example.com")
    operator.groups.add(group)
    return operator


def ask(**more: Any) -> Workflow:
    """Return a workflow that asks and goes on with yes, no, remind or expired."""
    question = {
        "group": "Deciders",
        "title": "Send {{ vars.total|default(0) }} messages?",
        "message": "It is {{ workflow }}.",
        "choices": [{"name": "yes", "label": "Yes"}, {"name": "no", "label": "No"}],
        "expirations": [
            {"name": "expired", "delay": "2d"},
            {"name": "remind", "delay": "1d", "keep_open": True},
        ],
        **more,
    }
    workflow = draw(
        {
            "start": "start",
            "ask": ("approval", question),
            "said_yes": "end",
            "said_no": "end",
            "reminded": "end",
            "too_late": "end",
        },
        "start.ok>ask ask.yes>said_yes ask.no>said_no ask.remind>reminded"
        " ask.expired>too_late",
    )
    command("start")
    work_off()
    workflow.refresh_from_db()
    return workflow


def answer(
    operator: Operator, choice: str, *, at: Any = START, comment: str = ""
) -> None:
    """Answer the one question, and let the worker go on."""
    approvals.reply(
        approval_id=Approval.objects.get().pk,
        choice=choice,
        comment=comment,
        acting_operator=operator,
        source=Source.CONSOLE,
        at=at,
    )
    work_off(at)


def test_scenario_19_first_answer_wins(ada: Operator, bo: Operator) -> None:
    workflow = ask()

    answer(ada, "yes", comment="Go")
    with pytest.raises(approvals.AlreadyAnswered, match="ada"):
        answer(bo, "no")

    workflow.refresh_from_db()
    assert passed(workflow)[-2:] == ["ask", "said_yes"]
    assert workflow.state == State.FINISHED
    ended = workflow.tasks.get(activity="said_yes")
    assert ended.variables["response"] == "Go"
    assert ended.variables["responseOperator"] == str(ada.pk)


@pytest.mark.django_db(transaction=True)
def test_scenario_19_of_two_answers_at_the_same_moment_one_wins(
    ada: Operator, bo: Operator
) -> None:
    workflow = ask()
    number = Approval.objects.get().pk
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def say(operator: Operator, choice: str) -> None:
        together.wait()
        try:
            approvals.reply(
                approval_id=number,
                choice=choice,
                acting_operator=operator,
                source=Source.API,
                at=START,
            )
            outcomes.append(choice)
        except approvals.AlreadyAnswered:
            outcomes.append("refused")
        finally:
            connection.close()

    speakers = [
        threading.Thread(target=say, args=(ada, "yes")),
        threading.Thread(target=say, args=(bo, "no")),
    ]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
    work_off()

    winner = ApprovalReply.objects.get().choice
    assert sorted(outcomes) == sorted(["refused", winner])
    assert passed(workflow)[-1] == f"said_{winner}"


def test_scenario_19_second_answer_before_the_task_looked_is_refused(
    ada: Operator, bo: Operator
) -> None:
    ask()
    number = Approval.objects.get().pk
    given = {"approval_id": number, "source": Source.API, "at": START}
    approvals.reply(choice="yes", acting_operator=ada, **given)

    with pytest.raises(approvals.AlreadyAnswered):
        approvals.reply(choice="no", acting_operator=bo, **given)


def test_scenario_19_expiration_that_keeps_open_reminds_and_goes_on_waiting(
    ada: Operator,
) -> None:
    workflow = ask()

    go_to(START + DAY)
    assert "reminded" in passed(workflow)
    assert workflow.tasks.get(activity="ask").status == TaskStatus.ACTIVE

    answer(ada, "no", at=START + DAY + MINUTE)
    workflow.refresh_from_db()
    assert passed(workflow)[-2:] == ["ask", "said_no"]
    assert workflow.state == State.FINISHED


def test_scenario_19_expiration_that_terminates_closes_the_question(
    ada: Operator,
) -> None:
    workflow = ask()

    go_to(START + DAY)
    go_to(START + 2 * DAY)

    workflow.refresh_from_db()
    assert passed(workflow)[-2:] == ["ask", "too_late"]
    assert workflow.state == State.FINISHED
    with pytest.raises(approvals.ApprovalClosed):
        answer(ada, "yes", at=START + 2 * DAY + MINUTE)


def test_scenario_19_expirations_that_passed_together_come_in_their_order(
    ada: Operator,
) -> None:
    workflow = ask()

    go_to(START + 3 * DAY)

    assert passed(workflow).index("reminded") < passed(workflow).index("too_late")


def test_scenario_19_administrator_who_is_not_asked_cannot_answer(
    ada: Operator, administrator: Operator
) -> None:
    workflow = ask()

    with pytest.raises(approvals.NotAssigned):
        answer(administrator, "yes")

    assert list(approvals.visible_to(administrator)) == [Approval.objects.get()]
    assert workflow.tasks.get(activity="ask").status == TaskStatus.ACTIVE


def test_scenario_19_assignee_without_the_right_cannot_answer(
    group: Group, ada: Operator
) -> None:
    ask()
    group.permissions.clear()

    with pytest.raises(PermissionRefused, match=r"workflows\.answer"):
        answer(Operator.objects.get(username="ada"), "yes")


def test_several_answers_each_take_their_way_until_all_have_answered(
    ada: Operator, bo: Operator
) -> None:
    workflow = ask(multiple=True)

    answer(ada, "yes")
    assert passed(workflow)[-1] == "said_yes"
    assert workflow.tasks.get(activity="ask").status == TaskStatus.ACTIVE
    with pytest.raises(approvals.AlreadyAnswered):
        answer(ada, "no")

    answer(bo, "no", at=START + MINUTE)
    workflow.refresh_from_db()
    assert passed(workflow)[-2:] == ["ask", "said_no"]
    assert workflow.state == State.FINISHED


def test_several_answers_at_once_all_take_their_way(
    ada: Operator, bo: Operator
) -> None:
    workflow = ask(multiple=True)
    number = Approval.objects.get().pk
    given = {"approval_id": number, "source": Source.API, "at": START}
    approvals.reply(choice="yes", acting_operator=ada, **given)
    approvals.reply(choice="no", acting_operator=bo, **given)

    work_off(START + MOMENT)

    workflow.refresh_from_db()
    assert {"said_yes", "said_no"} <= set(passed(workflow))
    assert workflow.state == State.FINISHED


def test_assignees_are_asked_by_mail_with_a_link_of_their_own(
    ada: Operator, bo: Operator, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://campaign.example.com/"
    ask()

    assert [message.to for message in mail.outbox] == [
        ["ada@example.com"],
        ["bo@example.com"],
    ]
    first = mail.outbox[0]
    assert first.subject == "Send 0 messages?"
    link = next(word for word in first.body.split() if word.startswith("https://"))
    assert link.startswith("https://campaign.example.com/workflows/approvals/")
    token = link.split("key=")[1]
    assert approvals.find_by_link(token, acting_operator=ada).title == first.subject
    with pytest.raises(approvals.NotAssigned):
        approvals.find_by_link(token, acting_operator=bo)


def test_link_ends_with_the_question(ada: Operator, settings: Any) -> None:
    settings.PUBLIC_URL = "https://campaign.example.com"
    ask()
    token = mail.outbox[0].body.split("key=")[1].split()[0]
    answer(ada, "yes")

    with pytest.raises(approvals.ApprovalClosed):
        approvals.find_by_link(token, acting_operator=ada)


def test_question_nobody_can_be_mailed_is_a_warning(ada: Operator) -> None:
    Operator.objects.update(email="")
    workflow = ask()

    assert "No assignee has an e-mail address; nobody was told." in lines(workflow)
    assert workflow.tasks.get(activity="ask").status == TaskStatus.ACTIVE


def test_only_the_operator_chosen_may_answer(ada: Operator, bo: Operator) -> None:
    ask(group="", operator="ada")

    with pytest.raises(approvals.NotAssigned):
        answer(bo, "yes")
    answer(ada, "yes")

    assert Approval.objects.get().replies.get().operator == ada
