"""Export and import of the configuration."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from campaign.platform import configuration
from campaign.platform.configuration import Outcome
from campaign.platform.console import acting
from workflows.console import access
from workflows.console.appearance import Look
from workflows.exceptions import AppError, Fault, InvalidInput

MOST_BYTES = 5 * 1024 * 1024
LOOKS = {
    Outcome.NEW: Look(gettext_lazy("New"), "circle-plus", "ok"),
    Outcome.CHANGED: Look(gettext_lazy("Changed"), "pencil", "warn"),
    Outcome.SAME: Look(gettext_lazy("Same"), "check", border="dashed"),
    Outcome.REFUSED: Look(gettext_lazy("Refused"), "alert-octagon", "bad", "outlined"),
}


@access.requires(configuration.EXPORT_RIGHT)
@require_safe
def configuration_page(request: HttpRequest) -> HttpResponse:
    """Offer export and import."""
    return _page(request)


def _page(
    request: HttpRequest, error: AppError | None = None, status: int = 200
) -> HttpResponse:
    shown = [
        {
            "section": one,
            "refusal": access.lacking(request, one.permission)
            if one.permission
            else "",
        }
        for one in configuration.sections()
    ]
    return render(
        request,
        "platform/configuration.html",
        {
            "sections": shown,
            "error": error,
            "refusal": access.lacking(request, configuration.IMPORT_RIGHT),
        },
        status=status,
    )


@access.requires(configuration.EXPORT_RIGHT)
@require_safe
def configuration_export(request: HttpRequest) -> HttpResponse:
    """Answer with the document of the chosen sections, as a file."""
    at = timezone.now()
    names = request.GET.getlist("section")
    if not names:
        error = InvalidInput(_("Choose at least one section to export."))
        return _page(request, error, 422)
    document = configuration.export_configuration(
        names=names, acting_operator=request.user, at=at
    )
    text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
    reply = HttpResponse(text, content_type="application/json")
    name = f"configuration-{at:%Y%m%d-%H%M%S}.json"
    reply["Content-Disposition"] = f'attachment; filename="{name}"'
    return reply


@access.requires(configuration.IMPORT_RIGHT)
@require_POST
def configuration_preview(request: HttpRequest) -> HttpResponse:
    """Show what an uploaded document would change; nothing is changed yet."""
    try:
        text = _uploaded(request)
        imported = configuration.import_configuration(
            document=_parsed(text), preview=True, **acting.order_of(request)
        )
    except AppError as error:
        return _page(request, error, 422)
    return _preview(request, text, imported)


def _preview(
    request: HttpRequest,
    text: str,
    imported: configuration.Imported,
    error: AppError | None = None,
) -> HttpResponse:
    rows: list[dict[str, Any]] = [
        {"one": one, "look": LOOKS[one.outcome]}
        for one in imported.planned
        if one.outcome is not Outcome.SAME
    ]
    return render(
        request,
        "platform/configuration_preview.html",
        {
            "document": text,
            "imported": imported,
            "rows": rows,
            "new": imported.count(Outcome.NEW),
            "changed": imported.count(Outcome.CHANGED),
            "same": imported.count(Outcome.SAME),
            "refused": imported.count(Outcome.REFUSED),
            "error": error,
        },
        status=409 if error else 200,
    )


@access.requires(configuration.IMPORT_RIGHT)
@require_POST
def configuration_import(request: HttpRequest) -> HttpResponse:
    """Apply a document whose preview was shown; show it anew if it differs now."""
    text = request.POST.get("document", "")
    order = acting.order_of(request)
    try:
        document = _parsed(text)
        imported = configuration.import_configuration(
            document=document,
            without_refused="without_refused" in request.POST,
            expected_digest=request.POST.get("digest", ""),
            **order,
        )
    except (configuration.PreviewStale, configuration.ImportRefused) as error:
        again = configuration.import_configuration(
            document=document, preview=True, **order
        )
        return _preview(request, text, again, error)
    except AppError as error:
        return _page(request, error, 422)
    words = {
        "new": imported.count(Outcome.NEW),
        "changed": imported.count(Outcome.CHANGED),
    }
    messages.success(request, _("Imported: %(new)s new, %(changed)s changed.") % words)
    return redirect("platform:configuration")


def _uploaded(request: HttpRequest) -> str:
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput(_("Choose the file of an export."))
    if (file.size or 0) > MOST_BYTES:
        raise InvalidInput(_("The file is larger than 5 MB."))
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(_("The file is no text in UTF-8.")) from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        words = _("Line %(line)s, column %(column)s: this is no JSON.")
        raise InvalidInput(
            _("The file cannot be read."),
            faults=[Fault("file", words % {"line": line, "column": column})],
        ) from error
