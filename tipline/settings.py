"""One settings file for every process; TIPLINE_ROLE decides what a process is given.

Only this file reads the environment. A secret that a role needs and does not find stops
start-up and names itself; a secret that a role does not need is not looked for.
"""

import hashlib
import os
import re
import socket
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent


def text(name: str, default: str = "") -> str:
    # Compose passes what an operator left out as an empty string.
    return os.environ.get(f"TIPLINE_{name}") or default


def number(name: str, default: int) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"TIPLINE_{name} must be a whole number.") from None


def flag(name: str) -> bool:
    return text(name).lower() in {"1", "true", "yes", "on"}


def listed(name: str, default: str) -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def secret(name: str, *, roles: set[str]) -> str:
    """Return a secret: TIPLINE_X, or the file named by TIPLINE_X_FILE, or the file x in the secrets directory.

    Only the named roles get it (everybody else gets an empty string); for them it must exist.
    """
    if ROLE not in roles:
        return ""
    if value := text(name):
        return value
    path = Path(text(f"{name}_FILE") or SECRETS_DIR / name.lower())
    try:
        value = path.read_text(encoding="ascii").strip()
    except OSError:
        raise ImproperlyConfigured(
            f"The secret TIPLINE_{name} is missing: set it, or TIPLINE_{name}_FILE, or write it to {path}."
        ) from None
    if len(value) < 32:
        raise ImproperlyConfigured(f"The secret TIPLINE_{name} is shorter than 32 characters.")
    return value


ROLES = {"public", "pager", "console", "triage", "page", "watch", "custodian", "owner"}
ROLE = text("ROLE", "owner")
if ROLE not in ROLES:
    raise ImproperlyConfigured(f"TIPLINE_ROLE is {ROLE!r}; it must be one of {', '.join(sorted(ROLES))}.")

# "local" is scripts/up on loopback; "test" opens the fail points and nothing else.
ENVIRONMENT = text("ENV", "production")
LOCAL = ENVIRONMENT in {"local", "test"}
TESTING = ENVIRONMENT == "test"
FAILPOINT = text("FAILPOINT")

STATE_DIR = Path(text("STATE_DIR", str(BASE_DIR / "var"))).resolve()
SECRETS_DIR = Path(text("SECRETS_DIR", str(STATE_DIR / "secrets")))


def _run_dir() -> Path:
    """Where short-lived keys live: memory only, where the system has such a place."""
    if named := text("RUN_DIR"):
        return Path(named)
    shm = Path("/dev/shm")  # noqa: S108  only directories of mode 0700 are made in it
    if shm.is_dir():
        return shm / f"tipline-{hashlib.sha256(str(STATE_DIR).encode()).hexdigest()[:12]}"
    return STATE_DIR / "run"


RUN_DIR = _run_dir()
KEY_PINS = Path(text("KEY_PINS", str(STATE_DIR / "pins.txt")))
# What was erased, outside the database, so that a restored copy forgets it again.
TOMBSTONES_DIR = Path(text("TOMBSTONES_DIR", str(STATE_DIR / "tombstones")))
BACKUP_DIR = Path(text("BACKUP_DIR", str(STATE_DIR / "backups")))
BACKUP_KEY_FILE = Path(text("BACKUP_KEY_FILE", str(SECRETS_DIR / "backup_key")))

DEBUG = False
SECRET_KEY = secret("DJANGO_KEY", roles={"console", "owner"}) or "unused-by-this-role-" + "0" * 40
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# The public door's own onion service (v3: 56 letters and digits, and .onion), where there is one.
ONION_HOST = text("ONION_HOST").lower() if ROLE in {"public", "owner"} else ""
if ONION_HOST and not re.fullmatch(r"[a-z2-7]{56}\.onion", ONION_HOST):
    raise ImproperlyConfigured("TIPLINE_ONION_HOST must be the 56 letters and digits of a v3 onion address and .onion.")
if ONION_HOST:
    ALLOWED_HOSTS.append(ONION_HOST)

# Keys, by the processes that may hold them (docs/architecture.md, "Doors").
RECEIPT_PEPPER = secret("RECEIPT_PEPPER", roles={"public", "console", "owner"})
IDEMPOTENCY_PEPPER = secret("IDEMPOTENCY_PEPPER", roles={"public", "console", "owner"})
NONCE_KEY = secret("NONCE_KEY", roles={"public", "owner"})
EPOCH_MAC = secret("EPOCH_MAC", roles={"public", "console", "triage", "watch", "owner"})
VAULT_PEPPER = secret("VAULT_PEPPER", roles={"console", "owner"})
CONTACTS_KEY = secret("CONTACTS_KEY", roles={"console", "page", "watch", "owner"})
METRICS_TOKEN = secret("METRICS_TOKEN", roles={"console", "owner"})
CUSTODIAN_MAC = secret("CUSTODIAN_MAC", roles={"console", "custodian", "owner"})
PAGE_CODE_KEY = secret("PAGE_CODE_KEY", roles={"page", "owner"})
PAGER_EVENT_PRIVATE = secret("PAGER_EVENT_PRIVATE", roles={"page", "owner"})
SMS_GATEWAY_TOKEN = secret("SMS_GATEWAY_TOKEN", roles={"page", "watch", "owner"})
SMS_GATEWAY_SECRET = secret("SMS_GATEWAY_SECRET", roles={"pager", "owner"})
TWILIO_TOKEN = secret("TWILIO_TOKEN", roles={"pager", "page", "watch", "owner"})
SMTP_PASSWORD = secret("SMTP_PASSWORD", roles={"page", "watch", "owner"})

# The pager door seals what it receives to this public key (hex); only `escalator --page` can open it.
PAGER_EVENT_PUBLIC = Path(text("PAGER_EVENT_PUBLIC", str(STATE_DIR / "pager_event_public.txt")))

PUBLIC_URL = text("PUBLIC_URL", "http://127.0.0.1:8000")
CONSOLE_URL = text("CONSOLE_URL", "http://127.0.0.1:8001")
PAGER_URL = text("PAGER_URL", "http://127.0.0.1:8002")

PUBLIC_APPS = ["django.contrib.staticfiles", "tipline", "intake"]
CONSOLE_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
# The street door does not even install the case room, and only the console lets anybody sign in.
INSTALLED_APPS = [
    *PUBLIC_APPS,
    *([] if ROLE == "public" else ["triage"]),
    *(CONSOLE_APPS if ROLE in {"console", "owner"} else []),
]

PUBLIC_MIDDLEWARE = [
    "tipline.sizes.Sizes",
    "tipline.onion.OnionMiddleware",
    "tipline.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tipline.middleware.DatabaseDown",
    "django.middleware.common.CommonMiddleware",
]
PAGER_MIDDLEWARE = ["tipline.middleware.SecurityHeaders", "tipline.middleware.DatabaseDown"]
CONSOLE_MIDDLEWARE = [
    "tipline.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tipline.middleware.DatabaseDown",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "triage.console.middleware.UnlockMiddleware",
]
MIDDLEWARE = {"public": PUBLIC_MIDDLEWARE, "console": CONSOLE_MIDDLEWARE, "owner": CONSOLE_MIDDLEWARE}.get(
    ROLE, PAGER_MIDDLEWARE
)
ROOT_URLCONF = {
    "public": "tipline.urls_public",
    "console": "tipline.urls_console",
    "owner": "tipline.urls_console",
}.get(ROLE, "tipline.urls_pager")
WSGI_APPLICATION = "tipline.wsgi.application"

_context_processors = (
    []
    if ROLE not in {"console", "owner"}
    else [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
        "triage.console.context.console",
    ]
)
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": _context_processors},
    }
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": text("DB_NAME", "tipline"),
        "USER": f"tipline_{ROLE}",
        "PASSWORD": secret(f"DB_{ROLE.upper()}", roles={ROLE}),
        "HOST": text("DB_HOST"),
        "PORT": text("DB_PORT"),
        # Threads keep their connection; a broken one is noticed before it is used.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            "application_name": f"tipline-{ROLE}",
            # The audit trail refuses to be emptied, except by tests between themselves.
            **({"options": "-c tipline.may_empty_audit=yes"} if TESTING else {}),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sessions live in PostgreSQL: a paged person signs in while Redis is down.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-session"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
# Behind the proxy a post looks like plain http; its origin is the console's own address.
CSRF_TRUSTED_ORIGINS = [CONSOLE_URL]
CSRF_FAILURE_VIEW = "triage.console.errors.csrf_failure"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "tipline"}}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 0 if LOCAL else 63072000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not LOCAL
SECURE_HSTS_PRELOAD = not LOCAL
SECURE_SSL_REDIRECT = False  # the proxy in front does it: a redirect here could only name the wrong host
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # tipline.middleware.SecurityHeaders sets what SecurityMiddleware would, from one table
    "security.W002",  # … and X-Frame-Options
    "security.W003",  # the public door has no cookie to forge with: it checks Sec-Fetch-Site and a signed nonce
    "security.W008",  # TLS ends at the proxy, which redirects
]

AUTH_USER_MODEL = "triage.User"
AUTHENTICATION_BACKENDS = ["triage.vault.backend.PassPhraseBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "triage.vault.adapters.AccountAdapter"
# The library would count addresses: guessing is slowed by triage.vault.guessing, which keeps none.
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "triage.vault.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_TOTP_ISSUER = "Tipline"
# Argon2id of a pass phrase: passes, lanes, kibibytes. About 0.45 s here with one lane, so that a
# sign-in takes one core and no more; what each key was sealed with stands beside it.
VAULT_ARGON2 = "1,1,64" if TESTING else text("VAULT_ARGON2", "6,1,65536")
UNLOCKED_IDLE_MINUTES = number("UNLOCKED_IDLE_MINUTES", 10)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = STATE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Limits of what the doors take in.
TIP_TEXT_LIMIT = 100_000  # characters
FORM_BODY_LIMIT = 1_500_000  # bytes: 100,000 characters of any script, percent-encoded, fit
DATA_UPLOAD_MAX_MEMORY_SIZE = FORM_BODY_LIMIT
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
API_BODY_LIMIT = 256 * 1024  # bytes
FILE_UPLOAD_HANDLERS = ["tipline.uploads.RefuseFiles"]

# The APIs: whom a view knows it says itself, and nothing is counted by address. Only what writes docs/openapi
# needs the library that describes them: no door loads it.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["tipline.rest.reading.StrictJson"],
    "DEFAULT_RENDERER_CLASSES": ["tipline.rest.writing.Json"],
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "tipline.rest.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    **({"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"} if ROLE == "owner" else {}),
}

BROKER_URL = text("BROKER_URL")
WORKER_HOST = text("WORKER_HOST", socket.gethostname())


SMTP = {
    "host": text("SMTP_HOST", "127.0.0.1"),
    "port": number("SMTP_PORT", 25),
    "user": text("SMTP_USER"),
    "starttls": flag("SMTP_STARTTLS"),
    "sender": text("SMTP_FROM", "pages@tipline.invalid"),
}
SMS_PROVIDERS = listed("SMS_PROVIDERS", "gateway")
SMS_GATEWAY_URL = text("SMS_GATEWAY_URL")
TWILIO = {
    "base_url": text("TWILIO_BASE_URL", "https://api.twilio.com"),
    "account": text("TWILIO_ACCOUNT"),
    "sender": text("TWILIO_FROM"),
}

# Who runs this installation: the watchers write here when nobody is on call, or cannot be reached.
ADMIN_MAIL = text("ADMIN_MAIL")
# The test tips `watch` sends itself: to which mailbox (none are sent without one), how often, and when one is lost.
CANARY_MAIL = text("CANARY_MAIL")
CANARY_SECONDS = number("CANARY_SECONDS", 300)
CANARY_LATE_SECONDS = number("CANARY_LATE_SECONDS", 60)
# Called by GET each time one has arrived; whoever waits there raises the alarm when no call comes.
DEAD_MAN_URL = text("DEAD_MAN_URL")
if DEAD_MAN_URL and not DEAD_MAN_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured("TIPLINE_DEAD_MAN_URL must begin with https:// or http://.")

# What a line may hold is listed in tipline/logs.py. Django's own request loggers have nothing to say in it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"listed": {"()": "tipline.logs.AllowListed"}},
    # A logger without any handler would fall back on stderr, warnings and paths included: it needs this one.
    "handlers": {
        "nowhere": {"class": "logging.NullHandler"},
        "stderr": {"class": "logging.StreamHandler", "formatter": "listed"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "tipline": {"level": "INFO"},
        "gunicorn.error": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        # Without Django's own handler, which would mail whole requests to administrators.
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"handlers": ["nowhere"], "propagate": False},
        "django.security": {"handlers": ["nowhere"], "propagate": False},
        "django.server": {"handlers": ["nowhere"], "propagate": False},
        "django.db.backends": {"handlers": ["nowhere"], "propagate": False},
    },
}
