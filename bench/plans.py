"""Pages over a long history: how long each takes, and by which plans it is read.

``python -m bench.plans``: inside an installation with sample history; JSON on
standard output. Every page is asked for in this process, through the application's
own middleware and views; each SELECT it makes is then explained.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 (needs the applications)
from django.db import connection  # noqa: E402
from django.db.models import Max, Min, Model, QuerySet  # noqa: E402
from django.test import Client  # noqa: E402

from tests.live import TOKEN  # noqa: E402
from workflows.api.paging import keyset  # noqa: E402
from workflows.management import volumes  # noqa: E402
from workflows.management.sample_history import PREFIX, TABLES  # noqa: E402
from workflows.models import (  # noqa: E402
    AuditEntry,
    Command,
    JournalEntry,
    Occurrence,
    Run,
    Task,
)
from workflows.searching import STEP  # noqa: E402

HISTORY = frozenset(
    model._meta.db_table
    for model in (
        *TABLES,
        *(model for volume in volumes.registered() for model in volume.tables),
    )
)
BUSIEST = f"{PREFIX}0000"
#: So many rows sorted, or read and thrown away, are a fault of a plan; a filter may
#: look at a step of its workflow's history, which lies among that of the others.
MANY = 5_000
MANY_FILTERED = 10 * STEP
_ROUNDS = 5
_TOO_LONG = 3_000
_PAGE = 50
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its name and address."""

    name: str
    path: str
    is_filtered: bool = False


@dataclass(slots=True)
class Seen:
    """What a page costs: milliseconds by round, its statements, and their faults."""

    name: str
    path: str
    milliseconds: list[float] = field(default_factory=list)
    queries: int = 0
    slowest_ms: float = 0.0
    slowest_sql: str = ""
    slowest_plan: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def pages() -> Iterator[Page]:
    """Yield every list over the history, at its beginning and at its end."""
    key = _keys()
    yield from _api_pages(key["workflow"], key["first"])
    yield from _console_pages(key["workflow"], key["first"])


def console_tabs() -> Iterator[Page]:
    """Yield those of the console."""
    key = _keys()
    yield from _console_pages(key["workflow"], key["first"])


def _keys() -> dict[str, int]:
    runs = Run.objects.filter(workflow__internal_name=BUSIEST)
    return runs.aggregate(first=Min("pk"), workflow=Max("workflow"))


def _api_pages(workflow: int, oldest_run: int) -> Iterator[Page]:
    base = f"/api/v1/workflows/{BUSIEST}"
    by_time = ("-scheduled_for", "-id")
    lists: tuple[tuple[str, type[Model], tuple[str, ...], tuple[str, ...]], ...] = (
        ("runs", Run, ("-id",), ("status=cancelled", "status=deferred")),
        (
            "tasks",
            Task,
            ("-id",),
            (
                "activity=work",
                "status=cancelled",
                "status=failed",
                f"run_id={oldest_run}",
            ),
        ),
        (
            "logs",
            JournalEntry,
            ("-id",),
            ("level=error", "activity=nowhere", f"run_id={oldest_run}"),
        ),
        ("commands", Command, ("-id",), ()),
        ("occurrences", Occurrence, by_time, ("outcome=cancelled", "outcome=failed")),
    )
    for name, model, order, filters in lists:
        rows = model._default_manager.filter(workflow=workflow)
        yield Page(f"API {name}", f"{base}/{name}")
        cursor = urlencode({"cursor": _last_cursor(rows, order)})
        yield Page(f"API {name}, deepest page", f"{base}/{name}?{cursor}")
        for narrowed in filters:
            label = narrowed if "run_id" not in narrowed else "run_id=…"
            yield Page(f"API {name}, {label}", f"{base}/{name}?{narrowed}", True)
    yield Page("API audit", "/api/v1/audit")
    cursor = urlencode({"cursor": _last_cursor(AuditEntry.objects.all(), ("-id",))})
    yield Page("API audit, deepest page", f"/api/v1/audit?{cursor}")
    yield Page("API audit, action=…", "/api/v1/audit?action=nothing", True)
    object_id = f"object_type=workflows.workflow&object_id={workflow}"
    yield Page("API audit, one object", f"/api/v1/audit?{object_id}")
    yield Page("API workflows", "/api/v1/workflows?limit=500")
    yield Page("API workflow", base)
    yield Page("API next", f"{base}/next")


def _last_cursor(rows: QuerySet[Any], order: tuple[str, ...]) -> str:
    """Return the cursor behind which the last page lies."""
    backwards = [name.lstrip("-") for name in order]
    oldest = list(rows.order_by(*backwards)[: _PAGE + 1].values_list("pk", flat=True))
    page = keyset(rows.filter(pk__in=oldest), limit=1, cursor=None, order=order)
    return str(page.next)


def _console_pages(workflow: int, oldest_run: int) -> Iterator[Page]:
    base = f"/workflows/{BUSIEST}/"
    yield Page("console workflows", "/workflows/")
    yield Page("console workflows, last page", "/workflows/?page=99")
    yield Page("console workflows, search", "/workflows/?q=volume_04")
    yield Page("console workflows, by next run", "/workflows/?sort=next_run")
    tabs: tuple[tuple[str, type[Model], tuple[str, ...]], ...] = (
        (
            "log",
            JournalEntry,
            (
                "level=40",
                "activity=nowhere",
                "text=nowhere+to+be+found",
                f"run={oldest_run}",
            ),
        ),
        ("tasks", Task, ("status=cancelled", "status=failed", f"run={oldest_run}")),
        ("runs", Run, ("status=cancelled", "status=deferred")),
        ("occurrences", Occurrence, ("status=cancelled", "status=failed")),
        ("commands", Command, ()),
    )
    for tab, model, filters in tabs:
        yield Page(f"console {tab}", f"{base}?tab={tab}")
        rows = model._default_manager.filter(workflow=workflow).order_by("pk")
        before = rows.values_list("pk", flat=True)[_PAGE]
        yield Page(f"console {tab}, deepest page", f"{base}?tab={tab}&before={before}")
        for narrowed in filters:
            label = narrowed if "run=" not in narrowed else "run=…"
            yield Page(f"console {tab}, {label}", f"{base}?tab={tab}&{narrowed}", True)
    yield Page("console start page", "/")


class _Recorder:
    """Keeps the statements that a page makes."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: Any,
    ) -> Any:
        self.statements.append((sql, params))
        return execute(sql, params, many, context)


def look(client: Client, page: Page) -> Seen:
    """Ask for a page several times and explain what it reads."""
    seen = Seen(page.name, page.path)
    recorder = _Recorder()
    for number in range(_ROUNDS + 1):
        recorder.statements.clear()
        started = time.perf_counter()
        with connection.execute_wrapper(recorder):
            answer = client.get(page.path, follow=True)
        taken = (time.perf_counter() - started) * 1000
        if answer.status_code != 200:
            seen.faults.append(f"answered {answer.status_code}")
        if number:
            seen.milliseconds.append(round(taken, 2))
        if taken > _TOO_LONG or seen.faults:
            break
    if not seen.milliseconds:
        seen.milliseconds.append(round(taken, 2))
    seen.queries = len(recorder.statements)
    for sql, params in recorder.statements:
        if sql.lstrip().startswith(("SELECT", "WITH")) and any(
            table in sql for table in HISTORY
        ):
            _explain(seen, sql, params, MANY_FILTERED if page.is_filtered else MANY)
    return seen


def _explain(seen: Seen, sql: str, params: Any, many: int) -> None:
    plan = explained(sql, params)
    if plan["Execution Time"] >= seen.slowest_ms:
        seen.slowest_ms = plan["Execution Time"]
        seen.slowest_sql = " ".join(sql.split())
        seen.slowest_plan = list(outline(plan["Plan"]))
    seen.faults.extend(faults(plan["Plan"], many))


def explained(sql: str, params: Any) -> dict[str, Any]:
    """Return the plan of a statement with what it really did."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        found: dict[str, Any] = cursor.fetchone()[0][0]
    return found


def faults(node: dict[str, Any], many: int = MANY) -> Iterator[str]:
    """Yield what must not be: a scan or sort of history, ``many`` rows thrown away."""
    table = node.get("Relation Name", "")
    removed = node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
    read = removed + node["Actual Rows"] * node["Actual Loops"]
    if node["Node Type"] == "Seq Scan" and table in HISTORY and read > MANY:
        yield f"sequential scan of {read:,.0f} rows of {table}"
    elif removed > many:
        yield f"{removed:,.0f} rows of {table} read in vain"
    if node["Node Type"] in ("Sort", "Incremental Sort"):
        rows = sum(child["Actual Rows"] for child in node["Plans"])
        if rows > MANY:
            yield f"sort of {rows:,.0f} rows"
    for child in node.get("Plans", ()):
        yield from faults(child, many)


def outline(node: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield a plan as lines: node, index, condition, rows and time."""
    where = node.get("Index Name") or node.get("Relation Name") or ""
    rows = f"{node['Actual Rows']:g} rows × {node['Actual Loops']:g}"
    removed = node.get("Rows Removed by Filter")
    words = [node["Node Type"], where, node.get("Index Cond", "")]
    thrown = f", {removed:g} thrown away" if removed else ""
    text = " ".join(word for word in words if word)
    yield f"{'  ' * depth}{text}  ({rows}{thrown}, {node['Actual Total Time']:.2f} ms)"
    for child in node.get("Plans", ()):
        yield from outline(child, depth + 1)


def main() -> None:
    """Look at every page as the administrator."""
    headers = {"host": "127.0.0.1", "authorization": f"Bearer {TOKEN}"}
    client = Client(headers=headers, raise_request_exception=False)
    operator = get_user_model().objects.get(username="admin")
    client.force_login(operator, BACKEND)
    found = [asdict(look(client, page)) for page in pages()]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
