"""What a structure needs around it: called workflows, and workers for affinities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflows.engine import surroundings
from workflows.engine.findings import FindingLevel
from workflows.engine.graph import Graph
from workflows.models import Heartbeat, HeartbeatKind, StructureVersion, Workflow

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


def calling(*names: str, **options: Any) -> dict[str, Any]:
    return {
        "activities": [
            {"name": "go", "type": "start", **options},
            *(
                {
                    "name": f"call_{name}",
                    "type": "sub_workflow",
                    "parameters": {"workflow": name},
                }
                for name in names
            ),
        ],
        "transitions": [],
    }


def make(name: str, *calls: str) -> None:
    workflow = Workflow.objects.create(internal_name=name, is_technical=False)
    workflow.structure = StructureVersion.objects.create(
        workflow=workflow, number=1, graph=calling(*calls)
    )
    workflow.save()


def chain(length: int) -> None:
    for number in range(1, length):
        make(f"w{number}", f"w{number + 1}")
    make(f"w{length}")


def found(structure: dict[str, Any]) -> list[Any]:
    return surroundings.find_faults(Graph.of(structure), internal_name="own", at=AT)


def test_workflow_cannot_call_itself() -> None:
    assert [f.place for f in found(calling("own"))] == ["call_own.workflow"]


def test_called_workflow_has_to_exist() -> None:
    (finding,) = found(calling("nowhere"))

    assert "nowhere" in finding.message
    assert finding.level is FindingLevel.ERROR


def test_calls_that_come_back_are_told_with_their_way() -> None:
    make("other", "own")

    (finding,) = found(calling("other"))

    assert "own → other → own" in finding.message


def test_calls_that_turn_in_a_circle_further_down_are_told() -> None:
    make("one", "two")
    make("two", "one")

    (finding,) = found(calling("one"))

    assert "one → two → one" in finding.message


def test_five_levels_are_allowed() -> None:
    chain(5)

    assert found(calling("w1")) == []


def test_six_levels_are_one_too_many() -> None:
    chain(6)

    (finding,) = found(calling("w1"))

    assert "w6" in finding.message


def test_callers_are_those_of_the_present_structure() -> None:
    make("caller", "own")
    make("other")

    assert surroundings.callers_of("own") == ["caller"]


def test_affinity_to_an_unknown_queue_is_a_warning_that_names_the_known_ones() -> None:
    (finding,) = found(calling(affinity="moon"))

    assert finding.place == "go.affinity"
    assert finding.level is FindingLevel.WARNING
    assert "realtime" in finding.message


def test_affinity_to_a_queue_whose_workers_are_silent_is_a_warning() -> None:
    Heartbeat.objects.create(
        kind=HeartbeatKind.QUEUE, name="bulk", at=AT - timedelta(minutes=5)
    )

    (finding,) = found(calling(affinity="bulk"))

    assert "sign of life" in finding.message


def test_affinity_that_live_workers_serve_is_sound() -> None:
    Heartbeat.objects.create(kind=HeartbeatKind.QUEUE, name="moon", at=AT)

    assert found(calling(affinity="moon")) == []


def test_things_that_an_activity_names_have_to_exist_before_a_start() -> None:
    structure = {
        "activities": [
            {"name": "ask", "type": "approval", "parameters": {"group": "Nobody"}}
        ],
        "transitions": [],
    }

    (finding,) = found(structure)

    assert finding.place == "ask.group"
    assert finding.level is FindingLevel.INCOMPLETE
