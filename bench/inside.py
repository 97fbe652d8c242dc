"""What a measure does inside the application: ``python -m bench.inside NAME``.

Arguments come as JSON on standard input, the result goes to standard output.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 (needs the applications)
from django.utils import timezone  # noqa: E402
from django_q.models import Schedule as QueueSchedule  # noqa: E402

from bench import message  # noqa: E402
from campaign.deliveries.models import BroadLog  # noqa: E402
from campaign.messagecenter.models import RtEvent  # noqa: E402
from campaign.messagecenter.services import event_types, templates  # noqa: E402
from campaign.messagecenter.services.event_keys import RT  # noqa: E402
from campaign.messagecenter.services.options import LAST_UPDATE  # noqa: E402
from campaign.messagecenter.services.status_copy import (  # noqa: E402
    drain,
    sweep,
)
from campaign.platform.services.options import write_pointer  # noqa: E402
from workflows import queue  # noqa: E402
from workflows.actions import issue_command  # noqa: E402
from workflows.models import (  # noqa: E402
    CommandName,
    Source,
    StructureVersion,
    Workflow,
)

#: A handler of the product that finds nothing to do, in the queue ``workflows``.
HANDLER = "batchEventsProcessing.route_events"
WORK = "work"
_PLAIN = "bench.sample.technical_workflows.count_one"
#: Orders of the engine itself, such as canaries, come and go meanwhile.
_AT_WORK = 2
_COPY_BASE = 10_000_000
# What a person would write who knows that these messages were all sent.
_BEST = (
    "UPDATE messagecenter_rtevent e SET status = 2, last_error = '',"
    " failure_type = l.failure_type, failure_reason = l.failure_reason,"
    " last_modified = clock_timestamp(), sent_at = l.event_at"
    " FROM deliveries_broadlog l"
    " WHERE e.status = 1 AND l.id = e.broadlog_id AND l.status = 1"
)


def install_message() -> None:
    """Publish the event type and the template of the measurements."""
    author: Mapping[str, Any] = {
        "acting_operator": None,
        "source": Source.ENGINE,
        "at": timezone.now(),
    }
    event_types.create_event_type(
        event_id=message.EVENT_TYPE,
        values={
            "label": "Order shipped",
            "attributes": [
                {"name": name, "type": "string", "mandatory": True}
                for name in message.ATTRIBUTES
            ],
        },
        **author,
    )
    event_types.publish_event_type(event_id=message.EVENT_TYPE, **author)
    templates.create_template(
        internal_name=message.TEMPLATE,
        event_id=message.EVENT_TYPE,
        values={
            "label": "Order shipped",
            "subject": message.SUBJECT,
            "sender_name": "Example Shop",
            "html": message.HTML,
            "text": message.TEXT,
            "sample": {"email": "a@example.com", "ctx": message.context(1)},
        },
        **author,
    )
    templates.publish_template(internal_name=message.TEMPLATE, **author)


def start_workflows(prefix: str, instants: list[str], handler: str = HANDLER) -> None:
    """Start one workflow per instant: scheduler, script, end; planned daily."""
    for index, text in enumerate(instants):
        _start(f"{prefix}{index:03d}", _graph(datetime.fromisoformat(text), handler))


def start_periodic(prefix: str, count: int, period: int) -> None:
    """Start workflows of three scripts, due every ``period`` seconds by turns."""
    script = ("script", {"handler": "benchWork.count_rows"})
    for index in range(count):
        schedule = {
            "kind": "several_times_a_day",
            "every": f"PT{period}S",
            "from": f"00:00:{index % period:02d}",
            "tz": "UTC",
        }
        graph = _chain(
            {
                "scheduler": ("scheduler", {"schedule": schedule}),
                **dict.fromkeys(("first", "second", "third"), script),
                "end": ("end", {}),
            }
        )
        _start(f"{prefix}{index:03d}", graph)


def stop_workflows(prefix: str) -> None:
    """Stop the started workflows of that name."""
    for name in Workflow.objects.filter(
        internal_name__startswith=prefix, state="started"
    ).values_list("internal_name", flat=True):
        _order(name, CommandName.STOP)


def _start(internal_name: str, graph: dict[str, Any]) -> None:
    workflow = Workflow.objects.create(internal_name=internal_name)
    workflow.structure = StructureVersion.objects.create(
        workflow=workflow, number=1, graph=graph
    )
    workflow.save()
    _order(internal_name, CommandName.START)


def _order(internal_name: str, name: CommandName) -> None:
    issue_command(
        internal_name=internal_name,
        name=name,
        acting_operator=None,
        source=Source.ENGINE,
        at=timezone.now(),
    )


def queue_calls(count: int) -> float:
    """Have django-q2 call the handler's function; return calls per second."""
    started = time.perf_counter()
    for first in range(0, count, 100):
        with transaction.atomic():
            for _ in range(first, min(first + 100, count)):
                queue.enqueue(_PLAIN, queue="workflows")
    while queue.depth("workflows") > _AT_WORK:
        time.sleep(0.05)
    return count / (time.perf_counter() - started)


def _graph(instant: datetime, handler: str) -> dict[str, Any]:
    schedule = {"kind": "daily", "time": f"{instant:%H:%M:%S}", "tz": "UTC"}
    return _chain(
        {
            "scheduler": ("scheduler", {"schedule": schedule}),
            WORK: ("script", {"handler": handler}),
            "end": ("end", {}),
        }
    )


def _chain(types: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the structure of activities that follow each other."""
    return {
        "activities": [
            {"name": name, "type": kind, "label": name, "parameters": parameters}
            for name, (kind, parameters) in types.items()
        ],
        "transitions": [
            {"source": source, "output": "ok", "destination": destination}
            for source, destination in pairwise(types)
        ],
    }


def start_queue_schedules(instants: list[str]) -> None:
    """Give django-q2's own scheduler a call of nothing at each instant."""
    for index, text in enumerate(instants):
        QueueSchedule.objects.create(
            name=f"bench {index}",
            func="os.getpid",
            schedule_type=QueueSchedule.ONCE,
            next_run=datetime.fromisoformat(text),
            cluster="workflows",
        )


class _Run:
    """What a status copy needs of a run: time without end."""

    seconds_left = 3600.0

    def checkpoint(self) -> None:
        """Go on."""


def copy_statuses(count: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each round: the workflow's work, and the best statement.

    One event with its log must be there; both are multiplied.
    """
    _multiply(count)
    seconds: dict[str, list[float]] = {"sweep": [], "run": [], "best": []}
    for _ in range(rounds):
        for name, function in (("sweep", _sweep), ("run", _drain), ("best", _best)):
            _reopen()
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
            open_events = RtEvent.objects.filter(status=1).count()
            if open_events:
                raise AssertionError(f"{name} left {open_events} events open")
    return seconds


def _sweep() -> None:
    after, is_last = 0, False
    while not is_last:
        done, after = sweep(kind=RT, after=after)
        is_last = done.is_last


def _drain() -> None:
    drain(_Run())  # type: ignore[arg-type]


def _best() -> None:
    _execute(_BEST)


def _multiply(count: int) -> None:
    _copy_rows(
        BroadLog,
        count,
        {"id": "g", "target_id": "g", "address": "'copy-' || g || '@example.com'"},
    )
    _copy_rows(RtEvent, count, {"id": "g", "broadlog_id": "g"})


def _copy_rows(model: Any, count: int, changed: dict[str, str]) -> None:
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields]
    values = ", ".join(changed.get(column, f"t.{column}") for column in columns)
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"  # noqa: S608
        f" FROM (SELECT * FROM {table} ORDER BY id LIMIT 1) t,"
        f" generate_series({_COPY_BASE + 1}, {_COPY_BASE + count}) g"
    )
    _execute(statement)


def _reopen() -> None:
    """Make every event open again, and the tables as good as new."""
    _execute("UPDATE messagecenter_rtevent SET status = 1, sent_at = NULL")
    _execute(
        "UPDATE deliveries_broadlog SET last_modified = %s",
        timezone.now() - timedelta(minutes=1),
    )
    with transaction.atomic():
        write_pointer(
            LAST_UPDATE, {"at": datetime(1970, 1, 1, tzinfo=UTC).isoformat(), "id": 0}
        )
    for table in ("messagecenter_rtevent", "deliveries_broadlog"):
        _execute(f"VACUUM ANALYZE {table}")
    _execute("CHECKPOINT")


def _execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


FUNCTIONS = {
    function.__name__: function
    for function in (
        install_message,
        start_workflows,
        start_periodic,
        stop_workflows,
        queue_calls,
        start_queue_schedules,
        copy_statuses,
    )
}

if __name__ == "__main__":
    answer = FUNCTIONS[sys.argv[1]](**json.load(sys.stdin))
    sys.stdout.write(json.dumps(answer))
