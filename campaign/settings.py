from __future__ import annotations

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY", "development-only")
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "campaign.access",
    "campaign.platform",
    "campaign.packages",
    "campaign.deliveries",
    "campaign.messagecenter",
    "workflows",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "django_q",
    "axes",
]
AUTH_USER_MODEL = "access.Operator"
ROOT_URLCONF = "campaign.urls"
USE_TZ = True
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")
