"""Settings of a small project around django-post-office."""

from __future__ import annotations

import os

SECRET_KEY = "of-no-worth-outside-of-measurements"  # noqa: S105
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "post_office"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PEER_DATABASE"],
        "HOST": os.environ["PEER_DATABASE_HOST"],
        "USER": os.environ["PEER_DATABASE_USER"],
        "CONN_MAX_AGE": 600,
    }
}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
EMAIL_BACKEND = "post_office.EmailBackend"
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = int(os.environ["PEER_SMTP_PORT"])
POST_OFFICE = {
    "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
    "BATCH_SIZE": 1_000,
    "THREADS_PER_PROCESS": 10,
    "LOG_LEVEL": 2,
    "BATCH_DELIVERY_TIMEOUT": 600,
}
