"""Sockets: what they all do, those of one conversation, and inboxes."""

from .conversation import ConversationConsumer
from .inbox import InboxConsumer
from .socket import SocketConsumer

__all__ = ["ConversationConsumer", "InboxConsumer", "SocketConsumer"]
