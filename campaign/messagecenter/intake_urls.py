"""The event API as ordinary Django addresses, for servers that bypass campaign.wsgi."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from campaign.messagecenter import intake


@csrf_exempt
def event_api(request: HttpRequest, **_parts: str) -> HttpResponse:
    """Answer a call of the event API; it carries a token, so no form token."""
    answer = intake.respond(request.environ)  # type: ignore[attr-defined]
    body = answer.body
    return HttpResponse(
        body, status=answer.status, headers=dict(answer.headers(len(body)))
    )


urlpatterns = [
    path("api/v1/events:batch", event_api),
    path("api/v1/events/<path:rest>", event_api),
    path(
        f"{settings.CAMPAIGN_ORG}/campaign/mc{settings.CAMPAIGN_ORG}/<path:rest>",
        event_api,
    ),
]
