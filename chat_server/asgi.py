"""The application that every server serves: Django over HTTP, the consumers over WebSocket."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat_server.settings")
django.setup(set_prefix=False)  # what follows may import models

from channels.routing import ProtocolTypeRouter, URLRouter

from authentication.middleware import AccessTokenMiddleware
from chat.hub import get_hub
from chat.routing import websocket_urlpatterns

from .handler import BoundedHandler
from .health import PATHS, health
from .logs import mask_daphne_access_log
from .origins import OriginGuard

mask_daphne_access_log()

django_http = BoundedHandler()


async def http(scope: Any, receive: Any, send: Any) -> None:
    """What must answer whatever else hangs, and everything else."""
    await (health if scope["path"] in PATHS else django_http)(scope, receive, send)


router = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": OriginGuard(AccessTokenMiddleware(URLRouter(websocket_urlpatterns))),
    }
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The first request of a process also starts its hub: presence is right before anybody opens a socket."""
    get_hub()
    await router(scope, receive, send)
