"""The configuration of an instance as one document, section by section.

Each application registers what it owns::

    configuration.register(
        Section("options", _("Options"), order=10, export=export, apply=apply)
    )

``export`` returns every object as plain data, each with its name under ``key``;
``apply`` writes one of them by the same audited actions as everybody. An import is
tried out object by object in a transaction; a preview takes it back again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from workflows import audit, conf
from workflows.actions import rights
from workflows.exceptions import AppError, Fault, InvalidInput
from workflows.models import Source

FORMAT = "campaign-configuration"
VERSION = 1
EXPORT_RIGHT = "platform.view_option"
IMPORT_RIGHT = "platform.change_option"
MOST_OBJECTS = 5_000
MOST_DIFFERENCES = 30
#: Says nothing to a person: it differs whenever anything does.
_CHECKSUM = "checksum"


@dataclass(frozen=True, slots=True)
class Acting:
    """Who imports, from where, when."""

    acting_operator: Any
    source: Source
    at: datetime

    def order(self) -> dict[str, Any]:
        """Return what every action takes."""
        return {
            "acting_operator": self.acting_operator,
            "source": self.source,
            "at": self.at,
        }


Export = Callable[[], Iterable[Mapping[str, Any]]]
Apply = Callable[[Mapping[str, Any], Acting], None]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the configuration; ``permission`` is what reading it needs."""

    name: str
    label: str | Promise
    export: Export
    apply: Apply
    order: int = 50
    key: str = "internal_name"
    permission: str = ""


class Outcome(StrEnum):
    """What an import does with an object."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value before and after."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one object, and why not, if so."""

    section: str
    section_label: str
    name: str
    outcome: Outcome
    why: str = ""
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do; ``digest`` names exactly this."""

    planned: tuple[Planned, ...]
    digest: str
    is_applied: bool = False

    def count(self, outcome: Outcome) -> int:
        """Return how many objects end so."""
        return sum(one.outcome is outcome for one in self.planned)

    @property
    def changes_anything(self) -> bool:
        """Return whether the import writes anything."""
        return bool(self.count(Outcome.NEW) or self.count(Outcome.CHANGED))


class ImportRefused(AppError):
    """%(count)s objects are refused: mend them, or import without them."""

    code = "import_refused"
    status = 409


class PreviewStale(AppError):
    """The configuration changed since the preview: look at it again."""

    code = "preview_stale"
    status = 409


_sections: dict[str, Section] = {}


def register(section: Section) -> Section:
    """Add a section, or replace the one of that name."""
    _sections[section.name] = section
    return section


def sections() -> list[Section]:
    """Return the sections in their order, in which they are also imported."""
    return sorted(_sections.values(), key=lambda one: (one.order, one.name))


def export_configuration(
    *, names: Sequence[str] = (), acting_operator: Any, at: datetime
) -> dict[str, Any]:
    """Return the document of the named sections; none named: of all.

    Raises PermissionRefused, and InvalidInput for an unknown section.
    """
    rights.require(acting_operator, EXPORT_RIGHT)
    unknown = [name for name in names if name not in _sections]
    if unknown:
        raise InvalidInput(
            _("There is no such section."),
            faults=[Fault("sections", _("Choose of %(known)s.") % {"known": _known()})],
        )
    chosen = [one for one in sections() if not names or one.name in names]
    for section in chosen:
        if section.permission:
            rights.require(acting_operator, section.permission)
    return {
        "format": FORMAT,
        "version": VERSION,
        "instance": settings.PUBLIC_URL,
        "exported_at": at.isoformat(),
        "sections": {one.name: list(one.export()) for one in chosen},
    }


def import_configuration(
    *,
    document: Any,
    preview: bool = False,
    without_refused: bool = False,
    expected_digest: str = "",
    acting_operator: Any,
    source: Source,
    at: datetime,
) -> Imported:
    """Bring this instance in line with a document; nothing is ever deleted.

    One transaction: all, or nothing when an object is refused, unless those are to
    be left out. Raises InvalidInput for what is no such document, PermissionRefused,
    ImportRefused, and PreviewStale when the result is not that of the preview.
    """
    rights.require(acting_operator, IMPORT_RIGHT)
    objects = _read(document)
    acting = Acting(acting_operator, source, at)
    try:
        with transaction.atomic():
            planned = tuple(_import_all(objects, acting))
            imported = Imported(planned, _digest(planned), not preview)
            if preview:
                transaction.set_rollback(True)
                return imported
            refused = imported.count(Outcome.REFUSED)
            if refused and not without_refused:
                raise ImportRefused(count=refused)
            if expected_digest and expected_digest != imported.digest:
                raise PreviewStale
            if imported.changes_anything:
                _record(imported, acting)
    finally:
        conf.forget_options()  # what was tried is not in force
    return imported


def _read(document: Any) -> list[tuple[Section, list[Any]]]:
    """Return the objects of a document by section, in the order of import."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise InvalidInput(
            _("This is no configuration document."),
            faults=[Fault("format", _("Give a document that an export wrote."))],
        )
    if document.get("version") != VERSION:
        raise InvalidInput(
            _("This version of the document cannot be read."),
            faults=[Fault("version", _("Export it from an instance like this one."))],
        )
    given = document.get("sections")
    if not isinstance(given, Mapping):
        raise InvalidInput(
            _("The document has no sections."),
            faults=[Fault("sections", _("Give an object of sections."))],
        )
    faults = []
    for name, objects in given.items():
        field_name = f"sections.{name}"
        if name not in _sections:
            words = _("There is no such section here; known are %(known)s.")
            faults.append(Fault(field_name, words % {"known": _known()}))
        elif not isinstance(objects, list):
            faults.append(Fault(field_name, _("Give a list of objects.")))
        else:
            key = _sections[name].key
            faults += [
                Fault(
                    f"{field_name}[{index}]",
                    _("Give an object with %(key)s.") % {"key": key},
                )
                for index, one in enumerate(objects)
                if not isinstance(one, Mapping) or not isinstance(one.get(key), str)
            ]
    if sum(len(objects) for objects in given.values() if isinstance(objects, list)) > (
        MOST_OBJECTS
    ):
        words = _("Give %(most)s objects or fewer.") % {"most": MOST_OBJECTS}
        faults.append(Fault("sections", words))
    if faults:
        raise InvalidInput(_("The document has faults."), faults=faults)
    return [(one, given[one.name]) for one in sections() if one.name in given]


def _import_all(
    objects: list[tuple[Section, list[Any]]], acting: Acting
) -> Iterable[Planned]:
    for section, wanted in objects:
        present = {one[section.key]: one for one in section.export()}
        tried: list[_Tried] = []
        for one in wanted:
            before = present.get(one[section.key])
            if before is not None and _is_same(before, one):
                tried.append(_Tried(one[section.key], before))
            else:
                tried.append(_try(section, one, before, acting))
        after = {one[section.key]: one for one in section.export()}
        for entry in tried:
            yield _planned(section, entry, after.get(entry.name))


@dataclass(frozen=True, slots=True)
class _Tried:
    """An object after the attempt to write it."""

    name: str
    before: Mapping[str, Any] | None
    why: str = field(default="")


def _try(
    section: Section,
    wanted: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    acting: Acting,
) -> _Tried:
    name = wanted[section.key]
    try:
        with transaction.atomic():
            section.apply(wanted, acting)
    except AppError as error:
        details = "; ".join(f"{one.field}: {one.message}" for one in error.faults)
        return _Tried(name, before, f"{error.message} {details}".strip())
    except (DatabaseError, TypeError, ValueError, KeyError, AttributeError) as error:
        # The document is foreign: what it holds may be of any form.
        words = _("It has not the form that an export writes (%(error)s).")
        return _Tried(name, before, words % {"error": type(error).__name__})
    return _Tried(name, before)


def _planned(
    section: Section, tried: _Tried, after: Mapping[str, Any] | None
) -> Planned:
    common = (section.name, str(section.label), tried.name)
    if tried.why:
        return Planned(*common, Outcome.REFUSED, tried.why)
    if tried.before is None:
        return Planned(*common, Outcome.NEW)
    if after is None or _is_same(tried.before, after):
        return Planned(*common, Outcome.SAME)
    differences = tuple(_differences(_leaves(tried.before), _leaves(after)))
    return Planned(*common, Outcome.CHANGED, differences=differences)


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterable[Difference]:
    names = [
        name
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name) and name != _CHECKSUM
    ]
    for name in names[:MOST_DIFFERENCES]:
        yield Difference(name, _shown(before.get(name)), _shown(after.get(name)))
    if len(names) > MOST_DIFFERENCES:
        yield Difference("…", "", f"+{len(names) - MOST_DIFFERENCES}")


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return every single value of an object by its path."""
    if isinstance(value, Mapping) and value:
        parts = [(f"{path}.{name}".lstrip("."), one) for name, one in value.items()]
    elif isinstance(value, list) and value:
        parts = [(f"{path}[{index}]", one) for index, one in enumerate(value)]
    else:
        return {path: value}
    return {leaf: it for name, one in parts for leaf, it in _leaves(one, name).items()}


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _plain(one) == _plain(other)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:299]}…"


def _digest(planned: Sequence[Planned]) -> str:
    told = [
        [
            one.section,
            one.name,
            one.outcome.value,
            one.why,
            [[d.field, d.before, d.after] for d in one.differences],
        ]
        for one in planned
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _record(imported: Imported, acting: Acting) -> None:
    """Keep which objects came in; each has an entry of its own beside this one."""
    changed = [
        f"{one.section}/{one.name}"
        for one in imported.planned
        if one.outcome in (Outcome.NEW, Outcome.CHANGED)
    ]
    audit.record(
        action="platform.configuration.imported",
        object_type="platform.configuration",
        object_id=imported.digest,
        changes={"objects": [None, changed]},
        **acting.order(),
    )


def _known() -> str:
    return ", ".join(one.name for one in sections())
