"""The catalogue: every technical workflow, event status and package, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy

from workflows.engine.calendar import from_cron
from workflows.registry import CatalogueEntry

HERE = Path(__file__).parent


def _read(name: str, key: str) -> list[dict[str, Any]]:
    return json.loads((HERE / name).read_text(encoding="utf-8"))[key]


def _in_reader_language(labels: Mapping[str, str]) -> str:
    language = (get_language() or "en").lower()
    return labels.get(language) or labels.get(language.split("-")[0]) or labels["en"]


@dataclass(frozen=True, slots=True)
class Package:
    """A built-in package.

    ``instances`` are the roles it belongs to, ``needs`` the packages that have to be
    installed before it; ``label`` and ``purpose`` are translated when shown.
    """

    slug: str
    label: str | Promise
    instances: tuple[str, ...]
    purpose: str | Promise
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventStatusEntry:
    """An event status with its code in the API and its labels."""

    code: str
    value: int
    api_value: str
    is_final: bool
    labels: Mapping[str, str]
    meaning_text: str

    @property
    def meaning(self) -> str:
        """Return what the status says, in the active language."""
        return gettext(self.meaning_text)

    def label(self) -> str:
        """Return the label in the active language."""
        return _in_reader_language(self.labels)


@cache
def packages() -> Mapping[str, Package]:
    """Return the built-in packages by slug."""
    return {
        row["slug"]: Package(
            row["slug"],
            gettext_lazy(row["label"]),
            tuple(row["instances"]),
            gettext_lazy(row["purpose"]),
            tuple(row["needs"]),
        )
        for row in _read("packages.json", "packages")
    }


@cache
def event_statuses(edition: str) -> Mapping[int, EventStatusEntry]:
    """Return the event statuses by number, in the order of their life."""
    return {
        row["int_value"]: EventStatusEntry(
            code=row["code"],
            value=row["int_value"],
            api_value=row["api_value"],
            is_final=row["final"],
            labels=_labels(row, edition),
            meaning_text=row["meaning"],
        )
        for row in _read("event_statuses.json", "statuses")
    }


def _labels(row: Mapping[str, Any], edition: str) -> Mapping[str, str]:
    if edition == "standard" and "labels_standard" in row:
        return row["labels_standard"]
    return row["labels"]


def _schedule(row: Mapping[str, Any], edition: str) -> Mapping[str, Any] | None:
    planned = dict(row["schedule"])
    planned.update(planned.get("by_edition", {}).get(edition, {}))
    if planned["kind"] == "scheduled" and planned.get("cron"):
        return from_cron(planned["cron"]).as_dict()
    if planned["kind"] == "continuous":
        return {
            "kind": "several_times_a_day",
            "every": f"PT{planned['interval_seconds']}S",
            "from": "00:00",
        }
    return None


@cache
def workflows(edition: str) -> tuple[CatalogueEntry, ...]:
    """Return the technical workflows as the engine's registry wants them.

    Schedules differ by edition at installation only; labels differ always.
    """
    return tuple(
        CatalogueEntry(
            internal_name=row["internal_name"],
            package=row["package"],
            labels=_labels(row, edition),
            description=row["description"],
            schedule=_schedule(row, edition),
            schedule_text=row["schedule"]["text"],
            signals=tuple(row["schedule"].get("signals", ())),
            starts_with_package=row["schedule"].get("initial_state") != "stopped",
            aliases=tuple(row.get("aliases", ())),
        )
        for row in _read("technical_workflows.json", "workflows")
    )
