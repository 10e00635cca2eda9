from django.apps import AppConfig
from django.urls import register_converter

from .converters import IdConverter


class ChatServerConfig(AppConfig):
    name = "chat_server"

    def ready(self) -> None:
        register_converter(IdConverter, "id")
