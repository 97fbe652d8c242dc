"""Pause, resume and stop of a delivery: its buttons, and the page that asks first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaign.deliveries.console import looks
from campaign.deliveries.console.acting import operator_of
from campaign.deliveries.models import Delivery
from campaign.deliveries.services import steering
from workflows.console import access
from workflows.exceptions import StaleState
from workflows.models import Source


@dataclass(frozen=True, slots=True)
class Button:
    """A verb as a button."""

    verb: str
    label: Any
    icon: str
    url: str
    is_danger: bool


_LOOKS: dict[str, tuple[Any, str, Any]] = {
    steering.PAUSE: (
        gettext_lazy("Pause"),
        "player-pause",
        gettext_lazy("%(label)s is paused."),
    ),
    steering.RESUME: (
        gettext_lazy("Resume"),
        "player-play",
        gettext_lazy("%(label)s goes on."),
    ),
    steering.STOP: (
        gettext_lazy("Stop"),
        "player-stop",
        gettext_lazy("%(label)s is stopped."),
    ),
}


def buttons(delivery: Delivery) -> list[Button]:
    """Return the buttons that the state of a delivery allows. No SQL."""
    return [_button(verb, delivery.pk) for verb in steering.possible(delivery)]


def _button(verb: str, pk: int) -> Button:
    label, icon, _told = _LOOKS[verb]
    url = reverse("deliveries:delivery_steer", args=[pk, verb])
    return Button(verb, label, icon, url, verb == steering.STOP)


@access.requires("deliveries.view_delivery")
def delivery_steer(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Tell what a verb would do, in numbers; do it when the form is sent."""
    if verb not in steering.VERBS:
        raise Http404
    operator = operator_of(request)
    fault = ""
    if request.method == "POST":
        try:
            done = steering.steer_delivery(
                delivery_id=pk,
                verb=verb,
                acting_operator=operator,
                source=Source.CONSOLE,
                at=timezone.now(),
                reason=request.POST.get("reason", ""),
                expected_state=_number(request.POST.get("expected_state", "")),
            )
        except (StaleState, steering.DeliveryRefused) as error:
            fault = error.message
        else:
            if done.noop:
                messages.info(request, _("Nothing had to be changed."))
            else:
                text = str(_LOOKS[verb][2])
                messages.success(request, text % {"label": done.delivery.label})
            return redirect(done.delivery)
    told = steering.preview_steering(
        delivery_id=pk, verb=verb, acting_operator=operator
    )
    context = {
        "told": told,
        "button": _button(verb, pk),
        "look": looks.of_delivery(told.delivery.state),
        "expected_state": told.delivery.state,
        "back": told.delivery.get_absolute_url(),
        "fault": fault,
    }
    status = 409 if fault else 200
    return render(request, "deliveries/delivery_steer.html", context, status=status)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
