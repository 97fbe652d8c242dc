from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import timezone, translation

from campaign.packages import catalogue
from workflows import registry
from workflows.actions.sync import sync_workflows
from workflows.engine.calendar import Schedule
from workflows.engine.graph import factory_graph
from workflows.models import State, Workflow

LANGUAGES = ["en", "fr", "sv", "zh-hant", "ko"]
OF_THIS_VERSION = {
    "rtEventsProcessing": ("mc-execution", {"every": "PT1M"}, True),
    "batchEventsProcessing": ("mc-execution", {"every": "PT15M"}, False),
    "updateEventsStatus": ("mc-execution", {"every": "PT5M"}, True),
    "cleanupPausedWorkflows": (
        "delivery",
        {"kind": "weekly", "weekdays": [1], "time": "05:00"},
        False,
    ),
}
EDITIONS = ["classic", "standard"]


def entries() -> dict[str, registry.CatalogueEntry]:
    found = catalogue.workflows(settings.CAMPAIGN_EDITION)
    return {entry.internal_name: entry for entry in found}


def test_exactly_the_workflows_of_this_version_are_registered():
    assert set(registry.declarations()) == set(OF_THIS_VERSION)


def test_missing_workflows_are_listed():
    missing = set(entries()) - set(registry.declarations())

    assert len(missing) == len(entries()) - len(OF_THIS_VERSION)
    assert {"cleanup", "tracking", "billing", "forecasting"} <= missing


@pytest.mark.parametrize("name", sorted(OF_THIS_VERSION))
def test_registered_workflow_matches_its_entry(name):
    package, schedule, has_signal = OF_THIS_VERSION[name]
    entry = entries()[name]

    assert registry.catalogue_entry(name) == entry
    assert entry.package == package
    assert entry.package in catalogue.packages()
    planned = Schedule.parse(entry.schedule).as_dict()
    assert {name: planned[name] for name in schedule} == schedule
    assert bool(entry.signals) is has_signal


@pytest.mark.parametrize("name", sorted(OF_THIS_VERSION))
def test_built_in_structure_has_scheduler_handlers_and_end(name):
    entry, declaration = entries()[name], registry.declarations()[name]

    graph = factory_graph(declaration, entry)

    types = {node.type for node in graph.nodes}
    assert {"scheduler", "script", "end"} <= types
    assert ("signal" in types) is bool(entry.signals)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(OF_THIS_VERSION))
def test_label_exists_in_every_language(name, language):
    entry = entries()[name]

    with translation.override(language):
        label = entry.label()

    assert label == entry.labels[language]
    assert label


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_entry_is_complete(edition):
    found = catalogue.workflows(edition)

    assert len({entry.internal_name for entry in found}) == len(found)
    assert all(entry.labels.get("en") and entry.description for entry in found)
    assert {entry.package for entry in found} <= set(catalogue.packages())


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_schedule_is_understood(edition):
    for entry in catalogue.workflows(edition):
        if entry.schedule is not None:
            Schedule.parse(entry.schedule)


@pytest.mark.parametrize("edition", EDITIONS)
def test_other_spellings_are_unambiguous(edition):
    found = catalogue.workflows(edition)
    names = [entry.internal_name for entry in found]
    aliases = [alias for entry in found for alias in entry.aliases]

    assert len(set(names + aliases)) == len(names + aliases)


def test_other_spelling_leads_to_the_workflow():
    assert registry.canonical_name("updateEventStatus") == "updateEventsStatus"


@pytest.mark.django_db
def test_rows_exist_for_registered_workflows_only():
    sync_workflows(at=timezone.now())

    rows = {w.internal_name: w for w in Workflow.objects.all()}

    assert set(rows) == set(OF_THIS_VERSION)
    assert {row.state for row in rows.values()} == {State.STARTED}
    assert all(row.package == OF_THIS_VERSION[name][0] for name, row in rows.items())


@pytest.mark.parametrize("edition", EDITIONS)
def test_event_statuses_are_those_of_the_model(edition):
    from campaign.messagecenter.models import EventStatus  # noqa: PLC0415

    assert set(catalogue.event_statuses(edition)) == set(EventStatus.values)
