"""The second factor of an operator: a time-based code (TOTP, RFC 6238)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
import segno
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.utils.translation import gettext as _

from campaign.access.models import Operator, SecondFactor
from campaign.sealing import cipher
from workflows import audit
from workflows.exceptions import AppError, ConfigurationError, Fault, InvalidInput
from workflows.models import Source

ISSUER = "Campaign"
STEP_SECONDS = 30
#: A clock may be one step ahead or behind.
DRIFT_STEPS = 1
FAILURE_LIMIT = 5
LOCKED_FOR = timedelta(minutes=15)
RECOVERY_CODES = 10


class CodeRefused(AppError):
    """The code is not right: take the one that the authenticator shows now."""

    code = "second_factor_refused"
    status = 403


class CodesLocked(AppError):
    """Too many wrong codes: try again in 15 minutes, or ask an administrator."""

    code = "second_factor_locked"
    status = 429


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a person needs to fill their authenticator."""

    key: str
    address: str
    qr_svg: str


def is_on(operator: Operator) -> bool:
    """Return whether sign-in asks ``operator`` for a code. One query."""
    return SecondFactor.objects.filter(
        operator=operator, confirmed_at__isnull=False
    ).exists()


def begin(*, operator: Operator) -> Enrolment:
    """Return the enrolment to show; one begun before stays until it is confirmed.

    Raises InvalidInput when the second factor is on already.
    """
    with transaction.atomic():
        Operator.objects.select_for_update().get(pk=operator.pk)
        factor = SecondFactor.objects.filter(operator=operator).first()
        if factor is not None and factor.confirmed_at is not None:
            raise InvalidInput(_("The second factor is on: switch it off first."))
        if factor is None:
            secret = pyotp.random_base32()
            sealed = cipher().encrypt(secret.encode()).decode()
            factor = SecondFactor.objects.create(operator=operator, secret=sealed)
    secret = _secret(factor)
    address = pyotp.TOTP(secret).provisioning_uri(operator.username, ISSUER)
    drawn = segno.make(address, error="m").svg_inline(
        scale=4, border=4, dark="#000", light="#fff", svgclass="qr", omitsize=True
    )
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return Enrolment(grouped, address, drawn)


def confirm(
    *, operator: Operator, code: str, source: Source, at: datetime
) -> list[str]:
    """Switch the second factor on by its first code; return the recovery codes.

    They are shown once. Raises InvalidInput for a code that is not right.
    """
    with transaction.atomic():
        factor = (
            SecondFactor.objects.select_for_update()
            .filter(operator=operator, confirmed_at=None)
            .first()
        )
        if factor is None:
            raise InvalidInput(_("Begin again: nothing waits to be confirmed."))
        step = _step_of(factor, code, at)
        if step is None:
            raise InvalidInput(
                _("The code is not right."),
                faults=[
                    Fault(
                        "code",
                        _(
                            "Give the six digits that are shown now; check"
                            " the clock of the device."
                        ),
                    )
                ],
            )
        codes = [_recovery_code() for _number in range(RECOVERY_CODES)]
        factor.confirmed_at = at
        factor.last_step = step
        factor.recovery_digests = [_digest(made) for made in codes]
        factor.save()
        _record(operator, "second_factor_on", operator, source, at)
    return codes


def switch_off(
    *, operator: Operator, password: str, source: Source, at: datetime
) -> None:
    """Switch the second factor off; the operator's password is asked again."""
    if not operator.check_password(password):
        raise InvalidInput(
            _("The second factor stays on."),
            faults=[Fault("password", _("The password is not right."))],
        )
    with transaction.atomic():
        ended, _each = SecondFactor.objects.filter(
            operator=operator, confirmed_at__isnull=False
        ).delete()
        if ended:
            _record(operator, "second_factor_off", operator, source, at)


def check(*, operator: Operator, code: str, source: Source, at: datetime) -> None:
    """Take a code, or a recovery code, at sign-in; each is taken once.

    Raises CodeRefused, or CodesLocked after five wrong ones for 15 minutes; the
    count of wrong codes is kept although the sign-in fails.
    """
    with transaction.atomic():
        factor = (
            SecondFactor.objects.select_for_update()
            .filter(operator=operator, confirmed_at__isnull=False)
            .first()
        )
        if factor is None:
            return
        if factor.locked_until is not None and factor.locked_until > at:
            raise CodesLocked
        taken = _take(factor, code, at)
        if taken:
            factor.failures, factor.locked_until = 0, None
        else:
            factor.failures += 1
            if factor.failures >= FAILURE_LIMIT:
                factor.failures, factor.locked_until = 0, at + LOCKED_FOR
        factor.save()
        if taken == "recovery":
            _record(operator, "recovery_code_used", operator, source, at)
        elif factor.locked_until is not None:
            _record(operator, "second_factor_locked", operator, source, at)
    if not taken:
        raise CodesLocked if factor.locked_until is not None else CodeRefused


def _take(factor: SecondFactor, code: str, at: datetime) -> str:
    """Return "code" or "recovery" when it is right, having used it up; else ""."""
    step = _step_of(factor, code, at)
    if step is not None:
        factor.last_step = step
        return "code"
    digest = _digest(code)
    if digest in factor.recovery_digests:
        factor.recovery_digests = [d for d in factor.recovery_digests if d != digest]
        return "recovery"
    return ""


def _step_of(factor: SecondFactor, code: str, at: datetime) -> int | None:
    """Return the step that the code belongs to, when it is right and not used."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal()):
        return None
    totp = pyotp.TOTP(_secret(factor), interval=STEP_SECONDS)
    now = int(at.timestamp()) // STEP_SECONDS
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        expected = totp.generate_otp(step)
        if step > factor.last_step and secrets.compare_digest(expected, digits):
            return step
    return None


def _secret(factor: SecondFactor) -> str:
    try:
        return cipher().decrypt(factor.secret.encode()).decode()
    except InvalidToken as error:
        raise ConfigurationError(
            _(
                "The second factor cannot be read: set CAMPAIGN_SECRETS_KEY to the key"
                " that it was saved with, or reset it with manage.py operator"
                " reset-second-factor."
            )
        ) from error


def _recovery_code() -> str:
    text = secrets.token_hex(6)
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def _digest(code: str) -> str:
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def _record(
    operator: Operator, verb: str, acting: Operator, source: Source, at: datetime
) -> None:
    audit.record(
        action=f"access.operator.{verb}",
        object_type="access.operator",
        object_id=operator.pk,
        object_label=operator.username,
        acting_operator=acting,
        source=source,
        at=at,
    )
