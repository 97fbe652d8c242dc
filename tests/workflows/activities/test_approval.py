"""Approval by itself: its parameters, its expirations, and the acts on a question."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail

from campaign.access.models import Operator
from tests.workflows.drawn import command, draw, lines, passed, redraw
from tests.workflows.samples import START, work_off
from workflows.actions import approval as approvals
from workflows.activities import find_type
from workflows.activities.expirations import expirations_of
from workflows.exceptions import (
    ConfigurationError,
    InvalidInput,
    NotFound,
    PermissionRefused,
)
from workflows.models import (
    Approval,
    ApprovalReply,
    AuditEntry,
    Source,
    State,
    Substate,
    TaskStatus,
)

APPROVAL = find_type("approval")
YES = {"name": "yes", "label": "Yes"}
NO = {"name": "no", "label": "No"}
SOUND: dict[str, Any] = {"group": "Deciders", "title": "Send?", "choices": [YES]}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "{{ 1"}, "title"),
        ({"choices": []}, "choices"),
        ({"choices": [{"name": "yes"}]}, "choices.0.label"),
        ({"choices": [YES, YES]}, "choices.1.name"),
        ({"choices": [{"name": "error", "label": "x"}]}, "choices.0.name"),
        ({"group": ""}, "group"),
        ({"operator": "ada"}, "group"),
        ({"expirations": [{"name": "yes", "delay": "1d"}]}, "expirations.0.name"),
        ({"expirations": [{"name": "late"}]}, "expirations.0.delay"),
        (
            {"expirations": [{"name": "late", "kind": "after_date", "delay": "1d"}]},
            "expirations.0.date",
        ),
        (
            {"expirations": [{"name": "late", "kind": "computed"}]},
            "expirations.0.date",
        ),
        (
            {"expirations": [{"name": "late", "kind": "computed", "date": "1 +"}]},
            "expirations.0.date",
        ),
    ],
)
def test_fault_names_its_field(more: dict[str, Any], field: str) -> None:
    assert field in [fault.field for fault in APPROVAL.faults({**SOUND, **more})]


def test_single_choice_is_sound() -> None:
    assert APPROVAL.faults(SOUND) == []


def test_choices_and_expirations_are_its_outputs() -> None:
    given = {**SOUND, "expirations": [{"name": "late", "delay": "1d"}]}

    assert APPROVAL.outputs(given) == ("yes", "late")


@pytest.mark.parametrize(
    ("item", "instant"),
    [
        ({"delay": "P1D"}, "2026-01-06T10:00:30Z"),
        ({"kind": "after_date", "date": "vars.day", "delay": "PT1H"}, "2026-03-01T01Z"),
        ({"kind": "before_date", "date": "vars.day", "delay": "P1D"}, "2026-02-28T00Z"),
        ({"kind": "before_date", "date": "vars.day", "delay": "P1M"}, "2026-02-01T00Z"),
        ({"kind": "computed", "date": "vars.moment"}, "2026-02-01T07:00Z"),
    ],
)
def test_expiration_is_reckoned(
    make_context, settings: Any, item: dict[str, Any], instant: str
) -> None:
    settings.TIME_ZONE = "UTC"
    context = make_context(
        vars={"day": "2026-03-01", "moment": "2026-02-01T08:00:00+01:00"}
    )

    found = expirations_of(context, [{"name": "late", **item}], START)

    assert found[0].at == datetime.fromisoformat(instant)


def test_expirations_come_in_the_order_of_time(make_context) -> None:
    items = [{"name": "b", "delay": "P2D"}, {"name": "a", "delay": "P1D"}]

    assert [e.name for e in expirations_of(make_context(), items, START)] == ["a", "b"]


def test_expiration_is_reckoned_once(make_context) -> None:
    context = make_context(vars={"day": "2026-03-01"})
    item = {"name": "late", "kind": "computed", "date": "vars.day"}
    first = expirations_of(context, [item], START)
    context.variables["vars"]["day"] = "2027-01-01"

    assert expirations_of(context, [item], START) == first


def test_expiration_that_is_no_date_is_named(make_context) -> None:
    item = {"name": "late", "kind": "computed", "date": "'soon'"}

    with pytest.raises(ConfigurationError, match="late gives soon"):
        expirations_of(make_context(), [item], START)


# Acts on a question


@pytest.fixture
def ada(db: None) -> Operator:
    """The only member of the group that is asked."""
    group = Group.objects.create(name="Deciders")
    group.permissions.add(
        Permission.objects.get(content_type__app_label="workflows", codename="answer")
    )
    operator = Operator.objects.create_user(username="ada", email="ada@example.com")
    operator.groups.add(group)
    return operator


WAYS = "start.ok>ask ask.yes>said_yes"


def drawing(*choices: dict[str, str]) -> dict[str, Any]:
    return {
        "start": "start",
        "ask": ("approval", {**SOUND, "choices": list(choices)}),
        **{f"said_{choice['name']}": "end" for choice in choices},
    }


@pytest.fixture
def question(ada: Operator) -> Approval:
    """A question that waits for an answer."""
    draw(drawing(YES), WAYS)
    command("start")
    work_off()
    return Approval.objects.select_related("task__workflow").get()


def answer(question: Approval, operator: Any, choice: str = "yes", **more: Any):
    return approvals.reply(
        approval_id=question.pk,
        choice=choice,
        acting_operator=operator,
        source=Source.API,
        at=START,
        **more,
    )


def test_answer_is_audited_and_told(question: Approval, ada: Operator) -> None:
    answer(question, ada, comment="Go on")

    entry = AuditEntry.objects.get(action="workflows.approval.answered")
    assert entry.operator == ada
    assert entry.changes == {"choice": ["", "yes"]}
    assert "ada answered “Send?” with yes. Go on" in lines(question.task.workflow)


def test_answer_is_kept_while_the_workflow_is_paused(
    question: Approval, ada: Operator
) -> None:
    command("pause")
    answer(question, ada)
    work_off()
    assert "ask" not in passed(question.task.workflow)

    command("resume")
    work_off()

    assert passed(question.task.workflow)[-2:] == ["ask", "said_yes"]


def test_unknown_choice_names_the_known_ones(question: Approval, ada: Operator) -> None:
    with pytest.raises(InvalidInput) as refused:
        answer(question, ada, "perhaps")

    assert refused.value.faults[0].field == "choice"
    assert "yes" in refused.value.faults[0].message


def test_changed_list_of_choices_counts_at_once(
    question: Approval, ada: Operator
) -> None:
    redraw(drawing(YES, NO), f"{WAYS} ask.no>said_no")

    again = Approval.objects.select_related("task__workflow__structure").get()
    assert [choice["name"] for choice in approvals.choices_of(again)] == ["yes", "no"]
    assert answer(question, ada, "no").choice == "no"


def test_changed_title_does_not_concern_an_open_question(
    question: Approval, ada: Operator
) -> None:
    drawn = drawing(YES)
    drawn["ask"] = ("approval", {**SOUND, "title": "Other?"})
    redraw(drawn, WAYS)

    assert Approval.objects.get().title == "Send?"


def test_comment_is_bounded(question: Approval, ada: Operator) -> None:
    with pytest.raises(InvalidInput):
        answer(question, ada, comment="x" * 5_000)


def test_program_without_an_operator_cannot_answer(question: Approval) -> None:
    with pytest.raises(approvals.NotAssigned):
        answer(question, None)


def test_question_that_does_not_exist_is_not_found(ada: Operator) -> None:
    with pytest.raises(NotFound):
        approvals.reply(
            approval_id=404,
            choice="yes",
            acting_operator=ada,
            source=Source.API,
            at=START,
        )


def test_question_of_a_stopped_workflow_is_closed(
    question: Approval, ada: Operator
) -> None:
    command("stop")

    with pytest.raises(approvals.ApprovalClosed):
        answer(question, ada)
    assert not approvals.visible_to(ada).exists()


def test_answer_while_the_task_looks_has_to_come_again(
    question: Approval, ada: Operator
) -> None:
    type(question.task).objects.filter(pk=question.task_id).update(
        substate=Substate.RUNNING
    )

    with pytest.raises(approvals.ApprovalBusy):
        answer(question, ada)

    assert not ApprovalReply.objects.exists()
    assert not AuditEntry.objects.filter(action="workflows.approval.answered").exists()


def test_open_questions_are_seen_by_those_who_are_asked(
    question: Approval, ada: Operator, outsider: Operator
) -> None:
    assert list(approvals.visible_to(ada)) == [question]
    assert list(approvals.visible_to(outsider)) == []


def test_superuser_withdraws_a_question_and_its_branch_ends(
    question: Approval, administrator: Operator
) -> None:
    approvals.withdraw(
        approval_id=question.pk,
        acting_operator=administrator,
        source=Source.CONSOLE,
        at=START,
    )
    work_off()

    workflow = question.task.workflow
    workflow.refresh_from_db()
    assert workflow.state == State.FINISHED
    assert workflow.tasks.get(activity="ask").status == TaskStatus.COMPLETED
    assert "said_yes" not in passed(workflow)
    assert AuditEntry.objects.filter(action="workflows.approval.withdrawn").exists()


def test_others_cannot_withdraw_a_question(question: Approval, ada: Operator) -> None:
    with pytest.raises(PermissionRefused):
        approvals.withdraw(
            approval_id=question.pk, acting_operator=ada, source=Source.API, at=START
        )


def test_link_that_was_changed_is_not_found(question: Approval, ada: Operator) -> None:
    with pytest.raises(NotFound):
        approvals.find_by_link("made:up", acting_operator=ada)


def test_relay_that_is_away_is_a_warning(ada: Operator, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    workflow = draw(drawing(YES), WAYS)

    command("start")
    work_off()

    assert workflow.tasks.get(activity="ask").substate == Substate.WAITING
    assert any("could not be sent" in line for line in lines(workflow))


def test_task_that_is_taken_over_asks_no_second_question(
    question: Approval, make_context
) -> None:
    context = make_context(
        SOUND, task_id=question.task_id, workflow_id=question.task.workflow_id
    )

    APPROVAL.execute(context)

    assert Approval.objects.count() == 1


def test_question_waits_for_its_next_expiration(ada: Operator) -> None:
    drawn = drawing(YES)
    late = {"name": "late", "delay": "P2D"}
    drawn["ask"] = ("approval", {**SOUND, "expirations": [late]})
    workflow = draw({**drawn, "too_late": "end"}, f"{WAYS} ask.late>too_late")

    command("start")
    work_off()

    task = workflow.tasks.get(activity="ask")
    assert abs(task.process_at - START - timedelta(days=2)) < timedelta(seconds=30)


def test_simulation_counts_the_assignees_and_asks_nobody(
    ada: Operator, make_context
) -> None:
    would = APPROVAL.would_do(make_context(SOUND))

    assert would.count == 1
    assert would.message % would.parameters == "“Send?” would be asked."
    assert mail.outbox == []
    assert not Approval.objects.exists()
