"""How long the runs of a workflow usually take: the middle and the spread of thirty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

RUNS = 30
# So many newer runs are looked through for the thirty that count.
_LOOKED_THROUGH = 300
# Makes the median deviation comparable with a standard deviation.
_MAD_SCALE = 1.4826
LEAST_RUNS = 10
SPREADS = 3.0
LEAST_RATIO = 2.0
LEAST_SECONDS = 5.0

# One index range per workflow. Idle runs, which do nothing, and simulations say
# nothing about the others. The range of one keeps the planner from walking the runs
# of all workflows backwards until it has met enough of this one.
_TYPICAL = """
WITH last AS (
    SELECT w.id AS workflow_id,
        extract(epoch FROM r.ended_at - r.started_at)::float8 AS seconds
    FROM unnest(%(workflows)s::bigint[]) AS w(id) CROSS JOIN LATERAL (
        SELECT newest.started_at, newest.ended_at FROM (
            SELECT * FROM workflows_run WHERE workflow_id BETWEEN w.id AND w.id
            ORDER BY workflow_id, id DESC LIMIT %(through)s
        ) AS newest
        WHERE newest.status IN ('finished', 'finished_with_errors')
            AND (%(with_idle)s OR NOT newest.is_idle) AND NOT newest.is_simulation
            AND newest.parent_task_id IS NULL
            AND newest.started_at IS NOT NULL AND newest.ended_at IS NOT NULL
        ORDER BY newest.id DESC LIMIT %(runs)s
    ) AS r
), middle AS (
    SELECT workflow_id, count(*) AS runs,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median
    FROM last GROUP BY workflow_id
)
SELECT m.workflow_id, m.runs, m.median,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(l.seconds - m.median))
FROM middle m JOIN last l ON l.workflow_id = m.workflow_id
GROUP BY m.workflow_id, m.runs, m.median
"""


@dataclass(frozen=True, slots=True)
class Typical:
    """The usual duration in seconds, how far runs lie apart, and of how many runs."""

    median: float
    spread: float
    count: int

    @property
    def limit(self) -> float | None:
        """Return the seconds from which a run is unusual; None with too few runs."""
        if self.count < LEAST_RUNS:
            return None
        return max(
            self.median + SPREADS * self.spread,
            LEAST_RATIO * self.median,
            LEAST_SECONDS,
        )


def typical_duration(
    workflow_ids: Iterable[int], *, with_idle: bool = False
) -> dict[int, Typical]:
    """Return what is usual for each workflow that had a run. One query.

    Reads the last 30 finished runs that did something, on the index of the workflow's
    runs, however long the history is. ``with_idle`` counts those that did nothing too:
    they say nothing about work, but they are part of the load.
    """
    keys = list(workflow_ids)
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _TYPICAL,
            {
                "workflows": keys,
                "through": _LOOKED_THROUGH,
                "runs": RUNS,
                "with_idle": with_idle,
            },
        )
        return {
            key: Typical(median, deviation * _MAD_SCALE, count)
            for key, count, median, deviation in cursor.fetchall()
        }
