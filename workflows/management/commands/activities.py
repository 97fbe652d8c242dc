"""Print the activity types: names, parameters and transitions."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from workflows.activities import description


class Command(BaseCommand):
    help = (
        "Prints the activity types that a structure may use. Changes nothing."
        " Without an option: one line each."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument(
            "--json", action="store_true", help="everything, with JSON schemas"
        )
        form.add_argument(
            "--markdown", action="store_true", help="the page docs/activities.md"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            self.stdout.write(_text(options), ending="")


def _text(options: dict[str, Any]) -> str:
    if options["markdown"]:
        return description.as_markdown()
    described = description.described()
    if options["json"]:
        whole = {"activities": described, "options": description.options_schema()}
        return json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n"
    return "".join(
        f"{kind['name']:<16} {kind['label']:<24} "
        f"{', '.join(kind['parameters']['properties']) or '-'}\n"
        for kind in described
    )
