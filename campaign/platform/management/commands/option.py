"""``manage.py option list|show|set|reset|add|delete``."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform.commanding import by_command_line, told
from campaign.platform.models import Option
from campaign.platform.services import custom_options, options


class Command(BaseCommand):
    """Show and change options."""

    help = gettext_lazy("Show and change options.")  # type: ignore[assignment]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = verbs.add_parser("list", help=_("list the options"))
        listing.add_argument("--changed", action="store_true")
        for verb, words in (
            ("show", _("show one option")),
            ("set", _("give an option a value; a duration may be like 1h30m")),
            ("reset", _("go back to the default")),
            ("add", _("add a custom option")),
            ("delete", _("delete a custom option")),
        ):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("name", metavar="NAME")
            if verb in ("set", "add"):
                one.add_argument("value", metavar="VALUE")
            if verb == "add":
                one.add_argument("--label", required=True)
                one.add_argument(
                    "--type", default="text", choices=Option.DataType.values
                )
                one.add_argument("--secret", action="store_true")
            if verb in ("set", "reset"):
                one.add_argument("--reason", default="")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Do what the verb says."""
        with told():
            match given["verb"]:
                case "list":
                    for state in options.listed():
                        if state.is_changed or not given["changed"]:
                            self._print(state)
                case "add":
                    self._add(given)
                case "delete":
                    custom_options.delete_option(
                        name=given["name"], **by_command_line()
                    )
                case "set" | "reset":
                    self._set(given)
                case _:
                    self._print(options.state_of(given["name"]))

    def _set(self, given: dict[str, Any]) -> None:
        option = options.find(given["name"])
        value = None
        if given["verb"] == "set":
            value = options.read_text(option, given["value"])
        options.set_value(
            name=option.name,
            value=value,
            reason=given["reason"],
            **by_command_line(),
        )
        self._print(options.state_of(option.name))

    def _add(self, given: dict[str, Any]) -> None:
        data_type = Option.DataType(given["type"])
        draft: options.DeclaredOption[Any] = options.DeclaredOption(
            given["name"], data_type, options.EMPTY[data_type], given["label"]
        )
        made = custom_options.create_option(
            name=given["name"],
            label=given["label"],
            data_type=data_type,
            value=options.read_text(draft, given["value"]),
            is_secret=given["secret"],
            **by_command_line(),
        )
        self._print(made)

    def _print(self, state: options.OptionState) -> None:
        option = state.option
        value = options.MASK if option.is_secret else json.dumps(state.value)
        mark = _("changed") if state.is_changed else _("default")
        self.stdout.write(f"{option.name}\t{value}\t{mark}\t{option.description}")
