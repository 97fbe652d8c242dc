"""``manage.py workflow list|show|next|start|pause|resume|stop|restart|kill|wake``."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any, NoReturn

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import registry
from workflows.actions import allowed_commands, issue_command, next_runs
from workflows.engine.calendar import Schedule
from workflows.engine.schedule_text import describe
from workflows.exceptions import (
    AppError,
    CommandRefused,
    InvalidInput,
    NotFound,
    PermissionRefused,
    StaleState,
)
from workflows.models import Command as LedgerRow
from workflows.models import CommandName, Source, State, Substate, TaskStatus, Workflow

EXIT_NOT_FOUND = 3
EXIT_REFUSED = 4
EXIT_NO_RIGHT = 5
COLUMNS = ("internal_name", "state", "failed", "last_start", "next_run", "label")


class Command(BaseCommand):
    """Show technical workflows and give them commands."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Show workflows and give them commands; each command becomes a row of the"
        " ledger. Exit status: 0 done or already so, 2 bad call, 3 no such workflow"
        " or operator, 4 refused in the state it has, 5 right missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare one verb per command, and the three that only read."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = verbs.add_parser("list", help=_("list all, by internal name"))
        listing.add_argument(
            "--failed", action="store_true", help=_("only failed ones")
        )
        self._named(
            verbs.add_parser("show", help=_("show one, with its last commands"))
        )
        following = verbs.add_parser("next", help=_("print the next planned instants"))
        self._named(following)
        following.add_argument("--count", type=int, default=10)
        for name in CommandName:
            ordering = verbs.add_parser(name.value, help=str(name.label))
            self._named(ordering)
            ordering.add_argument(
                "--operator", metavar="NAME", help=_("on whose behalf")
            )
            ordering.add_argument("--reason", default="", help=_("kept in the ledger"))
            ordering.add_argument(
                "--expected-state",
                default="",
                choices=["", "failed", *State.values],
                help=_("refuse when the state is another one"),
            )
        for verb in verbs.choices.values():
            verb.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says."""
        match options["verb"]:
            case "list":
                self._list(options)
            case "show":
                self._show(options)
            case "next":
                self._next(options)
            case verb:
                self._order(CommandName(verb), options)

    def _named(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("internal name"))

    def _list(self, options: dict[str, Any]) -> None:
        found = _workflows()
        if options["failed"]:
            found = found.filter(failed=True)
        rows = [_row(workflow) for workflow in found]
        if options["as_json"]:
            self._print_json(rows)
            return
        for row in [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]:
            texts = [_cell(row[column]) for column in COLUMNS]
            self.stdout.write(
                "  ".join(t.ljust(w) for t, w in _aligned(texts)).rstrip()
            )

    def _show(self, options: dict[str, Any]) -> None:
        workflow = self._find(options["name"])
        now = timezone.now()
        shown = {
            **_row(workflow),
            "package": workflow.package,
            "pause_reason": workflow.pause_reason,
            "version": workflow.structure.number if workflow.structure else None,
            "schedules": _schedules(workflow),
            "next_runs": [_iso(instant) for instant in next_runs(workflow, now, 3)],
            "allowed_commands": [
                name.value
                for name, reason in allowed_commands(workflow, None).items()
                if not reason
            ],
            "commands": [_ledger(row) for row in workflow.commands.all()[:5]],
        }
        if options["as_json"]:
            self._print_json(shown)
            return
        for name, value in shown.items():
            if name == "commands":
                continue
            text = ", ".join(value) if isinstance(value, list) else _cell(value)
            self.stdout.write(f"{name}: {text}")
        for row in workflow.commands.all()[:5]:
            self.stdout.write(f"command: {_sentence(row)}")

    def _next(self, options: dict[str, Any]) -> None:
        workflow = self._find(options["name"])
        instants = next_runs(workflow, timezone.now(), max(1, options["count"]))
        if options["as_json"]:
            self._print_json([_iso(instant) for instant in instants])
            return
        for instant in instants:
            self.stdout.write(str(_iso(instant)))

    def _order(self, name: CommandName, options: dict[str, Any]) -> None:
        workflow = self._find(options["name"])
        try:
            result = issue_command(
                internal_name=workflow.internal_name,
                name=name,
                acting_operator=self._operator(options["operator"]),
                source=Source.CLI,
                expected_state=options["expected_state"],
                reason=options["reason"],
                at=timezone.now(),
            )
        except AppError as error:
            self._refuse(error, as_json=options["as_json"])
        if options["as_json"]:
            answer = {**_ledger(result.command), "state": result.workflow.state}
            self._print_json({**answer, "noop": result.noop})
        else:
            self.stdout.write(
                f"{result.workflow.internal_name}: {_sentence(result.command)}"
            )

    def _find(self, name: str) -> Workflow:
        internal_name = registry.canonical_name(name)
        workflow = _workflows().filter(internal_name=internal_name).first()
        if workflow is None:
            raise CommandError(
                _("No workflow is named %(name)s: see manage.py workflow list.")
                % {"name": name},
                returncode=EXIT_NOT_FOUND,
            )
        return workflow

    def _operator(self, name: str | None) -> Any:
        """Return the operator; None is the server's own command line."""
        if name is None:
            return None
        operator = get_user_model().objects.filter(username=name).first()
        if operator is None or not operator.is_active:
            raise CommandError(
                _("No active operator is named %(name)s.") % {"name": name},
                returncode=EXIT_NOT_FOUND,
            )
        return operator

    def _refuse(self, error: AppError, *, as_json: bool) -> NoReturn:
        codes: dict[type[AppError], int] = {
            NotFound: EXIT_NOT_FOUND,
            CommandRefused: EXIT_REFUSED,
            StaleState: EXIT_REFUSED,
            InvalidInput: EXIT_REFUSED,
            PermissionRefused: EXIT_NO_RIGHT,
        }
        if as_json:
            fields = {
                k: v for k, v in error.fields.items() if k in ("state", "allowed")
            }
            self._print_json(
                {"error_code": error.code, "message": error.message, **fields}
            )
        allowed = error.fields.get("allowed")
        advice = (
            " " + _("Possible now: %(allowed)s.") % {"allowed": ", ".join(allowed)}
            if allowed
            else ""
        )
        faults = "".join(f" {fault.field}: {fault.message}" for fault in error.faults)
        raise CommandError(
            f"{error.message}{faults}{advice}", returncode=codes.get(type(error), 1)
        ) from error

    def _print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2))


def _workflows() -> QuerySet[Workflow]:
    pending = Q(
        tasks__status=TaskStatus.ACTIVE,
        tasks__substate=Substate.PENDING,
        tasks__activity_type="scheduler",
    )
    return Workflow.objects.select_related("structure").annotate(
        next_run=Min("tasks__process_at", filter=pending)
    )


def _row(workflow: Workflow) -> dict[str, Any]:
    planned = getattr(workflow, "next_run", None)
    return {
        "internal_name": workflow.internal_name,
        "label": workflow.label,
        "state": workflow.state,
        "failed": workflow.failed,
        "last_start": _iso(workflow.last_start),
        "next_run": _iso(planned) if workflow.state == State.STARTED else None,
    }


def _schedules(workflow: Workflow) -> list[str]:
    activities = workflow.structure.activities if workflow.structure else []
    return [
        describe(Schedule.parse(activity["parameters"]["schedule"]))
        for activity in activities
        if activity["type"] == "scheduler"
    ]


def _ledger(row: LedgerRow) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "status": row.status,
        "author": row.author,
        "source": row.source,
        "reason": row.reason,
        "state_before": row.state_before,
        "state_after": row.state_after,
        "requested_at": _iso(row.requested_at),
    }


def _sentence(row: LedgerRow) -> str:
    return _("%(name)s %(status)s, %(before)s to %(after)s, by %(author)s") % {
        "name": row.name,
        "status": row.status,
        "before": row.state_before,
        "after": row.state_after,
        "author": row.author,
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:19] + "Z" if str(value)[10:11] == "T" else str(value)


def _aligned(texts: list[str]) -> list[tuple[str, int]]:
    return list(zip(texts, (28, 18, 6, 20, 20, 0), strict=True))
