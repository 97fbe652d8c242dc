"""The common base of filters, and the period."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaign.platform import listing


def _unchanged(queryset: QuerySet[Any], _name: str, _value: date) -> QuerySet[Any]:
    return queryset


def period_start() -> filters.DateFilter:
    """Return the filter of a period's first day, in the reader's zone."""
    return filters.DateFilter(
        method=_unchanged, label=_("From"), widget=_date_input("since")
    )


def period_end() -> filters.DateFilter:
    """Return the filter of a period's last day, in the reader's zone."""
    return filters.DateFilter(
        method=_unchanged, label=_("To"), widget=_date_input("until")
    )


def _date_input(name: str) -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "name": name})


class ListFilter(filters.FilterSet):
    """A filter that knows whether it narrows anything."""

    @property
    def is_active(self) -> bool:
        """Return whether any filter narrows the list."""
        data: Any = self.data or {}
        return any(data.get(name) for name in self.filters)

    def within_period(
        self, queryset: QuerySet[Any], field: str = "created_at"
    ) -> QuerySet[Any]:
        """Return the rows between the days ``since`` and ``until``, both whole."""
        chosen = self.form.cleaned_data
        since, until = chosen.get("since"), chosen.get("until")
        return listing.between(
            queryset,
            _midnight(since) if since else None,
            _midnight(until + timedelta(days=1)) if until else None,
            field,
        )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
