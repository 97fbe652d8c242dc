"""Tags of the console: icons, chips, instants, sparklines; see components/README.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.template.base import render_value_in_context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows import registry
from workflows.console import appearance, changes, wording
from workflows.console.appearance import Look
from workflows.models import (
    AuditEntry,
    Command,
    Occurrence,
    Run,
    RunStatus,
    Task,
    Workflow,
)

register = template.Library()

NOTHING = "—"


@register.simple_tag
def icon(name: str, extra: str = "", title: str = "") -> SafeString:
    """Draw an icon of the sprite; decorative unless it has a title."""
    return _icon(name, f"icon {extra}".strip(), title, static("icons/sprite.svg"))


@lru_cache(maxsize=1024)
def _icon(name: str, classes: str, title: str, sprite: str) -> SafeString:
    address = f"{sprite}#{name}"
    if title:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><title>{}</title>'
            '<use href="{}"/></svg>',
            classes,
            title,
            title,
            address,
        )
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, address
    )


@register.simple_tag
def chip(look: Look, label: str = "", title: str = "") -> SafeString:
    """Draw a status chip: icon, word, tone, border."""
    classes = f"chip tone-{look.tone}"
    if look.border:
        classes += f" is-{look.border}"
    if look.turns:
        classes += " is-turning"
    return format_html(
        '<span class="{}"{}>{}{}</span>',
        classes,
        format_html(' title="{}"', title) if title else "",
        icon(look.icon),
        label or look.label,
    )


@register.simple_tag
def state_chip(workflow: Workflow, is_executing: bool | None = None) -> SafeString:
    """Draw the chip of a workflow's one derived status.

    ``is_executing`` says whether a task is at work; by default the attribute
    ``is_executing`` that the console's queries annotate.
    """
    if is_executing is None:
        is_executing = bool(getattr(workflow, "is_executing", False))
    return chip(appearance.of_workflow(workflow, is_executing=is_executing))


@register.simple_tag
def run_chip(run: Run) -> SafeString:
    """Draw the chip of a run."""
    return chip(appearance.of(appearance.RUNS, run.status))


@register.simple_tag
def task_chip(task: Task) -> SafeString:
    """Draw the chip of a task: what it is doing, or how it ended."""
    return chip(appearance.of_task(task.status, task.substate))


@register.simple_tag
def occurrence_chip(occurrence: Occurrence) -> SafeString:
    """Draw the chip of a planned instant's outcome."""
    return chip(appearance.of(appearance.OCCURRENCES, occurrence.outcome))


@register.simple_tag
def command_chip(command: Command) -> SafeString:
    """Draw the chip of what became of a command."""
    return chip(appearance.of(appearance.COMMANDS, command.status))


@register.filter
def state_word(state: str) -> str:
    """Return the word of a stored state."""
    return str(appearance.of(appearance.STATES, state).label) if state else NOTHING


@register.filter
def audit_words(entry: AuditEntry) -> str:
    """Return what an audit entry tells."""
    return changes.told(entry)


@register.filter
def audit_lines(entry: AuditEntry) -> list[changes.Line]:
    """Return the fields of an audit entry, before and after."""
    return changes.lines(entry)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """Show an instant in the reader's zone, its ISO form on hover."""
    return _time(value, wording.moment(value)) if value else NOTHING


@register.filter
def moment_seconds(value: datetime | None) -> SafeString | str:
    """Show an instant to the second."""
    return _time(value, wording.moment(value, seconds=True)) if value else NOTHING


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """Show the time of day of an instant, with seconds."""
    return _time(value, wording.clock(value)) if value else NOTHING


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """Show how far off an instant is; the browser keeps it current."""
    if not value:
        return NOTHING
    text = wording.relative(value, now=timezone.now())
    return format_html(
        '<time datetime="{0}" title="{0}" data-relative>{1}</time>',
        wording.iso(value),
        text,
    )


def _time(value: datetime, text: str) -> SafeString:
    return format_html(
        '<time class="num" datetime="{0}" title="{0}">{1}</time>',
        wording.iso(value),
        text,
    )


@register.filter
def span(value: timedelta | float | None) -> str:
    """Show a length of time; a number is seconds."""
    return NOTHING if value is None else wording.span(value)


@register.filter
def number(value: float | None) -> str:
    """Show a number with the grouping of the language."""
    return NOTHING if value is None else wording.number(value)


@register.filter
def run_length(run: Run) -> float:
    """Return how many seconds a run took; 0 while it is not over."""
    return _seconds(run)


@register.filter
def task_length(task: Task) -> float | None:
    """Return how many seconds a task took; None while it is not over."""
    if task.started_at is None or task.completed_at is None:
        return None
    return (task.completed_at - task.started_at).total_seconds()


@register.simple_tag
def zone_name() -> str:
    """Return the zone in which this page shows its times."""
    return timezone.get_current_timezone_name()


RUN_BARS: dict[str, str] = {
    RunStatus.FINISHED: "ok",
    RunStatus.FINISHED_WITH_ERRORS: "warn",
    RunStatus.FAILED: "bad",
    RunStatus.RUNNING: "run",
    RunStatus.QUEUED: "run",
    RunStatus.DEFERRED: "run",
}


@register.simple_tag
def run_bars(
    runs: Sequence[Run], slots: int = 14, width: int = 70, height: int = 18
) -> SafeString:
    """Draw the last runs, oldest left: height is duration, tone is outcome."""
    recent = list(runs)[:slots]
    seconds = [_seconds(run) for run in recent]
    bars = [
        (RUN_BARS.get(run.status, "none"), value)
        for run, value in zip(recent, seconds, strict=True)
    ]
    good = sum(run.status == RunStatus.FINISHED for run in recent)
    text = ngettext(
        "Last run: %(good)s of %(all)s finished without error",
        "Last %(all)s runs: %(good)s finished without error",
        len(recent),
    ) % {"good": good, "all": len(recent)}
    if not recent:
        text = _("No run yet")
    return bar_chart(list(reversed(bars)), slots, width, height, text)


@register.simple_tag
def bar_chart(
    bars: Sequence[tuple[str, float]],
    slots: int = 14,
    width: int = 70,
    height: int = 18,
    label: str = "",
) -> SafeString:
    """Draw small bars; each is (tone, value), placed at the right end.

    Tones: ok, warn, bad, run, none. The label is the text alternative.
    """
    shown = list(bars)[-slots:]
    top = max((value for _tone, value in shown), default=0) or 1
    step = width / slots
    rects = [
        (f"{index * step:.1f}", f"{height - 2}", f"{step * 0.66:.1f}", "2", "none")
        for index in range(slots - len(shown))
    ]
    for index, (tone, value) in enumerate(shown, start=slots - len(shown)):
        tall = max(3.0, height * (0.25 + 0.75 * (value / top) ** 0.5))
        rects.append(
            (
                f"{index * step:.1f}",
                f"{height - tall:.1f}",
                f"{step * 0.66:.1f}",
                f"{tall:.1f}",
                tone,
            )
        )
    return format_html(
        '<svg class="spark" role="img" aria-label="{0}" width="{1}" height="{2}"'
        ' viewBox="0 0 {1} {2}"><title>{0}</title>{3}</svg>',
        label,
        width,
        height,
        format_html_join(
            "",
            '<rect x="{}" y="{}" width="{}" height="{}" rx="1" class="spark-{}"/>',
            rects,
        ),
    )


def _seconds(run: Run) -> float:
    """Return how long a run took; 0 while it is not over."""
    if run.started_at is None or run.ended_at is None:
        return 0.0
    return (run.ended_at - run.started_at).total_seconds()


@register.simple_tag
def week_strip(hours: Sequence[int], days: int = 7) -> SafeString:
    """Draw the hours of a week in which a schedule begins; decorative."""
    width = days * 24
    return format_html(
        '<svg class="week-strip" aria-hidden="true" viewBox="0 0 {0} 14"'
        ' preserveAspectRatio="none"><rect class="ground" width="{0}" height="14"/>'
        "{1}{2}</svg>",
        width,
        format_html_join(
            "",
            '<rect class="day" x="{}" width="0.5" height="14"/>',
            ((day * 24,) for day in range(1, days)),
        ),
        format_html_join(
            "",
            '<rect class="mark" x="{}" y="3" width="1" height="8"/>',
            ((hour,) for hour in hours),
        ),
    )


@register.filter
def package_name(slug: str) -> str:
    """Return the label of a package."""
    return registry.package_label(slug) if slug else NOTHING


@register.simple_tag(takes_context=True)
def field(context: template.Context, bound: Any, classes: str = "") -> SafeString:
    """Draw a form field with label, help and errors, tied together for readers."""
    drawn = render_to_string(
        "components/field.html", {"field": bound, "classes": classes}
    )
    return mark_safe(drawn)  # noqa: S308 (rendered by the auto-escaping engine)


@register.filter
def pairs(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the items of a mapping, for a template that shows them."""
    return value.items() if hasattr(value, "items") else ()


@register.simple_tag(takes_context=True)
def row_cells(context: template.Context, row: Any) -> SafeString:
    """Draw the cells of a django-tables2 row; plain ones get their header as label.

    In Python, for a page of fifty rows asks for some 450 of them.
    """
    return format_html_join(
        "",
        "<td{}>{}</td>",
        (
            (_td_attributes(column), render_value_in_context(cell, context))
            for column, cell in row.items()
        ),
    )


def _td_attributes(column: Any) -> SafeString:
    """Return the attributes of a cell, once per column unless they are computed."""
    kept: SafeString | None = vars(column).get("console_td")
    if kept is not None:
        return kept
    attributes = column.attrs.get("td", {})
    drawn = format_html_join("", ' {}="{}"', attributes.items())
    if column.header and not attributes.get("class"):
        drawn += format_html(' data-label="{}"', column.header)
    if not any(callable(v) for v in column.column.attrs.get("td", {}).values()):
        vars(column)["console_td"] = drawn
    return drawn
