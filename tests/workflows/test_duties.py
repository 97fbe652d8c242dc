"""What the clock orders now and then can be executed by a worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils.module_loading import import_string

from tests.workflows.history import make_workflow
from tests.workflows.samples import START
from workflows import conf
from workflows.actions import care
from workflows.engine import freshness
from workflows.models import State, Workflow
from workflows.registry import QUEUES


@pytest.mark.parametrize("duty", conf.periodic(), ids=lambda duty: duty.name)
def test_duty_names_a_function_and_a_queue(duty: conf.Periodic) -> None:
    assert callable(import_string(duty.function))
    assert duty.queue in QUEUES
    assert duty.every_seconds > 0


@pytest.mark.parametrize("name", [care.NAME, freshness.NAME])
def test_care_and_freshness_are_looked_after_twice_a_minute(name: str) -> None:
    periods = {duty.name: duty.every_seconds for duty in conf.periodic()}

    assert periods[name] == 30


@pytest.mark.django_db
def test_one_look_ends_pauses_and_plans_restarts() -> None:
    paused = make_workflow("paused", state=State.PAUSED, paused_at=START)
    failed = make_workflow(
        "failed", state=State.PAUSED, paused_at=START, failed=True, auto_restart=True
    )
    Workflow.objects.filter(pk=paused.pk).update(remind_at=START)

    with time_machine.travel(START + timedelta(seconds=1), tick=False):
        care.look()

    paused.refresh_from_db()
    failed.refresh_from_db()
    assert paused.remind_at is None
    assert failed.restart_at == START + timedelta(seconds=30)
