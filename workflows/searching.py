"""Searching a long history: so many rows at a time, however rare the match.

Lists are read along the index of their workflow, newest first. A filter that matches
hardly anything would read that index to its end; instead a page looks at the next
``STEP`` rows, shows what matches, and leaves the rest to the page after it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

STEP = 50_000


def end_of_step(among: QuerySet[Any], before: int | None) -> int | None:
    """Return the key of the last row that a page beginning below ``before`` reads.

    None when fewer than ``STEP`` rows are left. ``among`` are the rows without the
    filter; only their index is read. One query.
    """
    if before is not None:
        among = among.filter(pk__lt=before)
    keys = among.order_by("-pk").values_list("pk", flat=True)[STEP - 1 : STEP]
    return next(iter(keys), None)
