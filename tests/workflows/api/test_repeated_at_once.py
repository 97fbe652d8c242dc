"""The same key from two connections at the same moment: one order, one answer."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from tests.workflows.samples import nothing, sample_workflow
from workflows.models import Command

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS = 4


def test_same_key_at_once_is_one_order(supervisor) -> None:
    answers: list[tuple[int, bytes, bool]] = []
    barrier = threading.Barrier(CALLERS)

    def call() -> None:
        barrier.wait()
        try:
            answer = supervisor.post(
                "/api/v1/workflows/sample/commands",
                {"command": "pause"},
                **{"Idempotency-Key": "deploy-17"},
            )
            answers.append(
                (answer.status_code, answer.content, "Idempotent-Replayed" in answer)
            )
        finally:
            connection.close()

    with sample_workflow(nothing):
        threads = [threading.Thread(target=call) for _number in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {status for status, _body, _again in answers} == {202}
    assert len({body for _status, body, _again in answers}) == 1
    assert sorted(again for _status, _body, again in answers) == [
        False,
        True,
        True,
        True,
    ]
    assert Command.objects.filter(name="pause").count() == 1
