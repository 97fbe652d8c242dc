"""Secrets at rest: encrypted with ``CAMPAIGN_SECRETS_KEY``."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet
from django.conf import settings
from django.utils.translation import gettext as _

from workflows.exceptions import ConfigurationError

_FERNET_KEY_BYTES = 32


def cipher() -> Fernet:
    """Return the cipher of the key; any long text serves as key material."""
    material = settings.CAMPAIGN_SECRETS_KEY.encode()
    if not material:
        raise ConfigurationError(
            _("CAMPAIGN_SECRETS_KEY is not set: set it to the key of stored secrets.")
        )
    try:
        raw = base64.urlsafe_b64decode(material)
    except ValueError:
        raw = b""
    if len(raw) != _FERNET_KEY_BYTES:
        raw = hashlib.sha256(material).digest()
    return Fernet(base64.urlsafe_b64encode(raw))
