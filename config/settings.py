"""Every setting of Parley, read once from the environment. Secure unless DEBUG; `.env.example` lists the variables."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))

# -- Who we are, and secrets -------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG")
INSECURE_DEFAULT = "only-for-debug-" * 6 if DEBUG else None  # a secret has no default outside DEBUG
SECRET_KEY = env.secret("SECRET_KEY", INSECURE_DEFAULT, min_bytes=32)
JWT_KEY = env.secret("JWT_KEY", INSECURE_DEFAULT, min_bytes=64)  # HMAC-SHA-256 wants a full block
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CORS_ALLOWED_ORIGINS = env.origins("CORS_ORIGINS")
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS
PORT = env.integer("PORT", 8000, low=1, high=65535)
HTTPS_ONLY = env.flag("HTTPS_ONLY", default=not DEBUG)  # off where no TLS ends in front of us (a demo, tests)
PROXY_COUNT = env.integer("PROXY_COUNT", 0, low=0, high=5)  # trusted proxies in front, each adding to X-Forwarded-For

# -- Applications ------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "config.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "notifications",
    "chat",
]
MIDDLEWARE = [
    "config.health.RequestIdMiddleware",
    "config.addresses.RefuseNul",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.BrowserSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
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
            ],
        },
    },
]

# -- Database ----------------------------------------------------------------------------------------------------------
DATABASE_URL = env.url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'parley.sqlite3'}", ("postgres", "postgresql", "sqlite"))
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # under ASGI a persistent connection per thread leaks; the pool keeps them
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # takes the write lock at BEGIN: the row locks that SQLite does not have
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "pool": {
            "min_size": 1,
            "max_size": env.integer("DATABASE_POOL_SIZE", 20, low=12, high=200),  # × processes < max_connections
            "timeout": 5,
            "max_lifetime": 1800,
        },
        "connect_timeout": 5,
        "prepare_threshold": 3,
        # A paused server or a row held by somebody else ends in `unavailable` after seconds, not in a pile of threads.
        "options": "-c statement_timeout=15000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=30000"
        # The hot path's statements are prepared, and planning them anew for each batch cost most of their time. Such a
        # plan cannot know how long its arrays are or how long a table will be, so it must not read tables end to end
        # because they are small today; and what has no index to go by is not worth compiling (jit) for that.
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15000,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Redis: channel layer and Celery broker. It may be lost at any time. -----------------------------------------------
REDIS_URL = env.url("REDIS_URL", "", ("redis", "rediss", "unix"))
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": 15, "socket_connect_timeout": 3}],
                "prefix": env.text("REDIS_PREFIX", "parley"),
            },
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 5000}}}

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05} if not REDIS_URL else {"socket_timeout": 15}
CELERY_BEAT_SCHEDULE = {
    "expire-trades": {"task": "chat.tasks.expire_trades", "schedule": timedelta(seconds=15)},
    "drain-queue": {"task": "chat.tasks.drain_queue", "schedule": timedelta(seconds=30)},
    "watch-clocks": {"task": "chat.tasks.watch_clocks", "schedule": timedelta(seconds=15)},
    "reassign": {"task": "chat.tasks.reassign", "schedule": timedelta(seconds=15)},
    # Each finds what is due in the database, so one that is late is of no use beside the next.
    "send-pushes": {
        "task": "notifications.tasks.send_pushes",
        "schedule": timedelta(seconds=0.5),
        "options": {"expires": 5},
    },
    "read-receipts": {
        "task": "notifications.tasks.read_receipts",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "forget-notifications": {"task": "notifications.tasks.forget", "schedule": timedelta(hours=1)},
    "forget-expired": {"task": "chat.tasks.forget_expired", "schedule": timedelta(hours=1)},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# -- People ------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PasswordBackend"]  # Django's own form, throttled like the API
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.EndSessions"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
STAFF_TOTP = env.choice("STAFF_TOTP", "optional", ("optional", "required"))  # required: no staff without a second step
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
REFRESH_GRACE = timedelta(seconds=30)  # a refresh whose answer was lost may be repeated this long
WS_TICKET_LIFETIME = timedelta(seconds=30)
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_KEY,
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFETIME,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_LIFETIME,
    "USER_ID_CLAIM": "sub",
}

# -- Limits ------------------------------------------------------------------------------------------------------------
THROTTLE = env.choice("THROTTLE", "on", ("on", "off")) == "on"  # off: benchmarks and tests only
MESSAGES_PER_SECOND = 10  # per person, over all their sockets and REST together
MESSAGE_BURST = 30
FRAMES_PER_SECOND = 40  # per socket, whatever the frames say; above it the socket is closed
FRAME_BURST = 160
REQUESTS_PER_SECOND = 20  # REST, per person, or per address for strangers
REQUEST_BURST = 100
SOCKETS_PER_USER = 20  # above it the oldest is closed: a phone that lost its connection gets in again
SOCKETS_PER_PROCESS = env.integer("SOCKETS_PER_PROCESS", 20_000, low=1, high=1_000_000)
LOGIN_FAILURES_PER_ACCOUNT = 10  # within LOGIN_FAILURE_WINDOW
LOGIN_FAILURES_PER_ADDRESS = 50
LOGIN_FAILURE_WINDOW = timedelta(minutes=15)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
TYPING_EVERY = timedelta(seconds=2)
TYPING_EXPIRES = timedelta(seconds=7)

# -- Live sockets ------------------------------------------------------------------------------------------------------
WS_QUERY_TOKEN = env.flag("WS_QUERY_TOKEN")  # ?token= for older apps
WS_AUTH_TIMEOUT = timedelta(seconds=env.integer("WS_AUTH_SECONDS", 10, low=1, high=10))
HEARTBEAT = timedelta(seconds=25)
REPAIR_EVERY = timedelta(seconds=env.integer("REPAIR_SECONDS", 20, low=1, high=30))
PRESENCE_LEASE = timedelta(seconds=env.integer("PRESENCE_LEASE_SECONDS", 60, low=3, high=600))
PRESENCE_RENEW = PRESENCE_LEASE * 5 / 12  # twice within a lease, and some time to spare
PRESENCE_GRACE = PRESENCE_LEASE / 3  # between the last socket's end and "offline"
DRAIN_SECONDS = env.integer("DRAIN_SECONDS", 2, low=0, high=60)

# -- Trades and conversations ------------------------------------------------------------------------------------------
TRADE_DEADLINE = timedelta(minutes=env.integer("TRADE_DEADLINE_MINUTES", 24 * 60, low=1, high=60 * 24 * 60))
DISPUTE_WINDOW = timedelta(hours=24)  # after a trade was completed; a rejection may be disputed at any time
DISPUTE_REMINDER = timedelta(hours=72)  # super admins are told once more of a dispute that nobody took
FIRST_RESPONSE_LIMIT = timedelta(minutes=env.integer("FIRST_RESPONSE_MINUTES", 5, low=1, high=24 * 60))
NEXT_RESPONSE_LIMIT = timedelta(minutes=env.integer("NEXT_RESPONSE_MINUTES", 15, low=1, high=24 * 60))
RESOLUTION_LIMIT = timedelta(hours=env.integer("RESOLUTION_HOURS", 24, low=1, high=24 * 60))
REASSIGN_OFFLINE = timedelta(seconds=env.integer("REASSIGN_OFFLINE_SECONDS", 60, low=1, high=3600))
ASSIGN_OFFLINE = env.choice("ASSIGN_OFFLINE", "fallback", ("fallback", "never"))  # where no admin is online at all
AUTO_ESCALATE = timedelta(minutes=env.integer("AUTO_ESCALATE_MINUTES", 60, low=1, high=24 * 60))
ESCALATE_AFTER = timedelta(minutes=30)  # of waiting for an answer, until a customer may call a super admin
CUSTOMER_CONVERSATIONS = env.choice("CUSTOMER_CONVERSATIONS", "staff", ("none", "staff", "anyone"))
DEFAULT_ADMIN_CAPACITY = 10

# -- Pushes ------------------------------------------------------------------------------------------------------------
EXPO_URL = env.url("EXPO_URL", "https://exp.host", ("https", "http"))  # http: a stub on this machine
EXPO_STUB_PORT = env.integer("EXPO_STUB_PORT", 0, low=0, high=65535)  # of the one that the demo starts; 0: none
EXPO_ACCESS_TOKEN = env.text("EXPO_ACCESS_TOKEN", "")
PUSH_TIMEOUT = timedelta(seconds=env.integer("PUSH_TIMEOUT_SECONDS", 10, low=1, high=60))  # of one request to Expo
PUSH_WAIT_FOR_APP = timedelta(seconds=15)  # for an open app to say that a message has arrived
PUSH_GATHER = timedelta(seconds=0.8)  # of quiet in a conversation, before what was said in it is one push
PUSH_EVERY = timedelta(seconds=5)  # per conversation and device; nobody waits longer in a burst
PUSH_LIFETIME = timedelta(hours=24)  # older news is dropped
PUSH_RECEIPT_AFTER = timedelta(seconds=env.integer("PUSH_RECEIPT_SECONDS", 900, low=1, high=3600))
PUSHES_PER_SECOND = 600  # Expo's limit for a project
DEVICES_PER_USER = 10  # above it the one registered longest ago ends

# -- REST --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.SessionTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["chat.api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.requests.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.RequestThrottle"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "chat.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Parley",
    "DESCRIPTION": "Support chat of a peer-to-peer trading app: REST, and the fallback of its WebSocket.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": ["accounts.api.schema.describe_shapes"],
}

# -- Pages, cookies, static files --------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # serves without collectstatic too; a proxy or collectstatic is the faster way
SESSION_ENGINE = "accounts.browser_store"
SESSION_COOKIE_AGE = 12 * 3600  # staff sign in once a working day
SESSION_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# -- Logs: one JSON object a line; never a token, never a message's text -----------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGERS = {
    name: {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False}
    for name in ("parley", "django", "celery", "uvicorn.error", "uvicorn.access")
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "filters": {"discreet": {"()": "config.logs.Discreet"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["discreet"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": LOGGERS,
}
# A client that sends nonsense is not an operator's warning; each refusal is counted in /metrics instead.
LOGGERS["django.request"] = {"handlers": ["stderr"], "level": "ERROR", "propagate": False}
LOGGERS["django.security.DisallowedHost"] = {"level": "CRITICAL"}

DATABASE_KIND = urlsplit(DATABASE_URL).scheme.replace("postgresql", "postgres")
for folder in (VAR_DIR, STATIC_ROOT):  # WhiteNoise warns of a missing one
    os.makedirs(folder, exist_ok=True)
