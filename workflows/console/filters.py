"""Filters of the workflow pages; each keeps its value in the address."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from workflows import registry
from workflows.console import queries
from workflows.models import Severity, Workflow


def package_choices() -> list[tuple[str, str]]:
    """Return the packages of the catalogue's workflows by label. No SQL."""
    slugs = {entry.package for entry in registry.catalogue().values()}
    return sorted(
        ((slug, registry.package_label(slug)) for slug in slugs),
        key=lambda pair: pair[1],
    )


class WorkflowFilter(filters.FilterSet):
    """Text, package and severity of the list; the tab is the view's own."""

    q = filters.CharFilter(
        method="search",
        label=_("Label or internal name"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    package = filters.ChoiceFilter(
        choices=package_choices, empty_label=_("All packages"), label=_("Package")
    )
    severity = filters.ChoiceFilter(
        choices=Severity.choices, empty_label=_("Any severity"), label=_("Severity")
    )

    class Meta:
        model = Workflow
        fields = ()

    def search(
        self, queryset: QuerySet[Workflow], _name: str, value: str
    ) -> QuerySet[Workflow]:
        """Look into labels of every language and internal names."""
        return queries.search(queryset, value)

    @property
    def is_active(self) -> bool:
        """Return whether any filter narrows the list."""
        data: Any = self.data or {}
        return any(data.get(name) for name in self.filters)
