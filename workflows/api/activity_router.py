"""What workflows may be made of."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from workflows.activities.description import described, options_schema
from workflows.api.caller import reader

router = Router(tags=["Structure"])


class ActivityTypeOut(Schema):
    """A kind of activity."""

    name: str
    label: str
    description: str
    icon: str
    is_initial: bool = Field(description="Whether nothing may lead to it")
    needs_right: str = Field(description="The right to write it; empty: none more")
    outputs: list[str] = Field(description="Its fixed transitions")
    output_lists: list[str] = Field(
        description="The parameters whose items are transitions too"
    )
    can_process_errors: bool
    parameters: dict[str, Any] = Field(description="JSON schema of the parameters")


class ActivityTypes(Schema):
    """The kinds of activities, by name, and what each may carry."""

    items: list[ActivityTypeOut]
    next: str | None = None
    options: dict[str, Any] = Field(
        description="JSON schema of what every activity may carry beside parameters"
    )


@router.get("/activities", response=ActivityTypes, url_name="activities")
def list_activity_types(request: HttpRequest) -> dict[str, Any]:
    """List the kinds of activities with the JSON schema of their parameters."""
    reader(request)
    return {"items": described(), "options": options_schema()}
