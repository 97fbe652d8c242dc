"""The settings of the project as tests use them: quick hashes, plain static files."""

from __future__ import annotations

import os
import tempfile

# Tests know nothing of the installation that may run beside them.
_OURS = ("CAMPAIGN_", "PUBLIC_URL", "SMTP_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES")
for _name in list(os.environ):
    if _name.startswith(_OURS) and _name not in {"CAMPAIGN_REQUIRE_BROWSER"}:
        del os.environ[_name]
# Each worker is an installation of its own: its database, its folder.
os.environ["CAMPAIGN_VAR"] = os.path.join(
    os.environ.get("TESTS_VAR") or tempfile.mkdtemp(prefix="campaign-tests-"),
    os.environ.get("PYTEST_XDIST_WORKER", "main"),
)
os.environ["DATABASE_URL"] = os.environ.get(
    "TESTS_DATABASE_URL", "postgresql:///campaign"
)
os.environ["SECRET_KEY"] = "tests-only-" + "k" * 50
os.environ["CAMPAIGN_SECRETS_KEY"] = "dGVzdHMtb25seS1rZXktZm9yLXN0b3JlZC1zZWNyZXQ="

from campaign.settings import *  # noqa: E402, F403
from campaign.settings import DATABASES, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
WHITENOISE_AUTOREFRESH = True
AXES_ENABLED = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
