"""Messages from content and data: compiled once, sandboxed, bounded.

The content of a delivery is a mapping of the fields in `FIELDS`, each a template.
Only plain JSON data goes in. A name that is missing shows nothing; `render_strict`
tells which ones are.
"""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import minijinja
from django.conf import settings
from django.utils.translation import gettext as _

from campaign.deliveries.services.mailboxes import Mailbox, MailboxFault
from campaign.deliveries.services.template_filters import FILTERS
from workflows.engine.template_filters import REMOVED
from workflows.engine.template_rules import breaches
from workflows.exceptions import AppError, Fault

FIELDS = ("subject", "sender_name", "sender_address", "reply_address", "html", "text")
MOST_OUTPUT = 1_048_576
MOST_SOURCE = 262_144
MOST_LINE = 512
_STEPS = 100_000
_FEWEST_STEPS = 10_000
#: Steps times size of the source stay below this, so no loop prints without end.
_PRINTED_BOUND = 1 << 28
_COMPILED_CONTENTS = 128
_ENGINE_NOISE = re.compile(r"^[\w ]+: | \(in \w+:\d+\)$")
_PRINTABLE = (str, int, float, list, dict)
_OUTPUT = threading.local()


class RenderError(AppError):
    """The field %(field)s cannot be made (line %(line)s): %(reason)s"""

    code = "render_error"
    status = 422

    def __init__(self, *, field: str, line: int, reason: str) -> None:
        super().__init__(field=field, line=line, reason=reason)
        self.field = field
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message for one target, before it is laid out for the relay."""

    subject: str
    sender_name: str
    sender_address: str
    reply_to: str
    html: str
    text: str

    @property
    def sender(self) -> str:
        """Return name and address as people read them."""
        if not self.sender_name:
            return self.sender_address
        return f"{self.sender_name} <{self.sender_address}>"


class _Compiled:
    """The templates of one content. Fields without any tag are kept as they are."""

    __slots__ = ("environment", "is_template", "sources")

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = dict(zip(FIELDS, sources, strict=True))
        self.is_template = {
            field: any(mark in source for mark in ("{{", "{%", "{#"))
            for field, source in self.sources.items()
        }
        self.environment = _environment(max(map(len, sources)))
        for field, source in self.sources.items():
            if not self.is_template[field]:
                continue
            for breach in breaches(source):
                raise RenderError(field=field, line=breach.line, reason=breach.message)
            try:
                self.environment.add_template(field, source)
            except minijinja.TemplateError as error:
                raise _as_render_error(field, error) from error

    def field(self, field: str, context: Mapping[str, Any], language: str) -> str:
        """Render one field."""
        if not self.is_template[field]:
            return self.sources[field]
        _OUTPUT.length, _OUTPUT.is_html = 0, field == "html"
        try:
            text = self.environment.render_template(
                field, **{**context, "_language": language}
            )
        except minijinja.TemplateError as error:
            raise _as_render_error(field, error) from error
        except (ArithmeticError, ValueError, TypeError, LookupError) as error:
            raise RenderError(field=field, line=0, reason=str(error)) from error
        if len(text) > MOST_OUTPUT:
            raise RenderError(field=field, line=0, reason=_too_long())
        return text


def render(
    content: Mapping[str, Any], context: Mapping[str, Any], language: str = ""
) -> Rendered:
    """Make the message of one target. No SQL.

    Raises RenderError naming field and line. A field that may stand in one line
    only loses its line breaks.
    """
    compiled = _compiled(tuple(str(content.get(field) or "") for field in FIELDS))
    subject, name, address, reply_to = (
        " ".join(compiled.field(field, context, language).split("\n"))
        for field in FIELDS[:4]
    )
    return Rendered(
        subject=subject.replace("\r", " ").strip(),
        sender_name=name.replace("\r", " ").strip(),
        sender_address=address.strip() or settings.MAIL_FROM,
        reply_to=reply_to.strip(),
        html=compiled.field("html", context, language),
        text=compiled.field("text", context, language),
    )


def render_strict(
    content: Mapping[str, Any], context: Mapping[str, Any], language: str = ""
) -> tuple[Rendered, tuple[str, ...]]:
    """Render for a preview: also tell which names the templates miss in the data."""
    return render(content, context, language), missing_names(content, context)


def missing_names(
    content: Mapping[str, Any], context: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the names that the templates read and the data lacks, sorted."""
    compiled = _compiled(tuple(str(content.get(field) or "") for field in FIELDS))
    names = {
        name
        for field, is_template in compiled.is_template.items()
        if is_template
        for name in compiled.environment.undeclared_variables_in_template(
            field, nested=True
        )
    }
    return tuple(sorted(name for name in names if not _is_known(name, context)))


def validate_content(content: Mapping[str, Any]) -> list[Fault]:
    """Return everything that keeps the content from being published. No SQL."""
    return list(_faults(content))


def _faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    for field in FIELDS:
        value = content.get(field)
        if value is not None and not isinstance(value, str):
            yield Fault(field, _("This must be a text."))
            return
    sources = {field: content.get(field) or "" for field in FIELDS}
    if not sources["subject"].strip():
        yield Fault("subject", _("Write a subject."))
    if not sources["html"].strip() and not sources["text"].strip():
        yield Fault("html", _("Write an HTML content or a text content."))
    for field, source in sources.items():
        limit = MOST_SOURCE if field in {"html", "text"} else MOST_LINE
        if len(source) > limit:
            yield Fault(
                field,
                _("This has %(length)d characters; at most %(limit)d are possible.")
                % {"length": len(source), "limit": limit},
            )
        elif field not in {"html", "text"} and ("\n" in source or "\r" in source):
            yield Fault(field, _("This must stand in one line."))
        else:
            yield from _template_faults(field, source)
    for field in ("sender_address", "reply_address"):
        if sources[field].strip() and "{" not in sources[field]:
            try:
                Mailbox.read(sources[field])
            except MailboxFault as error:
                yield Fault(field, error.message)


def _template_faults(field: str, source: str) -> Iterator[Fault]:
    found = [
        Fault(
            field,
            _("Line %(line)d: %(reason)s")
            % {"line": breach.line, "reason": breach.message},
        )
        for breach in breaches(source)
    ]
    yield from found
    if found:
        return
    alone = tuple(source if name == field else "" for name in FIELDS)
    try:
        compiled = _compiled(alone)
        compiled.field(field, {}, "")
    except RenderError as error:
        if error.reason == _too_long() or error.line == 0:
            return  # depends on the data
        if isinstance(error.__cause__, minijinja.TemplateError) and (
            error.__cause__.kind in _DATA_KINDS
        ):
            return
        yield Fault(
            field,
            _("Line %(line)d: %(reason)s")
            % {"line": error.line, "reason": error.reason},
        )


#: Kinds of engine errors that other data may not raise.
_DATA_KINDS = frozenset(
    {
        *("InvalidOperation", "UndefinedError", "UnknownMethod"),
        *("BadSerialization", "OutOfFuel"),
    }
)


@lru_cache(maxsize=_COMPILED_CONTENTS)
def _compiled(sources: tuple[str, ...]) -> _Compiled:
    return _Compiled(sources)


def _environment(longest: int) -> minijinja.Environment:
    environment = minijinja.Environment(
        filters=FILTERS,
        fuel=max(_FEWEST_STEPS, min(_STEPS, _PRINTED_BOUND // max(longest, 1))),
        undefined_behavior="chainable",
        auto_escape_callback=lambda name: name == "html",
        keep_trailing_newline=True,
        finalizer=_shown,
    )
    for name in REMOVED:
        environment.remove_filter(name)
    for name in ("cycler", "debug", "joiner", "namespace"):
        environment.remove_global(name)
    return environment


def _shown(value: Any) -> Any:
    """Return what a value shows: nothing for none and for anything but data."""
    if not isinstance(value, _PRINTABLE):
        return ""
    if isinstance(value, str):
        _OUTPUT.length += len(value)
        if _OUTPUT.length > MOST_OUTPUT:
            raise ValueError(_too_long())
        if _OUTPUT.is_html and type(value) is str and "/" in value:
            # The engine would escape the slashes of every address, too.
            return minijinja.safe(html.escape(value))
    return value


def _too_long() -> str:
    return _("the message grows beyond %(limit)d characters") % {"limit": MOST_OUTPUT}


def _as_render_error(field: str, error: minijinja.TemplateError) -> RenderError:
    reason = str(error.detail or _ENGINE_NOISE.sub("", error.message))
    if error.kind == "OutOfFuel":
        reason = _("the template takes too many steps")
    cause = error.__cause__
    if cause is not None and not isinstance(cause, minijinja.TemplateError):
        reason = str(cause)
    return RenderError(field=field, line=error.line or 0, reason=reason)


def _is_known(name: str, context: Mapping[str, Any]) -> bool:
    value: Any = context
    for part in name.split("."):
        if isinstance(value, list):
            return True  # a method or an index of a list; rendering judges it
        if not isinstance(value, Mapping) or part not in value:
            return part in {"items", "keys", "values", "get"}
        value = value[part]
    return True
