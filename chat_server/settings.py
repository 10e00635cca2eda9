"""Every setting, in one file.

What an operator may set is in `.env.example` and the README's table; each value is checked here, at the start.
"""

import hmac
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

from .environment import LOG_LEVELS, Environment, kept_secret, refuse
from .pool import PooledConnection

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# Who may reach it -------------------------------------------------------------------------------

DEBUG = env.boolean("DEBUG", False)
HTTPS = env.boolean("HTTPS", False)
SECRET_KEY = env.text("SECRET_KEY") or kept_secret(BASE_DIR / ".secret_key")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
CORS_EXPOSE_HEADERS = ["Retry-After"]
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
FRONTEND_URL = env.web_url("FRONTEND_URL", "http://localhost:8000")
NUM_PROXIES = env.integer("NUM_PROXIES", 0, minimum=0, maximum=100)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if NUM_PROXIES else None
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# What it is made of -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # before staticfiles: its runserver serves the sockets too
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "channels",
    "authentication",
    "chat",
    "chat_server",
]
MIDDLEWARE = [
    "chat_server.middleware.BrowserPolicies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "chat_server.middleware.ChunkedBodies",
    "chat_server.middleware.PageSessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chat_server.middleware.PageUsers",
    "chat_server.middleware.PageMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "chat_server.urls"
ASGI_APPLICATION = "chat_server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# Where it keeps things --------------------------------------------------------------------------

database: dict[str, Any] = env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
if "sqlite" in database["ENGINE"]:
    database["OPTIONS"] = {
        # Take the write lock at BEGIN: a read that becomes a write cannot fail half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        # FULL: a commit is on the disk before it is acknowledged.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    database["TEST"] = {"NAME": str(BASE_DIR / "test.sqlite3")}  # in memory, threads would share one connection's locks
elif "postgresql" in database["ENGINE"]:
    database["CONN_HEALTH_CHECKS"] = True
    database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 3)
    # What is asked again and again is parsed and planned once by each connection (docs/decisions/016, 017).
    database["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 5}
    # A try to connect gives up early, and who asks next begins another one: else, after a long time away, the next one
    # is as far off again (docs/decisions/010).
    database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": 16,
        "timeout": 5,
        "reconnect_timeout": 3,
        "connection_class": PooledConnection,
    }
else:
    refuse("DATABASE_URL", "only SQLite and PostgreSQL are supported")
DATABASES = {"default": database}

REDIS_URLS = env.redis_urls("REDIS_URL")
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "chat_server.layer.SharingLayer",
        "CONFIG": {
            "hosts": [
                {
                    "address": url,
                    "socket_connect_timeout": 1,
                    "socket_keepalive": True,
                    "health_check_interval": 15,
                    "protocol": 2,  # by the newer one redis-py writes each message out for a log that nobody reads
                }
                for url in REDIS_URLS
            ],
            "prefix": "chat",
        },
    }
    if REDIS_URLS
    # Each process has one channel, read by its hub: what does not fit is repaired from the database.
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000, "group_expiry": 10**9}}
}

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without `collectstatic` the files are served from where they lie, so that the classic steps work as they are.
collected = (STATIC_ROOT / "staticfiles.json").is_file() and not DEBUG
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not collected
WHITENOISE_ALLOW_ALL_ORIGINS = False  # who may read across origins, CORS_ALLOWED_ORIGINS says
if not collected:
    warnings.filterwarnings("ignore", "No directory at")  # whitenoise's, of the folder that is not there yet
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "chat_server.storage.ModuleStaticFilesStorage"},
}

# Who you are ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "authentication.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "first_name", "last_name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.integer("ACCESS_TOKEN_LIFETIME", 600, minimum=1, maximum=86_400))
REFRESH_TOKEN_LIFETIME = timedelta(
    seconds=env.integer("REFRESH_TOKEN_LIFETIME", 1_209_600, minimum=1, maximum=31_536_000)
)
PASSWORD_RESET_LIFETIME = timedelta(hours=1)
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": hmac.digest(SECRET_KEY.encode(), b"access and refresh tokens", "sha256").hex(),
}

vars().update(env.email("EMAIL_URL", "consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "chat@localhost")

# How much of it ---------------------------------------------------------------------------------

THROTTLE_LOGIN = env.rate("THROTTLE_LOGIN", "10/60s")
THROTTLE_REGISTER = env.rate("THROTTLE_REGISTER", "20/3600s")
THROTTLE_PASSWORD_RESET = env.rate("THROTTLE_PASSWORD_RESET", "5/3600s")
THROTTLE_USER = env.rate("THROTTLE_USER", "1200/60s")
THROTTLE_MESSAGES = env.rate("THROTTLE_MESSAGES", "30/10s")
THROTTLE_FRAMES = env.rate("THROTTLE_FRAMES", "100/10s")
MAX_SOCKETS_PER_USER = env.integer("MAX_SOCKETS_PER_USER", 50, minimum=1, maximum=100_000)
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MAX_FRAME_BYTES = 64 * 1024
MAX_OWED_BYTES = 1024 * 1024  # that a socket's client has been sent and has not taken

# How it speaks ----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["authentication.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["chat_server.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["chat_server.rendering.FastJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chat_server.negotiation.JSONAlways",
    "DEFAULT_SCHEMA_CLASS": "chat_server.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "UNAUTHENTICATED_USER": None,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "chat_server.errors.ExceptionHandler",
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chat server",
    "DESCRIPTION": (
        "Every answer of 400 and above has the body of `Error`. Beside those that each call lists there are 405 for a "
        "method that a path does not know and 408 for a body that takes over 30 seconds to come in. "
        "Times are RFC 3339 in UTC. "
        "Unknown fields in a body are ignored. Lists are read by following `next` and `previous`. "
        "To try a call here, log in, and paste `access` from the answer under Authorize. "
        "Messages arrive over sockets: `/ws/chat/<conversation_id>/` (`docs/protocol.md`), or one for everything, "
        "`/ws/inbox/` (`docs/inbox.md`)."
    ),
    "VERSION": "0.1.0",
    "LICENSE": {"name": "MIT"},
    "TAGS": [
        {"name": "auth", "description": "Accounts and sessions."},
        {"name": "conversations", "description": "Private conversations of two, and groups."},
        {"name": "participants", "description": "Who takes part in a group."},
        {"name": "messages", "description": "What is said, changed and read."},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # a token that has run out does not shut the documentation
    "SCHEMA_PATH_PREFIX": r"/api/",
    "PATH_CONVERTER_OVERRIDES": {
        "id": {"type": "integer", "format": "int64", "minimum": 1},
        "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,  # they speak to who reads the code
    "SORT_OPERATIONS": False,  # as the URLs are
    "SORT_OPERATION_PARAMETERS": False,
    "ENUM_NAME_OVERRIDES": {
        "ConversationType": "chat.models.Conversation.Type",
        "MessageType": "chat.models.Message.Type",
        "ErrorType": "chat_server.openapi.TYPES",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SWAGGER_UI_DIST": "SIDECAR",  # our own static files, no CDN
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayOperationId": True,
        "validatorUrl": None,  # else the page shows this document to a host elsewhere
    },
}

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", LOG_LEVELS)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "chat_server.logs.Stacks", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "filters": {
        "tokens": {"()": "chat_server.logs.TokenMask"},
        "faults": {"()": "chat_server.logs.FaultsOnly"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["tokens"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.request": {"filters": ["faults"]},
        "django.db.backends": {"level": "INFO"},  # at DEBUG it writes statements, and with them what was said
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # a traceback for whatever anybody sends
        "channels_redis": {"level": "CRITICAL"},  # tracebacks of what the hub says in one line
        "psycopg.pool": {"level": "ERROR"},  # its warnings say at each try what is said once
    },
}
