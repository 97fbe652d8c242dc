"""Properties: reading and changing them by version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from pydantic import ConfigDict

from workflows.actions import EDITABLE, save_properties
from workflows.actions.find import lock_workflow
from workflows.api import rows
from workflows.api.caller import ADMIN, operator_with, reader
from workflows.api.preconditions import expected_tag
from workflows.api.previewing import preview_of
from workflows.api.structure_schemas import PreviewOut
from workflows.api.versions_router import IfMatch, Preview
from workflows.exceptions import Fault, InvalidInput, StaleVersion
from workflows.models import Source, Workflow

router = Router(tags=["Workflows"])


class PropertiesIn(Schema):
    """The properties to change; those left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    own_label: str | None = None
    description: str | None = None
    owner: str | None = Field(None, description="Who answers for it")
    runbook: str | None = Field(None, description="An https address, or a place")
    on_error: str | None = Field(None, description="What to do on an error")
    severity: int | None = Field(None, description="0 normal, 1 production, 2 critical")
    history_days: int | None = None
    error_policy: str | None = None
    max_consecutive_errors: int | None = None
    auto_restart: bool | None = None
    overlap_policy: str | None = None
    parallel_branches: bool | None = None
    blackouts: list[dict[str, Any]] | None = None
    affinity: str | None = None
    expected_seconds: int | None = None
    deadline_seconds: int | None = None
    backlog_max_rows: int | None = None
    backlog_max_seconds: int | None = None
    time_zone: str | None = None
    supervisors: list[str] | None = Field(None, description="Names of groups")
    run_as: str | None = Field(None, description="User name; empty: who starts it")


@router.get(
    "/{internal_name}/properties", response=dict, url_name="workflow_properties"
)
def get_properties(
    request: HttpRequest, response: HttpResponse, internal_name: str
) -> dict[str, Any]:
    """Show the properties that can be changed; ETag is their version."""
    reader(request)
    return _answer(response, rows.find_workflow(internal_name))


@router.put(
    "/{internal_name}/properties",
    response=dict | PreviewOut,
    url_name="workflow_properties",
)
def put_properties(
    request: HttpRequest,
    response: HttpResponse,
    internal_name: str,
    body: PropertiesIn,
    if_match: IfMatch = "",
    reason: str = "",
    preview: Preview = False,
) -> dict[str, Any] | PreviewOut:
    """Change some of the properties; no run is triggered by it.

    With ``preview=1`` nothing is changed; the answer tells the effects.
    """
    operator = operator_with(request, ADMIN, permission="workflows.change_technical")
    workflow = rows.find_workflow(internal_name)
    expected = expected_tag(if_match)
    order: dict[str, Any] = {
        "internal_name": workflow.internal_name,
        "values": _values(body.model_dump(exclude_unset=True)),
        "acting_operator": operator,
        "source": Source.API,
        "reason": reason,
        "at": timezone.now(),
    }
    with transaction.atomic():
        current = version_of(lock_workflow(workflow.internal_name))
        if expected is not None and expected != current:
            raise StaleVersion(version=current, expected=expected)
        if preview:
            return preview_of(save_properties, **order)
        saved = save_properties(**order)
    return _answer(response, saved)


def version_of(workflow: Workflow) -> str:
    """Return a tag that differs whenever one of the properties does."""
    text = json.dumps(_shown(workflow), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _answer(response: HttpResponse, workflow: Workflow) -> dict[str, Any]:
    response["ETag"] = f'"{version_of(workflow)}"'
    return _shown(workflow)


def _shown(workflow: Workflow) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in EDITABLE:
        if name == "supervisors":
            shown[name] = sorted(group.name for group in workflow.supervisors.all())
        elif name == "run_as":
            shown[name] = workflow.run_as.get_username() if workflow.run_as else ""
        else:
            shown[name] = getattr(workflow, name)
    return shown


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return names as groups and operators; raises InvalidInput for unknown ones."""
    values = dict(given)
    faults: list[Fault] = []
    if "supervisors" in values:
        names = values["supervisors"] or []
        groups = {group.name: group for group in Group.objects.filter(name__in=names)}
        missing = [name for name in names if name not in groups]
        if missing:
            text = _("There is no group named %(names)s.")
            faults.append(Fault("supervisors", text % {"names": ", ".join(missing)}))
        values["supervisors"] = list(groups.values())
    if "run_as" in values:
        name = values["run_as"]
        account = get_user_model().objects.filter(username=name).first()
        if name and account is None:
            text = _("No operator is named %(name)s.")
            faults.append(Fault("run_as", text % {"name": name}))
        values["run_as"] = account
    if faults:
        raise InvalidInput(_("The properties have faults."), faults=faults)
    return values
