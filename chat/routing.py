"""Which socket path leads where."""

from typing import Any

from django.urls import path, re_path

from .consumers import ConversationConsumer, InboxConsumer


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Every other path: refused before it is accepted, which a client sees as HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})


websocket_urlpatterns = [
    path("ws/chat/<int:conversation_id>/", ConversationConsumer.as_asgi()),
    path("ws/inbox/", InboxConsumer.as_asgi()),
    re_path(r"", refuse),
]
