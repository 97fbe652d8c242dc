"""One handler: a statement, and a result that is worth a run of its own."""

from __future__ import annotations

from django.db import connection

from bench.sample.apps import NAME
from workflows.registry import Done, RunContext, activity, technical_workflow


def count_one() -> int:
    """Ask the database for a row; what every handler does at least."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_content_type LIMIT 1")
        return len(cursor.fetchall())


@technical_workflow(internal_name=NAME)
class BenchWork:
    """Read one row at every run. Idempotent: it changes nothing."""

    @activity(after="scheduler", has_effect=False)
    def count_rows(self, run: RunContext) -> Done:
        """Read one row."""
        count = count_one()
        return Done(count=count, read=count)
