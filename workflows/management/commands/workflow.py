"""``manage.py workflow list|show|next|waiting|stuck``, and one verb per order."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import registry
from workflows.actions import (
    allowed_commands,
    issue_command,
    keep_paused,
    next_runs,
    rehearse,
)
from workflows.actions.command_parameters import allowed_grades
from workflows.engine import stuck, waiting
from workflows.engine.calendar import Schedule
from workflows.engine.schedule_text import describe
from workflows.engine.stuck import RunningTask
from workflows.management.ordering import (
    EXIT_NOT_FOUND,
    add_author,
    add_parameters,
    find_operator,
    instant,
    iso,
    obeyed,
    parameters_of,
    print_effects,
    print_json,
)
from workflows.models import Command as LedgerRow
from workflows.models import CommandName, Source, State, Substate, TaskStatus, Workflow

COLUMNS = ("internal_name", "state", "failed", "last_start", "next_run", "label")


class Command(BaseCommand):
    """Show technical workflows and give them commands."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Show workflows and give them commands; each command becomes a row of the"
        " ledger. Exit status: 0 done or already so, 2 bad call, 3 no such workflow"
        " or operator, 4 refused in the state it has, 5 right missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare one verb per command, and those that only read."""
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
        self._named(
            verbs.add_parser("waiting", help=_("tell why each task and run waits"))
        )
        hanging = verbs.add_parser(
            "stuck", help=_("show what runs, with its SQL and who blocks it")
        )
        hanging.add_argument("name", metavar="NAME", nargs="?", default="")
        keeping = verbs.add_parser(
            "keep-paused", help=_("keep a paused one so until a date, without notices")
        )
        self._named(keeping)
        add_author(keeping)
        keeping.add_argument("--until", type=instant, required=True, metavar="ISO")
        keeping.add_argument("--reason", default="", help=_("kept in the audit trail"))
        for name in CommandName:
            self._add_order(verbs, name)
        # An alias is the same parser once more.
        for verb in {id(verb): verb for verb in verbs.choices.values()}.values():
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
            case "waiting":
                self._waiting(options)
            case "stuck":
                self._stuck(options)
            case "keep-paused":
                self._keep_paused(options)
            case verb:
                self._order(CommandName(verb.replace("-", "_")), options)

    def _add_order(self, verbs: Any, name: CommandName) -> None:
        """Declare the verb of a command; a dash stands for an underscore."""
        ordering = verbs.add_parser(
            name.value,
            help=str(name.label),
            aliases=[name.value.replace("_", "-")] if "_" in name.value else [],
        )
        self._named(ordering)
        add_author(ordering)
        ordering.add_argument("--reason", default="", help=_("kept in the ledger"))
        ordering.add_argument(
            "--expected-state",
            default="",
            choices=["", "failed", *State.values],
            help=_("refuse when the state is another one"),
        )
        ordering.add_argument(
            "--preview",
            action="store_true",
            help=_("tell what it would do, and change nothing"),
        )
        add_parameters(ordering, name)

    def _named(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help=_("internal name"))

    def _list(self, options: dict[str, Any]) -> None:
        found = _workflows()
        if options["failed"]:
            found = found.filter(failed=True)
        rows = [_row(workflow) for workflow in found]
        if options["as_json"]:
            print_json(self.stdout, rows)
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
            "next_runs": [iso(instant) for instant in next_runs(workflow, now, 3)],
            "allowed_commands": [
                name.value
                for name, reason in allowed_commands(workflow, None).items()
                if not reason
            ],
            "commands": [_ledger(row) for row in workflow.commands.all()[:5]],
        }
        if options["as_json"]:
            print_json(self.stdout, shown)
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
            print_json(self.stdout, [iso(instant) for instant in instants])
            return
        for planned in instants:
            self.stdout.write(str(iso(planned)))

    def _waiting(self, options: dict[str, Any]) -> None:
        workflow = self._find(options["name"])
        found = waiting.reasons(workflow, timezone.now())
        if options["as_json"]:
            rows = [{**asdict(reason), "text": reason.text} for reason in found]
            print_json(self.stdout, rows)
            return
        for reason in found:
            since = f" ({_cell(iso(reason.since))})" if reason.since else ""
            self.stdout.write(f"{reason.code}: {reason.text}{since}")

    def _stuck(self, options: dict[str, Any]) -> None:
        workflow = self._find(options["name"]) if options["name"] else None
        found = stuck.running_tasks(timezone.now(), workflow.pk if workflow else None)
        known = Workflow.objects.in_bulk({task.workflow_id for task in found})
        rows = [
            {
                **asdict(task),
                "is_stuck": task.is_stuck,
                "last_line": task.last_line,
                "grades": allowed_grades(known.get(task.workflow_id), None),
            }
            for task in found
        ]
        if options["as_json"]:
            print_json(self.stdout, rows)
            return
        for task in found:
            for line in _running_lines(task):
                self.stdout.write(line)

    def _keep_paused(self, options: dict[str, Any]) -> None:
        order = {
            "internal_name": self._find(options["name"]).internal_name,
            "until": options["until"].astimezone(UTC),
            "acting_operator": find_operator(options["operator"]),
            "source": Source.CLI,
            "reason": options["reason"][:512],
            "at": timezone.now(),
        }
        as_json = options["as_json"]
        kept = obeyed(self.stdout, lambda: keep_paused(**order), as_json=as_json)
        until = iso(kept.snoozed_until)
        if as_json:
            answer = {"internal_name": kept.internal_name, "state": kept.state}
            print_json(self.stdout, {**answer, "snoozed_until": until})
        else:
            words = {"name": kept.internal_name, "until": until}
            self.stdout.write(_("%(name)s: kept paused until %(until)s") % words)

    def _order(self, name: CommandName, options: dict[str, Any]) -> None:
        workflow = self._find(options["name"])
        as_json = options["as_json"]
        order = {
            "internal_name": workflow.internal_name,
            "name": name,
            "acting_operator": find_operator(options["operator"]),
            "source": Source.CLI,
            "expected_state": options["expected_state"],
            "reason": options["reason"][:512],
            "parameters": parameters_of(name, options),
            "at": timezone.now(),
        }
        if options["preview"]:
            effects = obeyed(
                self.stdout, lambda: rehearse(issue_command, **order), as_json=as_json
            )
            print_effects(self.stdout, name.value, effects, as_json=as_json)
            return
        result = obeyed(self.stdout, lambda: issue_command(**order), as_json=as_json)
        if as_json:
            answer = {**_ledger(result.command), "state": result.workflow.state}
            print_json(self.stdout, {**answer, "noop": result.noop})
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


def _workflows() -> QuerySet[Workflow]:
    pending = Q(
        tasks__status=TaskStatus.ACTIVE,
        tasks__substate=Substate.PENDING,
        tasks__activity_type="scheduler",
    )
    return (
        Workflow.objects.visible()
        .select_related("structure")
        .annotate(next_run=Min("tasks__process_at", filter=pending))
    )


def _row(workflow: Workflow) -> dict[str, Any]:
    planned = getattr(workflow, "next_run", None)
    return {
        "internal_name": workflow.internal_name,
        "label": workflow.label,
        "state": workflow.state,
        "failed": workflow.failed,
        "last_start": iso(workflow.last_start),
        "next_run": iso(planned) if workflow.state == State.STARTED else None,
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
        "parameters": row.parameters,
        "requested_at": iso(row.requested_at),
    }


def _sentence(row: LedgerRow) -> str:
    return _("%(name)s %(status)s, %(before)s to %(after)s, by %(author)s") % {
        "name": row.name,
        "status": row.status,
        "before": row.state_before,
        "after": row.state_after,
        "author": row.author,
    }


def _running_lines(task: RunningTask) -> list[str]:
    """Return a running task in words, with who blocks it."""
    words = {
        "task": task.task_id,
        "workflow": task.internal_name,
        "activity": task.activity,
        "seconds": round(task.running_seconds),
        "silent": round(task.silent_seconds),
        "host": task.host or "-",
        "pid": task.pid or "-",
        "backend": task.backend_pid or "-",
    }
    lines = [
        _(
            "task %(task)s, %(workflow)s %(activity)s: runs %(seconds)s s, silent"
            " %(silent)s s, host %(host)s, process %(pid)s, backend %(backend)s"
        )
        % words
    ]
    if task.is_stuck:
        lines.append("  " + _("stuck: no sign of life for more than a minute"))
    if not task.has_worker:
        lines.append("  " + _("no worker: it is taken over within 30 s"))
    if task.sql:
        lines.append(f"  {task.backend_state} {task.wait_event} {task.sql}")
    lines += [
        "  "
        + _("blocked by process %(pid)s of %(user)s (%(application)s): %(sql)s")
        % asdict(blocker)
        for blocker in task.blockers
    ]
    if task.last_line:
        lines.append(f"  {task.last_line}")
    return lines


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:19] + "Z" if str(value)[10:11] == "T" else str(value)


def _aligned(texts: list[str]) -> list[tuple[str, int]]:
    return list(zip(texts, (28, 18, 6, 20, 20, 0), strict=True))
