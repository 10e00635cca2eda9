from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Tie chat to what it must hear of: ended sessions, closing accounts, the end of the process."""
        from authentication import hooks
        from chat_server.server import on_shutdown

        from . import broadcast, services
        from .hub import get_hub

        def close_sockets(session_ids: list[str]) -> None:
            broadcast.publish_soon((broadcast.EVERYWHERE, broadcast.sessions_ended(session_ids=session_ids)))

        async def stop_hub() -> None:
            await get_hub().stop()

        hooks.sessions_ended.append(close_sockets)
        hooks.account_closing.append(services.leave_everything)
        on_shutdown.append(stop_hub)
