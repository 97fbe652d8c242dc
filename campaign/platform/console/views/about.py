"""What this installation is made of."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaign.platform.services import about
from workflows.console import access


@access.requires()
def about_page(request: HttpRequest) -> HttpResponse:
    """Show versions, instance, database, packages and licences."""
    return render(request, "platform/about.html", {"about": about.describe()})
