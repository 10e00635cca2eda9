"""Sockets: what they all do, those of one conversation, and inboxes."""

from .conversation import ConversationConsumer
from .inbox import InboxConsumer
from .socket import ERROR_CODES, SocketConsumer

__all__ = ["ERROR_CODES", "ConversationConsumer", "InboxConsumer", "SocketConsumer"]
