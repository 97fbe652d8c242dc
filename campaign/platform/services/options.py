"""Options: named values that steer the packages, with declared types and defaults.

A package declares its options once, in a module that is imported at start::

    BATCH_SIZE = options.declare(
        "NmsMessageCenter_RoutingBatchSize", options.INTEGER, 500, _("Events per batch")
    )
    ...
    BATCH_SIZE.get()

A row exists only for an option whose value was changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from campaign.platform.models import Option
from workflows import audit, conf
from workflows.engine.calendar import parse_duration
from workflows.exceptions import (
    ConfigurationError,
    DuplicateRegistration,
    Fault,
    InvalidInput,
    NotFound,
    PermissionRefused,
    StaleVersion,
)
from workflows.models import Source

T = TypeVar("T")
TEXT = Option.DataType.TEXT
INTEGER = Option.DataType.INTEGER
DURATION = Option.DataType.DURATION
JSON = Option.DataType.JSON
CHANGE_RIGHT = "platform.change_option"
VIEW_RIGHT = "platform.view_option"
#: What stands in the place of a secret value.
MASK = "••••••"
#: What a custom option is worth without a value.
EMPTY: Mapping[Option.DataType, Any] = {
    Option.DataType.TEXT: "",
    Option.DataType.INTEGER: 0,
    Option.DataType.DURATION: 0,
    Option.DataType.JSON: {},
}


@dataclass(frozen=True, slots=True)
class DeclaredOption(Generic[T]):
    """An option as its package declares it; ``default`` counts without a row."""

    name: str
    data_type: Option.DataType
    default: T
    description: str | Promise
    lowest: int | None = None
    highest: int | None = None
    used_by: str | Promise = ""
    is_secret: bool = False
    is_custom: bool = False

    def get(self) -> T:
        """Return the value in force. One query."""
        row = Option.objects.filter(name=self.name).values_list("value").first()
        return self.default if row is None or row[0] is None else row[0]


@dataclass(frozen=True, slots=True)
class OptionState:
    """An option with the value in force and who gave it."""

    option: DeclaredOption[Any]
    value: Any
    modified_by: Any = None
    modified_at: datetime | None = None

    @property
    def is_changed(self) -> bool:
        """Return whether the value is another one than the default."""
        return bool(self.value != self.option.default)

    @property
    def version(self) -> str:
        """Return the name of the value, for conditional changes."""
        return version_of(self.value)


_declared: dict[str, DeclaredOption[Any]] = {}


def declare(
    name: str,
    data_type: Option.DataType,
    default: T,
    description: str | Promise,
    *,
    lowest: int | None = None,
    highest: int | None = None,
    used_by: str | Promise = "",
    is_secret: bool = False,
) -> DeclaredOption[T]:
    """Declare an option; a duration is a number of seconds.

    ``used_by`` names the package that reads it. The value of a secret one is never
    shown.

    Raises DuplicateRegistration when the name is declared otherwise already, and
    ConfigurationError when the default does not fit the type.
    """
    option = DeclaredOption(
        name, data_type, default, description, lowest, highest, used_by, is_secret
    )
    present = _declared.get(name)
    if present is not None and (present.data_type, present.default) != (
        data_type,
        default,
    ):
        raise DuplicateRegistration(
            name=name, first=str(present.description), second=str(description)
        )
    if check_value(option, default) is not None:
        raise ConfigurationError(
            "The default %(default)s of option %(name)s does not fit its type.",
            default=default,
            name=name,
        )
    _declared[name] = option
    return option


def declared() -> Mapping[str, DeclaredOption[Any]]:
    """Return every declared option by name, in the order of their names."""
    return dict(sorted(_declared.items()))


def get(name: str) -> Any:
    """Return the value in force of a declared option. One query."""
    return find(name).get()


def get_duration(name: str) -> timedelta:
    """Return the value in force of a declared duration. One query."""
    return timedelta(seconds=get(name))


def values() -> dict[str, Any]:
    """Return the values in force of all declared options. One query."""
    return {state.option.name: state.value for state in listed()}


def listed() -> list[OptionState]:
    """Return every option in force, declared and custom ones, by name. One query."""
    rows = {
        row.name: row
        for row in Option.objects.filter(
            Q(name__in=_declared) | Q(is_custom=True)
        ).select_related("modified_by")
    }
    known = {row.name: _of_row(row) for row in rows.values() if row.is_custom}
    known.update(_declared)
    return [_state(option, rows.get(name)) for name, option in sorted(known.items())]


def state_of(name: str) -> OptionState:
    """Return one option with its value. Two queries at most. Raises NotFound."""
    option = find(name)
    row = Option.objects.filter(name=name).select_related("modified_by").first()
    return _state(option, row)


def _state(option: DeclaredOption[Any], row: Option | None) -> OptionState:
    if row is None:
        return OptionState(option, option.default)
    value = option.default if row.value is None else row.value
    return OptionState(option, value, row.modified_by, row.modified_at)


def _of_row(row: Option) -> DeclaredOption[Any]:
    """Return a custom option as if it were declared; its empty value counts as
    default."""
    return DeclaredOption(
        row.name,
        Option.DataType(row.data_type),
        EMPTY[Option.DataType(row.data_type)],
        row.label,
        is_secret=row.is_secret,
        is_custom=True,
    )


def set_value(
    *,
    name: str,
    value: Any,
    acting_operator: AbstractUser | None,
    source: Source,
    at: datetime,
    reason: str = "",
    expected_version: str | None = None,
) -> Any:
    """Change an option and return its new value; None goes back to the default.

    ``acting_operator`` None is the engine itself. Written with its audit entry in
    one transaction; an equal value writes nothing. Raises NotFound,
    PermissionRefused, InvalidInput naming the fault, or StaleVersion when
    ``expected_version`` is given and is not that of the value in force.
    """
    option = find(name)
    if acting_operator is not None and not acting_operator.has_perm(CHANGE_RIGHT):
        raise PermissionRefused(operator=acting_operator, permission=CHANGE_RIGHT)
    wanted = option.default if value is None else value
    fault = check_value(option, wanted)
    if fault is not None:
        raise InvalidInput(
            _("The option %(name)s cannot take this value."), faults=[fault], name=name
        )
    with transaction.atomic():
        row = Option.objects.select_for_update().filter(name=name).first()
        before = option.default if row is None or row.value is None else row.value
        if expected_version not in (None, version_of(before)):
            raise StaleVersion(version=version_of(before), expected=expected_version)
        if before == wanted:
            return wanted
        if wanted == option.default and not option.is_custom:
            Option.objects.filter(name=name).delete()
        else:
            Option.objects.update_or_create(
                name=name,
                defaults={
                    "data_type": option.data_type,
                    "value": wanted,
                    "modified_by_id": acting_operator.pk if acting_operator else None,
                },
            )
        audit.record(
            action="platform.option.changed",
            object_type="platform.option",
            object_id=name,
            object_label=name,
            acting_operator=acting_operator,
            source=source,
            at=at,
            changes={"value": masked(option, before, wanted)},
            reason=reason,
        )
    if name in conf.OPTIONS:
        conf.forget_options()
    return wanted


def masked(option: DeclaredOption[Any], before: Any, after: Any) -> list[Any]:
    """Return both values for the audit trail, those of a secret option hidden."""
    if not option.is_secret:
        return [before, after]
    return [MASK if value else "" for value in (before, after)]


def version_of(value: Any) -> str:
    """Return a short name of a value; equal values have equal ones."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_pointer(name: str, *, lock: bool = False) -> Any:
    """Return how far a workflow has come, or None before its first run.

    With ``lock`` the row is locked for the current transaction.
    """
    rows = Option.objects.filter(name=name)
    if lock:
        rows = rows.select_for_update()
    return rows.values_list("value", flat=True).first()


def write_pointer(name: str, value: Any) -> None:
    """Keep how far a workflow has come, in the caller's transaction; no audit."""
    Option.objects.update_or_create(
        name=name, defaults={"data_type": JSON, "value": value}
    )


def check_value(option: DeclaredOption[Any], value: Any) -> Fault | None:
    """Return what keeps ``value`` from being the option's, or None."""
    match option.data_type:
        case Option.DataType.TEXT:
            if not isinstance(value, str):
                return Fault("value", _("Give a text."))
        case Option.DataType.INTEGER | Option.DataType.DURATION:
            return _check_number(option, value)
        case _:
            try:
                json.dumps(value)
            except (TypeError, ValueError):
                return Fault("value", _("Give a JSON document."))
    return None


def read_text(option: DeclaredOption[Any], text: str) -> Any:
    """Return the value that a person wrote; a duration may be like ``1h30m``.

    Raises InvalidInput when it cannot be one.
    """
    try:
        match option.data_type:
            case Option.DataType.INTEGER:
                return int(text)
            case Option.DataType.DURATION:
                return parse_duration(text)
            case Option.DataType.JSON:
                return json.loads(text)
            case _:
                return text
    except ValueError as error:
        raise InvalidInput(
            _("The option %(name)s cannot take this value."),
            faults=[Fault("value", str(error))],
            name=option.name,
        ) from error


def _check_number(option: DeclaredOption[Any], value: Any) -> Fault | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return Fault("value", _("Give a whole number."))
    lowest = 0 if option.lowest is None else option.lowest
    if value < lowest:
        return Fault("value", _("Give %(lowest)s or more.") % {"lowest": lowest})
    if option.highest is not None and value > option.highest:
        return Fault(
            "value", _("Give %(highest)s or less.") % {"highest": option.highest}
        )
    return None


def find(name: str) -> DeclaredOption[Any]:
    """Return an option; asks the database for a custom one. Raises NotFound."""
    option = _declared.get(name)
    if option is not None:
        return option
    row = Option.objects.filter(name=name, is_custom=True).first()
    if row is not None:
        return _of_row(row)
    raise NotFound(_("No option is named %(name)s."), name=name)
