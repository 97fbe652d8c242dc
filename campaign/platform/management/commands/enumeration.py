"""``manage.py enumeration list|show|add|delete|value|alias|forget``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform.commanding import by_command_line, told
from campaign.platform.models import Enumeration
from campaign.platform.services import enumerations


class Command(BaseCommand):
    """Show and change enumerations."""

    help = gettext_lazy("Show and change enumerations.")  # type: ignore[assignment]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help=_("list the enumerations"))
        for verb, words in (
            ("show", _("show the values and aliases of one")),
            ("add", _("add an enumeration")),
            ("delete", _("delete an enumeration with all it holds")),
            ("value", _("add a value or change it")),
            ("alias", _("have an alias stand for a value")),
            ("forget", _("delete a value or an alias")),
        ):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("name", metavar="NAME")
            if verb == "add":
                one.add_argument("--label", required=True)
                one.add_argument("--closed", action="store_true")
            if verb == "value":
                one.add_argument("value", metavar="VALUE")
                one.add_argument("--label")
                one.add_argument("--order", type=int)
                one.add_argument("--default", action="store_true", default=None)
            if verb == "alias":
                one.add_argument("alias", metavar="ALIAS")
                one.add_argument("value", metavar="VALUE")
            if verb == "forget":
                which = one.add_mutually_exclusive_group(required=True)
                which.add_argument("--value")
                which.add_argument("--alias")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Do what the verb says."""
        with told():
            self._do(given["verb"], given.get("name", ""), given)

    def _do(self, verb: str, name: str, given: dict[str, Any]) -> None:
        order = by_command_line()
        match verb:
            case "list":
                for row in Enumeration.objects.order_by("internal_name"):
                    self.stdout.write(f"{row.internal_name}\t{row.kind}\t{row.label}")
            case "add":
                kind = Enumeration.Kind.CLOSED if given["closed"] else "open"
                enumerations.create_enumeration(
                    internal_name=name, label=given["label"], kind=kind, **order
                )
            case "delete":
                enumerations.delete_enumeration(internal_name=name, **order)
            case "value":
                enumerations.save_value(
                    internal_name=name,
                    value=given["value"],
                    label=given["label"],
                    order=given["order"],
                    is_default=given["default"],
                    **order,
                )
            case "alias":
                enumerations.save_alias(
                    internal_name=name,
                    alias=given["alias"],
                    value=given["value"],
                    **order,
                )
            case "forget" if given["value"]:
                enumerations.delete_value(
                    internal_name=name, value=given["value"], **order
                )
            case "forget":
                enumerations.delete_alias(
                    internal_name=name, alias=given["alias"], **order
                )
            case _:
                self._show(enumerations.find_enumeration(name))

    def _show(self, enumeration: Enumeration) -> None:
        for row in enumeration.values.prefetch_related("aliases"):
            aliases = ", ".join(alias.alias for alias in row.aliases.all())
            mark = _("default") if row.is_default else ""
            self.stdout.write(f"{row.value}\t{row.label}\t{mark}\t{aliases}")
