"""The server-neutral entry: HTTP to Django, `/ws` to the chat's consumer, and a polite end on SIGTERM."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  # needs Django's applications to be ready

from chat.routing import websocket_urlpatterns  # noqa: E402
from config.deadline import within_deadline  # noqa: E402
from config.lifespan import lifespan  # noqa: E402

application = ProtocolTypeRouter(
    {"http": within_deadline(django_application), "websocket": URLRouter(websocket_urlpatterns), "lifespan": lifespan}
)
