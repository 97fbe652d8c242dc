"""The sections of the configuration document that the platform and the engine have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.platform import configuration
from campaign.platform.configuration import Acting, Section
from campaign.platform.models import Enumeration, ExternalAccount
from campaign.platform.services import (
    account_changes,
    custom_options,
    enumerations,
    options,
)
from workflows.actions.exchange import export_workflow, import_workflow
from workflows.exceptions import Fault, InvalidInput
from workflows.models import Workflow


def export_options() -> Iterator[dict[str, Any]]:
    """Return the changed and the custom options, secret values left out."""
    for state in options.listed():
        option = state.option
        if option.is_secret or not (state.is_changed or option.is_custom):
            continue
        row: dict[str, Any] = {"name": option.name, "value": state.value}
        if option.is_custom:
            row["label"] = str(option.description)
            row["data_type"] = str(option.data_type)
        yield row


def apply_option(wanted: Mapping[str, Any], acting: Acting) -> None:
    """Set one option, or add a custom one."""
    name = wanted["name"]
    exists = any(state.option.name == name for state in options.listed())
    if not exists and "data_type" in wanted:
        custom_options.create_option(
            name=name,
            label=wanted["label"],
            data_type=wanted["data_type"],
            value=wanted["value"],
            **acting.order(),
        )
        return
    if wanted["value"] is None:
        raise InvalidInput(
            _("An option needs a value."), faults=[Fault("value", _("Give one."))]
        )
    options.set_value(name=name, value=wanted["value"], **acting.order())


def export_accounts() -> Iterator[dict[str, Any]]:
    """Return the external accounts; of their secrets only whether there is one."""
    for account in ExternalAccount.objects.order_by("internal_name"):
        yield {
            "internal_name": account.internal_name,
            "label": account.label,
            "type": str(account.type),
            "enabled": account.enabled,
            "config": account.config,
            "secret": "to be entered" if account.secrets else "",
        }


def apply_account(wanted: Mapping[str, Any], acting: Acting) -> None:
    """Add or change one account; its stored secret stays.

    A new one that needs a secret arrives disabled: the secret is to be entered here.
    """
    name = wanted["internal_name"]
    present = ExternalAccount.objects.filter(internal_name=name).first()
    if present is None:
        account_changes.create_account(
            internal_name=name,
            label=wanted["label"],
            type=wanted["type"],
            config=wanted["config"],
            enabled=bool(wanted["enabled"]) and not wanted.get("secret"),
            needs_secret=False,
            **acting.order(),
        )
        return
    if present.type != wanted["type"]:
        raise InvalidInput(
            _("The account is of another type here."),
            faults=[Fault("type", _("Rename one of the two."))],
        )
    account_changes.change_account(
        internal_name=name,
        label=wanted["label"],
        config=wanted["config"],
        enabled=bool(wanted["enabled"])
        and bool(present.secrets or not wanted.get("secret")),
        needs_secret=False,
        **acting.order(),
    )


def export_enumerations() -> Iterator[dict[str, Any]]:
    """Return the enumerations with values and aliases. Three queries."""
    rows = Enumeration.objects.prefetch_related("values__aliases")
    for row in rows.order_by("internal_name"):
        yield {
            "internal_name": row.internal_name,
            "label": row.label,
            "kind": str(row.kind),
            "cleanses_aliases": row.cleanses_aliases,
            "values": [
                {
                    "value": value.value,
                    "label": value.label,
                    "order": value.order,
                    "is_default": value.is_default,
                    "aliases": [alias.alias for alias in value.aliases.all()],
                }
                for value in row.values.all()
            ],
        }


def apply_enumeration(wanted: Mapping[str, Any], acting: Acting) -> None:
    """Add or change one enumeration; values it has beside those given stay."""
    name, order = wanted["internal_name"], acting.order()
    head = {key: wanted[key] for key in ("label", "kind", "cleanses_aliases")}
    if Enumeration.objects.filter(internal_name=name).exists():
        enumerations.change_enumeration(internal_name=name, **head, **order)
    else:
        enumerations.create_enumeration(internal_name=name, **head, **order)
    for value in wanted.get("values", []):
        enumerations.save_value(
            internal_name=name,
            value=value["value"],
            label=value["label"],
            order=value["order"],
            is_default=value["is_default"],
            **order,
        )
    for value in wanted.get("values", []):
        for alias in value.get("aliases", []):
            enumerations.save_alias(
                internal_name=name, alias=alias, value=value["value"], **order
            )


def export_workflows() -> Iterator[dict[str, Any]]:
    """Return structure, schedules and properties of every workflow. One query."""
    rows = Workflow.objects.visible().exclude(structure=None)
    for workflow in rows.select_related("structure").order_by("internal_name"):
        yield export_workflow(workflow)


def apply_workflow(wanted: Mapping[str, Any], acting: Acting) -> None:
    """Give one workflow a new structure version and its properties; nothing starts."""
    import_workflow(
        internal_name=wanted["internal_name"],
        document=wanted,
        if_exists="new_version",
        **acting.order(),
    )


def register() -> None:
    """Register the sections of the platform; the application calls it once."""
    for section in (
        Section(
            "options",
            gettext_lazy("Options"),
            export_options,
            apply_option,
            order=10,
            key="name",
            permission=options.VIEW_RIGHT,
        ),
        Section(
            "external_accounts",
            gettext_lazy("External accounts, without secrets"),
            export_accounts,
            apply_account,
            order=20,
            permission=account_changes.VIEW_RIGHT,
        ),
        Section(
            "enumerations",
            gettext_lazy("Enumerations"),
            export_enumerations,
            apply_enumeration,
            order=30,
            permission=enumerations.VIEW_RIGHT,
        ),
        Section(
            "workflows",
            gettext_lazy("Workflows: structure, schedules, properties"),
            export_workflows,
            apply_workflow,
            order=40,
            permission="workflows.view",
        ),
    ):
        configuration.register(section)
