from asgiref.sync import async_to_sync
from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from authentication import hooks

        from . import broadcast, services

        def close_sockets(session_ids: list[str]) -> None:
            message = broadcast.sessions_ended(session_ids=session_ids)
            async_to_sync(broadcast.publish)(broadcast.EVERYWHERE, message)

        hooks.sessions_ended.append(close_sockets)
        hooks.account_closing.append(services.leave_every_group)
