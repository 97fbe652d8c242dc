"""Which zone a schedule is computed in."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

DEFAULT: Final = "default"
SERVER: Final = "server"
USER: Final = "user"
DATABASE: Final = "database"
NAMED_ZONES: Final = (DEFAULT, SERVER, USER, DATABASE)

_NO_PLACES = ("posix/", "right/")
_NO_ZONES = frozenset({"posixrules", "localtime", "Factory"})


def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of the tz database called ``name``, or ``None``."""
    if name in _NO_ZONES or name.startswith(_NO_PLACES):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def resolve_zone(
    tz: str,
    *,
    workflow_tz: str = "",
    server_tz: str,
    user_tz: str = "",
    database_tz: str = "",
) -> ZoneInfo:
    """Return the zone in which a schedule with the choice ``tz`` is computed.

    Order: activity, then workflow, then server. ``user`` is the zone of the
    account the workflow runs as; where it or the database zone is unknown, the
    server's zone is used. Raises ``ValueError`` naming a zone that the tz
    database does not have. *Source:* managing-time-zones.md.
    """
    choice = tz
    if choice in ("", DEFAULT):
        choice = workflow_tz
    if choice == USER:
        choice = user_tz
    elif choice == DATABASE:
        choice = database_tz
    if choice in ("", *NAMED_ZONES):
        choice = server_tz
    zone = find_zone(choice)
    if zone is None:
        raise ValueError(
            f'The time zone "{choice}" is not in the tz database; choose a name such'
            " as Europe/Paris, or install the tzdata package if every name is refused."
        )
    return zone
