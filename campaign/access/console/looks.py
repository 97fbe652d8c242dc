"""How operators and tokens look."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from campaign.access.models import ApiToken, Operator
from workflows.console.appearance import Look

ACTIVE = Look(_("Active"), "circle-check", "ok")
DISABLED = Look(_("Disabled"), "user-off", "neutral", "dashed")
REVOKED = Look(_("Revoked"), "ban", "neutral", "dashed")
EXPIRED = Look(_("Expired"), "hourglass-off", "warn")
SECOND_FACTOR_ON = Look(_("On"), "shield-check", "ok")
SECOND_FACTOR_OFF = Look(_("Off"), "shield", "neutral")
HAS_IT = Look(_("Yes"), "check", "ok")
LACKS_IT = Look(_("No"), "x", "neutral")


def of_operator(operator: Operator) -> Look:
    """Return the chip of an operator."""
    return ACTIVE if operator.is_active else DISABLED


def of_token(token: ApiToken, now: datetime) -> Look:
    """Return the chip of a token, whose operator is loaded."""
    if not token.is_active:
        return REVOKED
    if not token.operator.is_active:
        return DISABLED
    if token.expires_at is not None and token.expires_at <= now:
        return EXPIRED
    return ACTIVE


def of_second_factor(is_on: bool) -> Look:
    """Return the chip of a second factor."""
    return SECOND_FACTOR_ON if is_on else SECOND_FACTOR_OFF
