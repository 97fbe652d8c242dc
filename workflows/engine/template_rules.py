"""What a template or an expression may contain.

More than the template engine enforces by itself: that already has no way to
Python's attributes, no files and a cap on steps.
These rules take away what could still make a text grow without bound (products and
doublings of texts, macros, recursion) and every name that would reach a method of
the data instead of the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

STATEMENTS = frozenset(
    {
        *("if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith"),
        *("raw", "endraw", "continue", "break"),
    }
)
FUNCTIONS = frozenset({"range", "dict"})
METHODS = frozenset(
    {
        *("items", "keys", "values", "get", "cycle", "upper", "lower", "title"),
        *("capitalize", "strip", "lstrip", "rstrip", "split", "startswith"),
        *("endswith", "find", "isdigit", "isalpha", "index", "count"),
    }
)
#: An attribute of these names would read a method of the map that lacks it.
RESERVED = frozenset(name for name in dir(dict) if name[0] != "_")
#: Each joining of texts in a statement can double a text.
MOST_JOININGS = 8

_TAG = re.compile(r"\{([{%#])[-+]?")
_TOKEN = re.compile(
    r"\s+|(?P<text>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    r"|(?P<number>\d[\d_.]*(?:[eE][-+]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<close>[-+]?[%}]\})|(?P<sign>\*\*|//|[=!<>]=|.)",
    re.DOTALL,
)
_END_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a template breaks, and the line where."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class _Tag:
    is_statement: bool
    line: int
    tokens: tuple[_Token, ...]


def breaches(source: str, functions: frozenset[str] = FUNCTIONS) -> list[Breach]:
    """Return every rule that the template breaks, in reading order.

    ``functions`` are the names that it may call.
    """
    found: list[Breach] = []
    joinings = 0
    for tag in _tags(source):
        found += (Breach(tag.line, message) for message in _faults_of(tag, functions))
        if tag.is_statement:
            before = joinings
            joinings += sum(token.value in {"~", "+"} for token in tag.tokens)
            if before <= MOST_JOININGS < joinings:
                found.append(
                    Breach(
                        tag.line,
                        _(
                            "Texts are joined more than %(most)d times in statements:"
                            " join them where they are shown."
                        )
                        % {"most": MOST_JOININGS},
                    )
                )
    return found


def applied(source: str) -> Iterator[tuple[str, str]]:
    """Yield what the tags apply: ``|`` with the name of a filter, ``is`` of a test."""
    for tag in _tags(source):
        words = [token.value for token in tag.tokens]
        kinds = [token.kind for token in tag.tokens]
        for index, word in enumerate(words[:-1]):
            follower = index + 1
            if word == "is" and words[follower] == "not":
                follower += 1
            if (
                word in {"|", "is"}
                and follower < len(words)
                and kinds[index] != "text"
                and kinds[follower] == "name"
            ):
                yield word, words[follower]


def _tags(source: str) -> Iterator[_Tag]:
    """Yield the tags of a template; what is no tag is text. A tag that never ends
    is left to the compiler, whose message names it."""
    position = 0
    while (opening := _TAG.search(source, position)) is not None:
        kind, position = opening[1], opening.end()
        if kind == "#":
            end = source.find("#}", position)
            position = len(source) if end < 0 else end + 2
            continue
        line = source.count("\n", 0, opening.start()) + 1
        closing = "%}" if kind == "%" else "}}"
        tokens: list[_Token] = []
        depth = 0
        while position < len(source):
            match = _TOKEN.match(source, position)
            if match is None:  # pragma: no cover (the last branch takes anything)
                break
            group = match.lastgroup
            if group == "close" and match[0].endswith(closing) and depth == 0:
                position = match.end()
                break
            if group == "close":  # a map's brace, or an operator before one
                position += 1
                value, group = match[0][0], "sign"
            else:
                position = match.end()
                value = match[0]
            depth += (value == "{") - (value == "}" and depth > 0)
            if group is not None:
                tokens.append(_Token(group, value))
        yield _Tag(kind == "%", line, tuple(tokens))
        if kind == "%" and tokens and tokens[0].value == "raw":
            raw_end = _END_RAW.search(source, position)
            position = len(source) if raw_end is None else raw_end.end()


def _faults_of(tag: _Tag, functions: frozenset[str]) -> Iterator[str]:
    tokens = tag.tokens
    if tag.is_statement and tokens:
        yield from _statement_faults(tokens)
    for index, token in enumerate(tokens):
        before = tokens[index - 1].value if index else ""
        after = tokens[index + 1].value if index + 1 < len(tokens) else ""
        if token.kind == "sign" and token.value in {"*", "**"}:
            yield _(
                "Products are written with the filter times, as in"
                " ctx.price|times(ctx.quantity)."
            )
        elif token.kind == "text" and before == "[":
            if token.value[1:-1] in RESERVED or token.value[1:2] == "_":
                yield _("The name %(name)s cannot be read: rename the attribute.") % {
                    "name": token.value
                }
        elif token.kind == "name" and not (tag.is_statement and index == 0):
            yield from _name_faults(token.value, before, after, functions)


def _statement_faults(tokens: tuple[_Token, ...]) -> Iterator[str]:
    word = tokens[0].value
    values = [token.value for token in tokens]
    if word not in STATEMENTS:
        yield _("The statement %(word)s is not allowed; use one of %(allowed)s.") % {
            "word": word,
            "allowed": ", ".join(sorted(STATEMENTS)),
        }
    elif word == "set" and "=" not in values:
        yield _("The statement set needs a value on the same tag.")
    elif word == "for" and "recursive" in values:
        yield _("Loops cannot be recursive.")


def _name_faults(
    name: str, before: str, after: str, functions: frozenset[str]
) -> Iterator[str]:
    if name[0] == "_":
        yield _("The name %(name)s is not allowed: names start with a letter.") % {
            "name": name
        }
    elif before == ".":
        if after == "(" and name not in METHODS:
            yield _("The method %(name)s is not allowed; use a filter.") % {
                "name": name
            }
        elif after != "(" and name in RESERVED:
            yield _("The name %(name)s means a method here: rename the attribute.") % {
                "name": name
            }
    elif (
        after == "("
        and before not in {"|", "is", "not"}
        and name not in functions
        and name not in {"if", "else", "in", "and", "or", "not", "is"}
    ):
        yield _("The function %(name)s is not allowed.") % {"name": name}
