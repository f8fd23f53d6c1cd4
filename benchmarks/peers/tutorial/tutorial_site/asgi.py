"""The ASGI application of the tutorial peer: Django's for HTTP, one consumer for WebSockets."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tutorial_site.settings")
http = get_asgi_application()  # Loads the apps, which the consumer's models need.

from room.consumers import RoomConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter([path("ws/<uuid:conversation_id>/", RoomConsumer.as_asgi())]),
    }
)
