"""The application that every server serves: Django over HTTP, the consumers over WebSocket."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat_server.settings")
django.setup(set_prefix=False)  # what follows may import models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from authentication.middleware import AccessTokenMiddleware  # noqa: E402
from chat.hub import get_hub  # noqa: E402
from chat.routing import websocket_urlpatterns  # noqa: E402

from .handler import BoundedHandler  # noqa: E402
from .health import PATHS, health  # noqa: E402
from .logs import mask_daphne_access_log  # noqa: E402
from .origins import OriginGuard  # noqa: E402

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
