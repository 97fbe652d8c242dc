"""The cells of the workflow list, written in Python for speed.

A page holds some 450 of them: drawn by templates they took ten times as long as its
queries. Each is drawn once and serves both the table and its live refresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.console.commands import Offer
from workflows.console.templatetags.console import (
    ago,
    icon,
    moment,
    run_bars,
    span,
    state_chip,
)
from workflows.models import Run, RunStatus, State, Workflow

# Those that live refresh swaps, each in an element "<cell>-<pk>".
LIVE = ("state", "last_run", "history", "next_run", "actions")
NONE = format_html('<span class="muted">{}</span>', "—")


@dataclass(frozen=True, slots=True)
class Row:
    """What one row shows beside the workflow itself."""

    workflow: Workflow
    runs: Sequence[Run]
    schedule: str
    package: str
    offers: dict[str, Offer]
    main: Offer
    supervisors: str = ""


def cells(row: Row) -> dict[str, SafeString]:
    """Return every cell of a row by column name. No SQL."""
    workflow = row.workflow
    return {
        "select": _select(workflow),
        "label": _label(workflow),
        "state": state_chip(workflow),
        "package": _clamped(row.package, "muted clamp"),
        "schedule": _clamped(row.schedule, "clamp"),
        "last_run": _last_run(row.runs[0] if row.runs else None),
        "history": run_bars(row.runs),
        "next_run": _next_run(workflow),
        "severity": format_html("{}", workflow.get_severity_display()),
        "owner": _given(workflow.owner),
        "supervisors": _given(row.supervisors),
        "actions": _actions(row),
    }


def _select(workflow: Workflow) -> SafeString:
    return format_html(
        '<input type="checkbox" name="workflow" value="{}" form="bulk-form" data-select'
        ' aria-label="{}">',
        workflow.internal_name,
        _("Select %(label)s") % {"label": workflow.label},
    )


def _label(workflow: Workflow) -> SafeString:
    return format_html(
        '<a class="name{}" href="{}" data-open title="{}">{}</a><code>{}</code>',
        " is-production" if workflow.is_production else "",
        workflow.get_absolute_url(),
        workflow.described,
        workflow.label,
        workflow.internal_name,
    )


def _clamped(text: str, classes: str) -> SafeString:
    return format_html('<span class="{}" title="{}">{}</span>', classes, text, text)


def _given(text: str) -> SafeString:
    """Return what people wrote; no text of ours."""
    if not text:
        return NONE
    return format_html(
        '<span class="clamp" translate="no" title="{}">{}</span>', text, text
    )


def _last_run(run: Run | None) -> SafeString:
    if run is None:
        return format_html('<span class="muted">{}</span>', _("Never"))
    if run.status == RunStatus.FINISHED and run.started_at and run.ended_at:
        words = span(run.ended_at - run.started_at)
    else:
        words = str(run.get_status_display())
    if run.repeats > 1:
        times = ngettext("%(n)s time", "%(n)s times, nothing to do", run.repeats)
        words = f"{words} · {times % {'n': run.repeats}}"
    return format_html(
        '{}<small class="{}">{}</small>',
        moment(run.started_at or run.created_at),
        "bad" if run.status == RunStatus.FAILED else "",
        words,
    )


def _next_run(workflow: Workflow) -> SafeString:
    due = getattr(workflow, "next_due", None)
    if due is not None:
        return format_html("{}<small>{}</small>", moment(due), ago(due))
    if workflow.failed:
        words = _("waits for you")
    elif workflow.state == State.STARTED:
        words = _("on signal")
    else:
        words = str(workflow.get_state_display())
    return format_html("{}<small>{}</small>", NONE, words)


def _actions(row: Row) -> SafeString:
    key, label = row.workflow.pk, row.workflow.label
    more = _("More actions for %(label)s") % {"label": label}
    return format_html(
        '{} <button class="btn btn-icon btn-sm btn-ghost" type="button" id="more-{}"'
        ' popovertarget="menu-{}" aria-label="{}">{}</button>'
        '<div class="menu" id="menu-{}" popover>{}</div>',
        _main(row),
        key,
        key,
        more,
        icon("dots-vertical"),
        key,
        _menu(row),
    )


def _main(row: Row) -> SafeString:
    offer = row.main
    reason = f": {offer.reason}" if offer.reason else ""
    return format_html(
        '<button class="btn btn-icon btn-sm" type="submit" id="main-{}"'
        ' form="command-form" formaction="{}" name="expected_state" value="{}"{}'
        ' title="{}" aria-label="{}">{}</button>',
        row.workflow.pk,
        offer.url,
        row.workflow.state,
        _off(offer),
        offer.label + reason,
        f"{offer.label}, {row.workflow.label}{reason}",
        icon(offer.button.icon),
    )


def _menu(row: Row) -> SafeString:
    return format_html(
        '<ul>{}</ul><hr class="menu-rule"><ul>{}{}</ul>',
        format_html_join("", "<li>{}</li>", _items(row.offers.values())),
        _link(
            f"{row.workflow.get_absolute_url()}?tab=commands#history",
            "history",
            _("Commands and changes"),
        ),
        _link(row.workflow.get_absolute_url(), "file-text", _("Open")),
    )


def _items(offers: Iterable[Offer]) -> Iterable[tuple[SafeString]]:
    for offer in offers:
        if offer.button.asks and offer.is_open:
            yield (
                format_html(
                    '<a class="menu-item{}" href="{}" data-confirm>{}{}…</a>',
                    " is-danger" if offer.button.is_danger else "",
                    offer.confirm_url,
                    icon(offer.button.icon),
                    offer.label,
                ),
            )
            continue
        note = format_html('<p class="menu-note">{}</p>', offer.reason)
        yield (
            format_html(
                '<button class="menu-item" type="submit" form="command-form"'
                ' formaction="{}" name="expected_state" value="{}"{}>{}<span>{}</span>'
                "</button>{}",
                offer.url,
                offer.workflow.state,
                _off(offer),
                icon(offer.button.icon),
                offer.label,
                note if offer.reason else "",
            ),
        )


def _link(url: str, picture: str, label: str) -> SafeString:
    return format_html(
        '<li><a class="menu-item" href="{}">{}{}</a></li>', url, icon(picture), label
    )


def _off(offer: Offer) -> SafeString | str:
    return "" if offer.is_open else format_html(' aria-disabled="{}"', "true")
