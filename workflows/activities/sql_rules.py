"""What SQL code is: whether it reads or writes, and whether it is let through.

The server enforces most of it (one statement, read-only transactions); these rules
say beforehand, and in words, what it would refuse, and hold back what an
administrator may do but should not do by accident.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlparse
from django.utils.translation import gettext as _
from sqlparse.tokens import Comment, Name, Punctuation, Token, Whitespace

READING = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
WRITING = frozenset(
    {
        *("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CALL", "REFRESH"),
        *("CREATE", "ALTER", "DROP", "COMMENT", "ANALYZE", "REINDEX", "VACUUM"),
    }
)
#: What CREATE, ALTER and DROP may be about.
OBJECTS = frozenset({"TABLE", "INDEX", "VIEW", "SEQUENCE"})
#: Change the connection, which others use afterwards, or execute a text as SQL.
_FORBIDDEN = re.compile(
    r"(?i)\b(set_config|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite)\b"
)
_BESIDE = frozenset(
    {
        *("UNIQUE", "TEMP", "TEMPORARY", "UNLOGGED", "MATERIALIZED", "RECURSIVE"),
        *("GLOBAL", "LOCAL", "OR", "REPLACE", "OR REPLACE"),
    }
)
SENSITIVE = ("TRUNCATE", "VACUUM FULL", "REINDEX", "CREATE INDEX", "DROP INDEX")


class Handling(StrEnum):
    """What happens to a statement that locks or empties tables."""

    BLOCK = "block"
    WARN = "warn"
    ALLOW = "allow"


class Refused(ValueError):
    """The code is not executed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its verb, and what it is sensitive as, if so."""

    verb: str
    sensitive: str = ""
    is_outside: bool = False

    @property
    def is_reading(self) -> bool:
        """Return whether its verb alone cannot change anything."""
        return self.verb in READING


def judge(code: str) -> Statement:
    """Return what ``code`` is; raises Refused unless it is one known statement."""
    if re.search(r"\\'", code):
        raise Refused(
            _("Write a quote within a text as two quotes, not with a backslash.")
        )
    if re.search(r"/\*(?:(?!\*/).)*/\*", code, re.DOTALL):
        raise Refused(_("Do not put one comment into another."))
    if forbidden := _FORBIDDEN.search(code):
        raise Refused(
            _(
                "%(name)s cannot be used here: it changes the connection, or executes"
                " a text as a statement."
            )
            % {"name": forbidden[0]}
        )
    if re.search(r"(?i)\bu&[\"']", code):
        raise Refused(_("Write names and texts without Unicode escapes."))
    words = _words(code)
    verb = words[0]
    if verb not in READING | WRITING:
        raise Refused(
            _("%(verb)s cannot be executed here; use one of %(known)s.")
            % {"verb": verb, "known": ", ".join(sorted(READING | WRITING))}
        )
    sensitive = ""
    if verb in ("CREATE", "ALTER", "DROP"):
        about = next((word for word in words[1:] if word not in _BESIDE), "")
        if about not in OBJECTS:
            raise Refused(
                _("%(verb)s is possible for %(objects)s only.")
                % {"verb": verb, "objects": ", ".join(sorted(OBJECTS))}
            )
        sensitive = f"{verb} {about}"
    elif verb == "VACUUM":
        sensitive = "VACUUM FULL" if "FULL" in words else ""
    elif verb in SENSITIVE:
        sensitive = verb
    return Statement(
        verb,
        sensitive if sensitive in SENSITIVE else "",
        verb == "VACUUM" or (sensitive != "" and "CONCURRENTLY" in words),
    )


def _words(code: str) -> list[str]:
    """Return the keywords of the one statement, in capitals."""
    statements = [
        statement
        for statement in sqlparse.parse(code)
        if statement.token_first(skip_ws=True, skip_cm=True) is not None
    ]
    if len(statements) > 1:
        raise Refused(_("Write one statement; make an activity of each further one."))
    words = [
        str(token.normalized).upper()
        for statement in statements
        for token in statement.flatten()
        if token.ttype not in Whitespace
        and token.ttype not in Comment
        and token.ttype is not Punctuation
        and (token.ttype in Token.Keyword or token.ttype in Name)
    ]
    if not words:
        raise Refused(_("Write a statement."))
    return words


def handlings(text: str, *, is_searched: bool) -> Mapping[str, Handling]:
    """Return what happens to each sensitive statement.

    ``text`` is like ``TRUNCATE=warn, DROP INDEX=allow``; one that is not named, or
    badly, is blocked. Nothing is held back unless it ``is_searched`` for.
    """
    if not is_searched:
        return dict.fromkeys(SENSITIVE, Handling.ALLOW)
    found = dict.fromkeys(SENSITIVE, Handling.BLOCK)
    for part in re.split(r"[,;\n]", text):
        method, _equals, handling = part.partition("=")
        name = " ".join(method.upper().split())
        if name in found and handling.strip().lower() in set(Handling):
            found[name] = Handling(handling.strip().lower())
    return found
