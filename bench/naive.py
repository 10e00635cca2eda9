"""The yardstick: chat over Channels as its tutorial has it, on plain Daphne: no accounts, no rights, nothing stored.

Served by `python -m daphne bench.naive:application`; DATABASE_URL and REDIS_URL come from the environment.
"""

import json
import os
from typing import Any

import environ
from django.conf import settings

env = environ.Env()
database = env.db_url("DATABASE_URL")
database["OPTIONS"] = {"pool": True}
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="nothing-is-signed-with-it",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "channels",
        "authentication",
        "chat",
    ],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": database},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    AUTH_USER_MODEL="authentication.User",
    USE_TZ=True,
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # Nothing is dropped at this load, and redis-py's own bounds close no socket.
            "CONFIG": {
                "hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None, "max_connections": 10_000}],
                "capacity": 1_000_000,
                "expiry": 600,
            },
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path
from rest_framework.generics import ListAPIView
from rest_framework.serializers import ModelSerializer

from authentication.models import User
from chat.models import Message


class SenderSerializer(ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username"]


class MessageSerializer(ModelSerializer):
    sender = SenderSerializer()

    class Meta:
        model = Message
        fields = ["id", "conversation", "seq", "sender", "content", "client_id", "created_at", "edited_at"]


class Newest(ListAPIView):
    serializer_class = MessageSerializer

    def get_queryset(self) -> Any:
        messages = Message.objects.filter(conversation=self.kwargs["conversation_id"])
        return messages.select_related("sender").order_by("-seq")[:50]


class Consumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        self.room = f"room_{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send(json.dumps({"type": "connected"}))

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        said = json.loads(text_data or "{}")
        await self.channel_layer.group_send(self.room, {"type": "chat.message", "message": said})
        await self.send(json.dumps({"type": "ack", "client_id": said["client_id"]}))

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(json.dumps(event))


urlpatterns = [path("messages/<int:conversation_id>/", Newest.as_view())]
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter([path("ws/<int:room>/", Consumer.as_asgi())])})
