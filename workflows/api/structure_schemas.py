"""What the API takes and answers about structures, their versions and properties."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from workflows.actions import Effects, SavedStructure
from workflows.api import rows
from workflows.api.schemas import StructureOut
from workflows.engine.diff import StructureDiff
from workflows.engine.findings import Finding
from workflows.models import StructureVersion, Workflow

RemovedTasksIn = Literal["refuse", "cancel"]


class FindingOut(Schema):
    """One thing to say about a structure: where, what, and what to do."""

    activity: str
    field: str
    message: str
    level: str = Field(description="error, incomplete (saved, not started), warning")

    @classmethod
    def of(cls, finding: Finding) -> FindingOut:
        """Return a finding."""
        return cls(
            activity=finding.activity,
            field=finding.field,
            message=finding.message,
            level=finding.level,
        )


class DiffOut(Schema):
    """What differs between two structures, as data and in sentences."""

    activities: dict[str, list[dict[str, Any]]]
    transitions: dict[str, list[dict[str, Any]]]
    sentences: list[str]

    @classmethod
    def of(cls, diff: StructureDiff) -> DiffOut:
        """Return a difference."""
        return cls(**diff.as_dict(), sentences=diff.sentences())


class StructureSavedOut(StructureOut):
    """The version in force after a change, how it differs, what to mind."""

    warnings: list[FindingOut]
    diff: DiffOut

    @classmethod
    def of_saved(cls, saved: SavedStructure) -> StructureSavedOut:
        """Return what saving gave."""
        return cls(
            **rows.structure_out(saved.version).model_dump(),
            warnings=[FindingOut.of(finding) for finding in saved.warnings],
            diff=DiffOut.of(saved.diff),
        )


class EffectOut(Schema):
    """One thing that an order would do."""

    code: str
    text: str
    parameters: dict[str, Any]


class PreviewOut(Schema):
    """What an order would do; nothing was changed."""

    state: str
    state_after: str
    effects: list[EffectOut]
    warnings: list[FindingOut] = []
    diff: DiffOut | None = None

    @classmethod
    def of(cls, effects: Effects, saved: Any = None) -> PreviewOut:
        """Return the effects, with the difference where a structure changes."""
        told = cls(
            state=effects.state_before,
            state_after=effects.state_after,
            effects=[
                EffectOut(
                    code=line.code, text=line.text, parameters=dict(line.parameters)
                )
                for line in effects.lines
            ],
        )
        if isinstance(saved, SavedStructure):
            told.diff = DiffOut.of(saved.diff)
            told.warnings = [FindingOut.of(finding) for finding in saved.warnings]
        return told


class VersionOut(Schema):
    """A structure version in the list."""

    version: int
    is_current: bool
    is_factory: bool
    author: str
    comment: str
    created_at: datetime

    @classmethod
    def of(cls, version: StructureVersion, workflow: Workflow) -> VersionOut:
        """Return a version, its author loaded."""
        return cls(
            version=version.number,
            is_current=version.pk == workflow.structure_id,
            is_factory=version.is_factory,
            author=version.author.get_username() if version.author else "",
            comment=version.comment,
            created_at=version.created_at,
        )


class VersionPage(Schema):
    items: list[VersionOut]
    next: str | None


class ChangeIn(Schema):
    """How to put another version in force."""

    comment: str = Field("", max_length=512)
    removed_tasks: RemovedTasksIn = Field(
        "refuse",
        description="What becomes of live tasks of activities that would go",
    )


class ImportIn(Schema):
    """A document to import, and what to do with a workflow of its name."""

    document: dict[str, Any]
    internal_name: str = Field("", max_length=64, description="Wins over the document")
    if_exists: Literal["refuse", "new_version"] = "refuse"
    comment: str = Field("", max_length=512)
    removed_tasks: RemovedTasksIn = "refuse"


class CreateIn(Schema):
    """A workflow to be made empty."""

    internal_name: str
    label: str = ""


class DuplicateIn(Schema):
    """A copy to be made."""

    new_name: str
    label: str = ""
