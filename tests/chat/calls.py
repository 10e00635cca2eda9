"""The calls of chat by name, and what is asked of every answer."""

from collections.abc import Callable
from typing import Any

from django.urls import get_resolver

from chat import services
from chat.models import Conversation, ConversationParticipant, Message

ROOT = "/api/chat/"
CONVERSATIONS = f"{ROOT}conversations/"
CREATE = f"{CONVERSATIONS}create/"
SEND = f"{ROOT}messages/create/"
UNREAD = f"{ROOT}unread/"
MISSING = 999_999_999
URLS = get_resolver().namespace_dict["chat"][1].url_patterns


def in_conversation(conversation: Any, rest: str = "") -> str:
    """`conversations/<id>/…`; the conversation or its id."""
    return f"{CONVERSATIONS}{getattr(conversation, 'pk', conversation)}/{rest}"


def of_message(message: Any, rest: str = "") -> str:
    """`messages/<id>/…`; the message or its id."""
    return f"{ROOT}messages/{getattr(message, 'pk', message)}/{rest}"


def participant(conversation: Any, user: Any) -> str:
    """`conversations/<id>/participants/<user id>/`."""
    return in_conversation(conversation, f"participants/{getattr(user, 'pk', user)}/")


def say(sender: Any, conversation: Any, content: str = "Hello", **fields: Any) -> Message:
    """A message, sent."""
    message, _ = services.send_message(sender=sender, conversation_id=conversation.pk, content=content, **fields)
    return message


def part(conversation: Any, user: Any) -> ConversationParticipant:
    """The user's row in the conversation, as it is now."""
    return ConversationParticipant.objects.get(conversation=conversation, user=user)


def events(conversation: Any) -> list[tuple[str | None, dict[str, Any]]]:
    """What happened in a group, in order: who did it (their username) and the event."""
    system = Message.objects.filter(conversation=conversation, type="system").order_by("seq")
    return [(message.sender and message.sender.username, message.event) for message in system.select_related("sender")]


def numbers(conversation: Any) -> tuple[int, int]:
    """The conversation's last seq and version, as they are now."""
    return Conversation.objects.values_list("last_seq", "version").get(pk=conversation.pk)


def results(response: Any) -> list[Any]:
    """The rows of a list, after it was found to be one."""
    assert response.status_code == 200, response.content
    assert response.json().keys() == {"next", "previous", "results"}
    return response.json()["results"]


def walk(client: Any, path: str, link: str = "next", between: Callable[[], None] = lambda: None) -> list[Any]:
    """Every page's rows from this page on, following one of the links; `between` is called before each step."""
    pages = []
    url: str | None = path
    while url is not None:
        response = client.get(url)
        pages.append(results(response))
        url = response.json()[link]
        between()
        assert len(pages) < 1000, "the links lead round in a circle"
    return pages
