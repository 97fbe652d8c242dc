"""``manage.py workflow_structure export|import|diff|versions|restore|reset|…``."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import registry
from workflows.actions import (
    Effects,
    SavedStructure,
    compare_versions,
    create_workflow,
    delete_workflow,
    duplicate_workflow,
    export_workflow,
    factory_diff,
    import_workflow,
    preview_deletion,
    preview_import,
    rehearse,
    reset_to_factory,
    restore_version,
)
from workflows.engine import exchange
from workflows.exceptions import AppError
from workflows.models import Source, Workflow

EXIT_NOT_FOUND = 3
EXIT_REFUSED = 4
EXIT_NO_RIGHT = 5
_EXITS = {403: EXIT_NO_RIGHT, 404: EXIT_NOT_FOUND}


class Command(BaseCommand):
    """Move structures of workflows between versions, files and instances."""

    help = gettext_lazy(  # type: ignore[assignment]
        "Write, read, compare and restore the structures of workflows. Every change is"
        " a new version in the audit trail; none triggers a run. Exit status: 0 done,"
        " 2 bad call, 3 no such workflow or version, 4 refused, 5 right missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

        def verb(name: str, help_text: str, *names: str) -> ArgumentParser:
            added = verbs.add_parser(name, help=help_text)
            for argument in names:
                added.add_argument(argument, metavar=argument.upper())
            added.add_argument("--json", action="store_true", dest="as_json")
            return added

        exporting = verb("export", _("write a workflow as a document"), "name")
        exporting.add_argument("--version-number", type=int)
        exporting.add_argument("--output", help=_("file; else the standard output"))
        importing = verb("import", _("make or renew a workflow from a document"))
        importing.add_argument("file", metavar="FILE", help=_("- reads the input"))
        importing.add_argument("--name", default="", help=_("wins over the document"))
        importing.add_argument(
            "--new-version",
            action="store_const",
            const="new_version",
            default="refuse",
            dest="if_exists",
            help=_("give an existing workflow a new version"),
        )
        verb("versions", _("list the versions"), "name")
        differing = verb("diff", _("compare versions, or with the built-in"), "name")
        differing.add_argument("before", type=int, nargs="?")
        differing.add_argument("after", type=int, nargs="?")
        restoring = verb("restore", _("put a version in force again"), "name")
        restoring.add_argument("number", type=int, metavar="VERSION")
        resetting = verb("reset", _("put the built-in structure in force"), "name")
        copying = verb("duplicate", _("copy a workflow"), "name", "new_name")
        making = verb("create", _("make an empty workflow"), "name")
        deleting = verb("delete", _("delete a workflow at rest"), "name")
        verb("schema", _("print the JSON Schema of documents"))
        for changing in (importing, restoring, resetting):
            changing.add_argument("--comment", default="")
            changing.add_argument(
                "--cancel-tasks",
                action="store_const",
                const="cancel",
                default="refuse",
                dest="removed_tasks",
                help=_("cancel live tasks of activities that go"),
            )
        for labelled in (copying, making):
            labelled.add_argument("--label", default="")
        deleting.add_argument("--reason", default="")
        for ordering in (importing, restoring, resetting, copying, making, deleting):
            ordering.add_argument("--operator", metavar="NAME", help=_("on behalf of"))
        for shown in (importing, restoring, resetting, copying, deleting):
            shown.add_argument(
                "--preview",
                action="store_true",
                help=_("tell what would happen and change nothing"),
            )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the verb says."""
        verb: Callable[[dict[str, Any]], None] = getattr(self, f"_{options['verb']}")
        try:
            verb(options)
        except AppError as error:
            lines = [error.message, *(f"{f.field}: {f.message}" for f in error.faults)]
            raise CommandError(
                "\n".join(lines), returncode=_EXITS.get(error.status, EXIT_REFUSED)
            ) from error

    def _export(self, options: dict[str, Any]) -> None:
        document = export_workflow(self._find(options), options["version_number"])
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        if options["output"]:
            Path(options["output"]).write_text(text, encoding="utf-8")
        else:
            self.stdout.write(text, ending="")

    def _import(self, options: dict[str, Any]) -> None:
        order = self._order(options, "if_exists", "comment", "removed_tasks")
        order["internal_name"] = options["name"]
        order["document"] = self._document(options["file"])
        if options["preview"]:
            self._tell(*preview_import(**order), as_json=options["as_json"])
        else:
            self._saved(import_workflow(**order), options)

    def _versions(self, options: dict[str, Any]) -> None:
        workflow = self._find(options)
        found = workflow.versions.select_related("author").defer("graph")
        rows = [
            {
                "version": version.number,
                "is_current": version.pk == workflow.structure_id,
                "is_factory": version.is_factory,
                "author": version.author.get_username() if version.author else "",
                "created_at": version.created_at.isoformat(timespec="seconds"),
                "comment": version.comment,
            }
            for version in found.order_by("-number")
        ]
        if options["as_json"]:
            self._json(rows)
            return
        for row in rows:
            mark = "*" if row["is_current"] else " "
            origin = _("built-in") if row["is_factory"] else row["author"] or "-"
            self.stdout.write(
                f"{mark} {row['version']:>4}  {row['created_at']}  {origin:<16}"
                f"  {row['comment']}".rstrip()
            )

    def _diff(self, options: dict[str, Any]) -> None:
        workflow = self._find(options)
        current = workflow.structure.number if workflow.structure else 0
        if options["before"] is None:
            found = factory_diff(workflow)
        else:
            found = compare_versions(
                workflow, options["before"], options["after"] or current
            )
        if found is None:
            raise CommandError(
                _("%(name)s has no built-in structure; name two versions.")
                % {"name": workflow.internal_name},
                returncode=EXIT_NOT_FOUND,
            )
        if options["as_json"]:
            self._json(found.as_dict())
        else:
            self._lines(found.sentences() or [_("No difference.")])

    def _restore(self, options: dict[str, Any]) -> None:
        self._change(restore_version, options, number=options["number"])

    def _reset(self, options: dict[str, Any]) -> None:
        self._change(reset_to_factory, options)

    def _change(self, action: Any, options: dict[str, Any], **more: Any) -> None:
        order = self._order(options, "comment", "removed_tasks")
        order |= {
            "internal_name": self._find(options).internal_name,
            "expected_version": None,
            **more,
        }
        if options["preview"]:
            self._tell(rehearse(action, **order), as_json=options["as_json"])
        else:
            self._saved(action(**order), options)

    def _duplicate(self, options: dict[str, Any]) -> None:
        order = self._order(options, "new_name", "label")
        order["internal_name"] = self._find(options).internal_name
        if options["preview"]:
            effects = rehearse(duplicate_workflow, **order)
            self._tell(effects, as_json=options["as_json"])
        else:
            self._made(duplicate_workflow(**order), options)

    def _create(self, options: dict[str, Any]) -> None:
        order = self._order(options, "label")
        self._made(create_workflow(internal_name=options["name"], **order), options)

    def _delete(self, options: dict[str, Any]) -> None:
        order = self._order(options, "reason")
        order |= {
            "internal_name": self._find(options).internal_name,
            "expected_version": None,
        }
        if options["preview"]:
            self._tell(preview_deletion(**order), as_json=options["as_json"])
            return
        delete_workflow(**order)
        self._lines([_("%(name)s is deleted.") % {"name": order["internal_name"]}])

    def _schema(self, _options: dict[str, Any]) -> None:
        self._json(exchange.schema())

    def _order(self, options: dict[str, Any], *names: str) -> dict[str, Any]:
        return {
            **{name: options[name] for name in names},
            "acting_operator": self._operator(options["operator"]),
            "source": Source.CLI,
            "at": timezone.now(),
        }

    def _find(self, options: dict[str, Any]) -> Workflow:
        name = registry.canonical_name(options["name"])
        found = Workflow.objects.visible().select_related("structure")
        workflow = found.filter(internal_name=name).first()
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

    def _document(self, file: str) -> Any:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
            return json.loads(text)
        except (OSError, ValueError) as error:
            raise CommandError(
                _("%(file)s cannot be read as JSON: %(error)s")
                % {"file": file, "error": error},
                returncode=2,
            ) from error

    def _saved(self, saved: SavedStructure, options: dict[str, Any]) -> None:
        warnings = [f"{w.place}: {w.message}" for w in saved.warnings]
        if options["as_json"]:
            self._json(
                {
                    "version": saved.number,
                    "diff": saved.diff.as_dict(),
                    "warnings": warnings,
                }
            )
            return
        self._lines(saved.diff.sentences())
        self._lines(warnings)
        self._lines([_("Version %(number)s is in force.") % {"number": saved.number}])

    def _made(self, workflow: Workflow, options: dict[str, Any]) -> None:
        name = workflow.internal_name
        if options["as_json"]:
            self._json({"internal_name": name, "label": workflow.label})
        else:
            self._lines([_("%(name)s is made; it is not started.") % {"name": name}])

    def _tell(
        self,
        effects: Effects,
        saved: SavedStructure | None = None,
        *,
        as_json: bool,
    ) -> None:
        sentences = effects.sentences() + (saved.diff.sentences() if saved else [])
        if as_json:
            self._json(
                {
                    "state": effects.state_before,
                    "state_after": effects.state_after,
                    "effects": sentences,
                }
            )
        else:
            self._lines(sentences)

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self.stdout.write(line)

    def _json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, ensure_ascii=False, indent=2))
