"""Settings of the gateway, from the environment; docs/settings.md describes each variable.

Development needs no variable at all: secrets are made on first use and kept in `var/`. Production
(`GATEWAY_ENV=production`) takes them from the environment only; `manage.py check --deploy` says what is missing.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from cryptography.fernet import Fernet

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("GATEWAY_VAR_DIR", BASE_DIR / "var"))


def _flag(name: str, default: str) -> bool:
    return os.environ.get(name, default).strip().lower() in {"1", "true", "yes", "on"}


def _words(name: str, default: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _secret(name: str, make: str) -> str:
    """Return the secret from the environment; in development, from a file in `var/` that is written once."""
    value = os.environ.get(name, "")
    if value or PRODUCTION:
        return value
    path = VAR_DIR / name.lower()
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(make)
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first: its secret is the one to use
        finally:
            fresh.unlink()
    return path.read_text().strip()


# The gateway

GATEWAY_ENV = os.environ.get("GATEWAY_ENV", "development")
PRODUCTION = GATEWAY_ENV == "production"
GATEWAY_HOST = os.environ.get("GATEWAY_HOST", "127.0.0.1")
GATEWAY_PORT = int(os.environ.get("GATEWAY_PORT", "12000"))
GATEWAY_WORKERS = int(os.environ.get("GATEWAY_WORKERS", "1"))
GATEWAY_ROUTES = os.environ.get("GATEWAY_ROUTES", str(BASE_DIR / "fixtures" / "routes.yaml"))
GATEWAY_CLIENT_AUTH = os.environ.get("GATEWAY_CLIENT_AUTH", "required" if PRODUCTION else "open")
GATEWAY_SURFACES = _words("GATEWAY_SURFACES", "api,admin")
GATEWAY_STRICT = _flag("GATEWAY_STRICT", "0")
GATEWAY_MAX_BODY_BYTES = int(os.environ.get("GATEWAY_MAX_BODY_BYTES", str(32 * 1024 * 1024)))
GATEWAY_LOG_FORMAT = os.environ.get("GATEWAY_LOG_FORMAT", "json" if PRODUCTION else "text")
GATEWAY_LOG_LEVEL = os.environ.get("GATEWAY_LOG_LEVEL", "INFO").upper()
GATEWAY_RESPONSES_DAYS = float(os.environ.get("GATEWAY_RESPONSES_DAYS", "7"))
GATEWAY_RESPONSES_MAX_MB = int(os.environ.get("GATEWAY_RESPONSES_MAX_MB", "1024"))
GATEWAY_KEEP_ALIVE_SECONDS = float(os.environ.get("GATEWAY_KEEP_ALIVE_SECONDS", "15"))
GATEWAY_WRITE_IDLE_SECONDS = float(os.environ.get("GATEWAY_WRITE_IDLE_SECONDS", "300"))
GATEWAY_SHUTDOWN_SECONDS = int(os.environ.get("GATEWAY_SHUTDOWN_SECONDS", "30"))
VALKEY_URL = os.environ.get("VALKEY_URL", "")
GATEWAY_ENCRYPTION_KEYS = [
    key for key in _secret("GATEWAY_ENCRYPTION_KEYS", Fernet.generate_key().decode()).split(",") if key
]

# Django

SECRET_KEY = _secret("SECRET_KEY", secrets.token_urlsafe(50)) or "unset"
DEBUG = False
ALLOWED_HOSTS = _words("GATEWAY_ALLOWED_HOSTS", "" if PRODUCTION else "*")
CSRF_TRUSTED_ORIGINS = _words("GATEWAY_TRUSTED_ORIGINS", "")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "routing.apps.RoutingConfig",
    "keys.apps.KeysConfig",
    "conversations.apps.ConversationsConfig",
    "serving.apps.ServingConfig",
]

# For admin and its pages only: serving/asgi.py answers the API paths with no middleware at all.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "gateway_project.urls"
ASGI_APPLICATION = "gateway_project.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'gateway.sqlite3'}", conn_max_age=0
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets the workers read while an operator saves; IMMEDIATE makes two writers queue instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    # A network that swallows everything says nothing: without a sign of life for a few seconds a connection ends.
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        connect_timeout=5, tcp_user_timeout=5000, keepalives_idle=5, keepalives_interval=2, keepalives_count=2
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION and _flag("GATEWAY_SSL_REDIRECT", "1")
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if proxy_header := os.environ.get("GATEWAY_TLS_PROXY_HEADER"):
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{proxy_header.upper().replace('-', '_')}", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "serving.logs.formatter", "style": GATEWAY_LOG_FORMAT}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        name: {"handlers": ["stderr"], "level": GATEWAY_LOG_LEVEL, "propagate": False}
        for name in ("serving", "routing", "keys", "conversations", "uvicorn", "django")
    }
    # Every relay has a line of its own (serving/recording.py); uvicorn's would be a second one.
    | {"uvicorn.access": {"handlers": [], "propagate": False}},
}
