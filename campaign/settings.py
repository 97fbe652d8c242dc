"""Settings of the project, all from the environment (docs/settings.md)."""

from __future__ import annotations

import socket
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured

from campaign import addresses
from campaign.env import env_integer, env_list, env_text
from campaign.run.paths import BASE_DIR, VarPaths
from campaign.run.postgres import EmbeddedServer
from campaign.run.secret_files import read_secret

VAR = VarPaths.from_environment()
CAMPAIGN_VAR = VAR.root
DEBUG = False

# Addresses

HOST = env_text("HOST", "127.0.0.1")
PORT = env_integer("PORT", 8000, lowest=1, highest=65535)
LOCAL_HOST = "127.0.0.1" if HOST in {"0.0.0.0", "::"} else HOST  # noqa: S104
LOCAL_URL = f"http://{f'[{LOCAL_HOST}]' if ':' in LOCAL_HOST else LOCAL_HOST}:{PORT}"
PUBLIC_URL_IS_SET = bool(env_text("PUBLIC_URL"))
PUBLIC_URL = env_text("PUBLIC_URL", LOCAL_URL).rstrip("/")
_public = addresses.public_address(PUBLIC_URL)
_IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = list(
    dict.fromkeys(
        (
            *env_list("ALLOWED_HOSTS"),
            _public.hostname or "localhost",
            "localhost",
            "127.0.0.1",
            "[::1]",
            *(() if HOST in {"0.0.0.0", "::"} else (HOST,)),  # noqa: S104
        )
    )
)
TRUSTED_PROXIES = addresses.proxy_networks(env_list("TRUSTED_PROXIES"))

# Secrets: without them Django refuses every use, see also campaign.checks

SECRET_KEY = env_text("SECRET_KEY") or read_secret(VAR.secret_key)
CAMPAIGN_SECRETS_KEY = env_text("CAMPAIGN_SECRETS_KEY") or read_secret(VAR.secrets_key)

# The instance

CAMPAIGN_ORG = env_text("CAMPAIGN_ORG", "local")
if not CAMPAIGN_ORG.replace("-", "").replace("_", "").isalnum():
    raise ImproperlyConfigured(
        f"CAMPAIGN_ORG is {CAMPAIGN_ORG!r}: use letters, digits, - and _ only."
    )
CAMPAIGN_ROLES = env_list(
    "CAMPAIGN_ROLES",
    ("marketing", "control", "execution"),
    choices=("marketing", "control", "execution", "midsourcing"),
)
CAMPAIGN_EDITION = env_text(
    "CAMPAIGN_EDITION", "classic", choices=("classic", "standard")
)
INSTANCE_HOST = socket.gethostname()

# Applications

INSTALLED_APPS = [
    "campaign.run",
    "campaign.access",
    "campaign.platform",
    "campaign.packages",
    "campaign.deliveries",
    "campaign.messagecenter",
    "campaign.supervision",
    "workflows",
    "campaign.system.apps.SystemAdminConfig",
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
MIDDLEWARE = [
    "campaign.security.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "campaign.security.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "campaign.access.middleware.SeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "workflows.console.middleware.ConsoleMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "campaign.urls"
WSGI_APPLICATION = "campaign.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workflows.console.context.console",
            ],
            "libraries": {"console": "workflows.console.templatetags.console"},
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Database: the queue lives in it too, on the same alias (docs/decisions)

DATABASE_IS_EMBEDDED = not env_text("DATABASE_URL")
DATABASE_URL = env_text("DATABASE_URL") or EmbeddedServer.of(VAR).url()
DATABASES = {
    "default": {
        **addresses.database_settings(DATABASE_URL),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
# The role whose rights bound the statements of the activity SQL code; "": our own.
SQL_ROLE = env_text("SQL_ROLE")

# Queues: timeout, retry, recycle follow the rule that workflows.checks holds


def _queue(workers: int, *, timeout: int, retry: int, recycle: int) -> dict[str, int]:
    return {
        "workers": workers,
        "queue_limit": workers,
        "bulk": 1,
        "timeout": timeout,
        "retry": retry,
        "recycle": recycle,
    }


_workers = {
    queue: env_integer(f"CAMPAIGN_WORKERS_{queue.upper()}", count, lowest=1, highest=64)
    for queue, count in (("workflows", 2), ("realtime", 3), ("bulk", 1))
}
Q_CLUSTER: dict[str, Any] = {
    "name": "campaign",
    "cluster_name": "workflows",
    "orm": "default",
    "broker_class": "workflows.queue.Broker",
    **_queue(_workers["workflows"], timeout=600, retry=1900, recycle=1000),
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": 0,
    "catch_up": False,
    "scheduler": True,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
    "label": "Queue",
    "ALT_CLUSTERS": {
        "realtime": {
            # A sender works for 20 s, then waits for the answers of its relay.
            **_queue(_workers["realtime"], timeout=90, retry=340, recycle=1000),
            "scheduler": False,
        },
        "bulk": {
            **_queue(_workers["bulk"], timeout=900, retry=2800, recycle=500),
            "scheduler": False,
        },
    },
}

# Mail: the relay, or the catcher where none is named

MAIL_CATCHER_ENABLED = not env_text("SMTP_URL")
MAIL_CATCHER_DIR = VAR.mail
MAIL_CATCHER_PORT = int(read_secret(VAR.catcher_port) or "1025")
RELAY = addresses.relay_settings(
    env_text("SMTP_URL", f"smtp://127.0.0.1:{MAIL_CATCHER_PORT}")
)
EMAIL_HOST = RELAY.host
EMAIL_PORT = RELAY.port
EMAIL_HOST_USER = RELAY.username
EMAIL_HOST_PASSWORD = RELAY.password
EMAIL_USE_TLS = RELAY.starttls
EMAIL_USE_SSL = RELAY.tls
EMAIL_TIMEOUT = 30
MAIL_FROM = env_text("MAIL_FROM", f"campaign@{_public.hostname}")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = MAIL_FROM
# Senders at once in the lanes transactional, normal, bulk; connections of each.
CAMPAIGN_SENDER_SLOTS = {
    lane: env_integer(f"CAMPAIGN_SENDERS_{name}", count, lowest=1, highest=64)
    for lane, name, count in ((0, "TRANSACTIONAL", 2), (1, "NORMAL", 1), (2, "BULK", 1))
}
CAMPAIGN_SENDER_CONNECTIONS = env_integer(
    "CAMPAIGN_SENDER_CONNECTIONS", 4, lowest=1, highest=64
)

# Operators and sessions

AUTH_USER_MODEL = "access.Operator"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
_PASSWORDS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_PASSWORDS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_PASSWORDS}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_PASSWORDS}.CommonPasswordValidator"},
    {"NAME": f"{_PASSWORDS}.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _IS_HTTPS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
# Two installations on one host differ by port only, which cookies do not see.
SESSION_COOKIE_NAME = f"campaign_session_{PORT}"
CSRF_COOKIE_NAME = f"campaign_csrf_{PORT}"

# Transport

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0
SECURE_SSL_REDIRECT = _IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# Subdomains and browser preload lists are the affair of the owner of the domain.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# Files

STATIC_URL = "/static/"
STATIC_ROOT = VAR.static
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": CAMPAIGN_VAR / "files"},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("fr", "Français"),
    ("sv", "Svenska"),
    ("zh-hant", "繁體中文"),
    ("ko", "한국어"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env_text("TIME_ZONE", "UTC")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(
        f"TIME_ZONE is {TIME_ZONE!r}: name a zone such as Europe/Paris or UTC."
    )

# Logging: to standard error; the supervisor keeps it in rotated files

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "campaign.logs.UtcFormatter",
            "format": "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "django-q": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "campaign": {"level": "INFO"},
        "workflows": {"level": "INFO"},
    },
}

DJANGO_TABLES2_TEMPLATE = "components/table.html"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
