"""Every write of chat, and the only place that writes and broadcasts. The rule of this package: each function is one
transaction, checks the rights under the conversation's lock, and publishes after the commit."""

from .conversations import (
    add_participants,
    create_group,
    delete_any_conversation,
    delete_conversation,
    delete_group_for_everyone,
    leave_everything,
    open_private_conversation,
    remove_participant,
    set_admin,
    update_group,
)
from .messages import delete_message, delete_message_as_operator, edit_message, mark_read
from .sending import asend_message, send_message

__all__ = [
    "add_participants",
    "asend_message",
    "create_group",
    "delete_any_conversation",
    "delete_conversation",
    "delete_group_for_everyone",
    "delete_message",
    "delete_message_as_operator",
    "edit_message",
    "leave_everything",
    "mark_read",
    "open_private_conversation",
    "remove_participant",
    "send_message",
    "set_admin",
    "update_group",
]
