"""Settings of the tutorial peer: what the Channels tutorial ends with, plus PostgreSQL and a token key."""

import os
from urllib.parse import unquote, urlsplit

database = urlsplit(os.environ["DATABASE_URL"])

SECRET_KEY = "only for measuring"
JWT_KEY = os.environ["JWT_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tutorial_site.urls"
ASGI_APPLICATION = "tutorial_site.asgi.application"
INSTALLED_APPS = ["daphne", "channels", "room"]

# The tutorial says nothing about connections, so Django's default (a new one for each use) is the first variant.
PERSISTENT = os.environ.get("PERSISTENT_CONNECTIONS") == "1"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": database.hostname or "",
        "PORT": database.port or "",
        "USER": unquote(database.username or ""),
        "PASSWORD": unquote(database.password or ""),
        "NAME": database.path.lstrip("/"),
        "CONN_MAX_AGE": None if PERSISTENT else 0,
    },
}

# Capacity and timeout are not the tutorial's: with its defaults a room of 500 loses messages (all sockets of a
# process share one queue of 100), and with redis-py 8 an idle socket dies after five seconds.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": 15}],
            "capacity": 200_000,
            "expiry": 120,
            "prefix": os.environ.get("LAYER_PREFIX", "tutorial"),
        },
    },
}
