"""Showing personal data to one reader, once, for a reason that is kept."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from campaign.access.models import Operator
from campaign.platform.personal import REVEAL
from workflows import audit
from workflows.exceptions import Fault, InvalidInput, PermissionRefused
from workflows.models import Source


def reveal(
    *,
    object_type: str,
    object_id: str,
    object_label: str,
    acting_operator: Operator | None,
    source: Source,
    reason: str,
    at: datetime,
) -> None:
    """Write down that an operator looks at the personal data of an object, and why.

    The caller shows it in this answer only. Raises PermissionRefused, and InvalidInput
    without a reason.
    """
    if acting_operator is not None and not acting_operator.has_perm(REVEAL):
        raise PermissionRefused(operator=acting_operator, permission=REVEAL)
    if not reason.strip():
        text = _("Say why you need to see it: the reason is kept in the audit trail.")
        raise InvalidInput(text, faults=[Fault("reason", text)])
    audit.record(
        action=f"{object_type}.revealed",
        object_type=object_type,
        object_id=object_id,
        object_label=object_label,
        acting_operator=acting_operator,
        source=source,
        reason=reason.strip(),
        at=at,
    )
