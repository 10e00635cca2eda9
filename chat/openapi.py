"""What the API documentation says of each call: one decorator for each operation of `views.py`, by the same name."""

from drf_spectacular.utils import OpenApiParameter, extend_schema

from chat_server.openapi import CURSOR, LIMIT, NOT_THERE, answer, body, page, page_of, refusal

from .serializers import (
    AddedSerializer,
    AddParticipantsSerializer,
    ChangesSerializer,
    ConversationSerializer,
    CreateConversationSerializer,
    EditMessageSerializer,
    MarkedReadSerializer,
    MarkReadSerializer,
    MessageSerializer,
    ParticipantSerializer,
    ReceiptSerializer,
    SendMessageSerializer,
    UnreadSerializer,
    UpdateConversationSerializer,
)

# Examples -----------------------------------------------------------------------------------------

NOW = "2026-01-01T00:00:00.000000Z"
ADA = {"id": 7, "username": "ada", "display_name": "Ada Lovelace", "avatar": None}
BOB = {"id": 8, "username": "bob", "display_name": "bob", "avatar": None}
QUESTION = {"id": 122, "seq": 41, "sender": BOB, "content": "Are you there?"}
MESSAGE = {
    "id": 123,
    "conversation": 12,
    "seq": 42,
    "version": 57,
    "type": "text",
    "sender": ADA,
    "content": "Hello",
    "reply_to": QUESTION,
    "client_id": "b1d7c5c2",
    "event": None,
    "is_edited": False,
    "edited_at": None,
    "is_deleted": False,
    "deleted_at": None,
    "created_at": NOW,
}
CREATED = {
    **MESSAGE,
    "id": 100,
    "seq": 1,
    "version": 1,
    "type": "system",
    "content": "",
    "reply_to": None,
    "client_id": None,
    "event": {"action": "conversation_created", "name": "Engines"},
}
EDITED = {**MESSAGE, "content": "Hello!", "version": 58, "is_edited": True, "edited_at": "2026-01-01T00:01:00.000000Z"}
PARTICIPANTS = [
    {
        "user": {**ADA, "is_online": True, "last_seen": NOW},
        "is_admin": True,
        "joined_at": NOW,
        "last_read_seq": 42,
        "last_read_at": NOW,
    },
    {
        "user": {**BOB, "is_online": False, "last_seen": None},
        "is_admin": False,
        "joined_at": NOW,
        "last_read_seq": 1,
        "last_read_at": None,
    },
]
GROUP = {
    "id": 12,
    "type": "group",
    "name": "Engines",
    "description": "",
    "participants": PARTICIPANTS,
    "participant_count": 2,
    "last_message": MESSAGE,
    "unread_count": 0,
    "last_seq": 42,
    "version": 57,
    "created_at": NOW,
    "updated_at": NOW,
}
NEW_GROUP = {**GROUP, "last_message": CREATED, "last_seq": 1, "version": 1}
PRIVATE = {
    **GROUP,
    "id": 13,
    "type": "private",
    "name": "bob",
    "participants": [{**each, "is_admin": False} for each in PARTICIPANTS],
    "last_message": None,
    "last_seq": 0,
    "version": 0,
}
EARLIER = "http://localhost:8000/api/chat/conversations/12/messages/?limit=1&before=42"

# Parameters ---------------------------------------------------------------------------------------


def seq_parameter(name: str, minimum: int, description: str) -> OpenApiParameter:
    """One of the three that choose a page of the history."""
    others = ", ".join(f"`{each}`" for each in ("before", "after", "around") if each != name)
    schema = {"type": "integer", "format": "int64", "minimum": minimum}
    return OpenApiParameter(name, schema, description=f"{description} Not together with {others}.")


HISTORY = [
    seq_parameter("before", 1, "The messages just below this `seq`."),
    seq_parameter("after", 0, "The messages just above this `seq`."),
    seq_parameter("around", 1, "A page with this `seq` in it."),
]
SINCE = OpenApiParameter(
    "since",
    {"type": "integer", "format": "int64", "minimum": 0, "default": 0},
    description="The highest `version` that you hold. Past the conversation's version: nothing comes.",
)
TYPE = OpenApiParameter("type", str, enum=["private", "group"], description="Only conversations of this type.")
UNREAD = OpenApiParameter("unread", str, enum=["true", "false"], description="`true`: only those with unread messages.")
SEARCH = OpenApiParameter(
    "search",
    {"type": "string", "maxLength": 100},
    description="A part of a group's name, or of the name or username of the other in a private one; without case.",
)
FOR_EVERYONE = OpenApiParameter(
    "for_everyone", str, enum=["true", "false"], description="`true`: delete the group for all. Its admins only."
)

# A PATCH of which nothing may be left out.
SET_ADMIN = {"type": "object", "properties": {"is_admin": {"type": "boolean"}}, "required": ["is_admin"]}

# Refusals -----------------------------------------------------------------------------------------

FORBIDDEN = refusal(403, "permission_denied", "You do not have permission to perform this action.")
NOT_EDITABLE = refusal(403, "not_editable", "System messages and deleted messages stay as they are.")
NO_USER = "There is no active user 99."
LAST_ADMIN = refusal(409, "last_admin", "A group always has an admin: make somebody else one first.")
CONFLICT = refusal(409, "conflict", "This client_id was used for another message of yours in this conversation.")
FULL = "A group has at most 1000 participants."

# Operations ---------------------------------------------------------------------------------------

conversations = extend_schema(
    operation_id="list_conversations",
    tags=["conversations"],
    summary="Your conversations",
    description="Those that you take part in, latest activity first. Private ones that you deleted are not in the "
    "list until a new message comes. `participants` holds at most the first 50 of each; `participants/` "
    "lists all.",
    parameters=[TYPE, UNREAD, SEARCH, LIMIT, CURSOR],
    responses={200: page_of(ConversationSerializer)},
    examples=[answer("One group", page(GROUP))],
)
unread = extend_schema(
    operation_id="get_unread",
    tags=["conversations"],
    summary="What you have not read",
    description="How many messages lie above your read marker, in all and by the id of each conversation that has any.",
    responses={200: UnreadSerializer},
    examples=[answer("Two conversations", {"total_unread": 12, "conversations": {"7": 4, "9": 8}})],
)
create_conversation = extend_schema(
    operation_id="create_conversation",
    tags=["conversations"],
    summary="Create a conversation",
    description="`type` and `participant_ids` are needed, for a group also `name`. `private`: with exactly one other,"
    " active user. There is only ever one of the two of you: where it is there already, it is answered "
    "with 200. `group`: you are its admin; it may begin with you alone and has at most 1000 participants."
    " A group begins with one system message. Your own id and repeated ids are ignored.",
    request=CreateConversationSerializer,
    responses={201: ConversationSerializer, 200: ConversationSerializer},
    examples=[
        body("A group", {"type": "group", "name": "Engines", "participant_ids": [8]}),
        body("A private one", {"type": "private", "participant_ids": [8]}),
        answer("A new group", NEW_GROUP, status=201),
        answer("A private one that was there", PRIVATE),
        refusal(400, "does_not_exist", NO_USER, "participant_ids"),
        refusal(400, "group_full", FULL, "participant_ids"),
    ],
)
conversation = extend_schema(
    operation_id="get_conversation",
    tags=["conversations"],
    summary="One conversation",
    description="As you see it: `name`, `last_message` and `unread_count` are yours.",
    responses={200: ConversationSerializer},
    examples=[answer("A group", GROUP)],
)
update_conversation = extend_schema(
    operation_id="update_conversation",
    tags=["conversations"],
    summary="Rename a group",
    description="Changes name and description; its admins only. What is left out stays. A new name makes a system "
    "message; the same one again changes nothing.",
    request=UpdateConversationSerializer,
    responses={200: ConversationSerializer},
    examples=[body("A new name", {"name": "Engines"}), answer("As it is now", GROUP), FORBIDDEN],
)
delete_conversation = extend_schema(
    operation_id="delete_conversation",
    tags=["conversations"],
    summary="Delete or leave a conversation",
    description="Private: gone from your list with its history, until a new message comes or you create it again. "
    "Group: you leave it; the last admin who leaves hands over to the longest-standing participant, and "
    "with nobody left it is deleted.",
    parameters=[FOR_EVERYONE],
    responses={204: None},
    examples=[refusal(400, "invalid_choice", "One of true, false is expected.", "for_everyone"), FORBIDDEN],
)
history = extend_schema(
    operation_id="list_messages",
    tags=["messages"],
    summary="The messages of a conversation",
    description="Oldest first within the page; without `before`, `after` and `around` the newest page. `previous` "
    "leads to older ones, `next` to newer ones. `seq` has no gaps, so a page is complete when it has as "
    "many as asked for. You see what was said from when you joined, or since you deleted the private "
    "conversation.",
    parameters=[*HISTORY, LIMIT],
    responses={200: page_of(MessageSerializer)},
    examples=[
        answer("The newest one", page(MESSAGE, previous=EARLIER)),
        refusal(400, "invalid", "Only one of before, after and around.", "non_field_errors"),
    ],
)
changes = extend_schema(
    operation_id="list_changes",
    tags=["messages"],
    summary="What changed since a version",
    description="Every message that is new, was edited or was deleted since version `since`, by `version`, each in "
    "its latest state. While `has_more` is true, ask again with the `version` of the last one; then go on"
    " from `version`.",
    parameters=[SINCE, LIMIT],
    responses={200: ChangesSerializer},
    examples=[answer("One was edited", {"version": 58, "has_more": False, "results": [EDITED]})],
)
mark_read = extend_schema(
    operation_id="mark_read",
    tags=["messages"],
    summary="Mark as read",
    description="Moves your read marker up to and including a message, or over everything where `message_id` is left "
    "out. It never moves back.",
    request=MarkReadSerializer,
    responses={200: MarkedReadSerializer},
    examples=[
        body("Up to a message", {"message_id": 123}),
        answer("All read", {"last_read_seq": 42, "unread_count": 0}),
        refusal(400, "does_not_exist", "There is no such message in this conversation.", "message_id"),
    ],
)
participants = extend_schema(
    operation_id="list_participants",
    tags=["participants"],
    summary="Who takes part",
    description="All of them, in the order in which they joined.",
    parameters=[LIMIT, CURSOR],
    responses={200: page_of(ParticipantSerializer)},
    examples=[answer("Two", page(*PARTICIPANTS))],
)
add_participants = extend_schema(
    operation_id="add_participants",
    tags=["participants"],
    summary="Add people to a group",
    description="Its admins only. Answers those who were really added; who takes part already is left as they are. A "
    "newcomer sees what is said from the system message of their own coming on.",
    request=AddParticipantsSerializer,
    responses={201: AddedSerializer},
    examples=[
        body("Bob", {"user_ids": [8]}),
        answer("Bob was added", {"results": [PARTICIPANTS[1]]}, status=201),
        refusal(400, "does_not_exist", NO_USER, "user_ids"),
        refusal(400, "group_full", FULL, "user_ids"),
        FORBIDDEN,
    ],
)
set_admin = extend_schema(
    operation_id="set_admin",
    tags=["participants"],
    summary="Make somebody an admin, or no longer",
    description="The group's admins only. The last admin's right cannot be taken away.",
    request={"application/json": SET_ADMIN},
    responses={200: ParticipantSerializer},
    examples=[
        body("An admin", {"is_admin": True}),
        answer("Ada", PARTICIPANTS[0]),
        FORBIDDEN,
        LAST_ADMIN,
        refusal(400, "required", "This field is required.", "is_admin"),
    ],
)
remove_participant = extend_schema(
    operation_id="remove_participant",
    tags=["participants"],
    summary="Remove somebody from a group, or leave it",
    description="Admins remove anyone, everybody themselves. From then on nothing of the group reaches them.",
    responses={204: None},
    examples=[FORBIDDEN],
)
send_message = extend_schema(
    operation_id="send_message",
    tags=["messages"],
    summary="Send a message",
    description="201: it is stored, once. Choose a `client_id` (1 to 64 printable characters) that you use for "
    "nothing else in this conversation, and after any failure, also a 429, a 503 or no answer at all, "
    "send the same again: where the first one had arrived, it is answered with 200 and nothing new is "
    "stored or sent. Counted together with the messages sent over sockets: `THROTTLE_MESSAGES`.",
    request=SendMessageSerializer,
    responses={201: MessageSerializer, 200: MessageSerializer},
    examples=[
        body("A reply", {"conversation": 12, "content": "Hello", "client_id": "b1d7c5c2", "reply_to": 122}),
        body("The least", {"conversation": 12, "content": "Hello"}),
        answer("Stored", MESSAGE, status=201),
        answer("It was there already", MESSAGE),
        refusal(400, "blank", "This field may not be blank.", "content"),
        refusal(400, "does_not_exist", "There is no such message in this conversation.", "reply_to"),
        NOT_THERE,
        CONFLICT,
    ],
)
message = extend_schema(
    operation_id="get_message",
    tags=["messages"],
    summary="One message",
    description="As it is now. 404 for one that is older than your history in its conversation.",
    responses={200: MessageSerializer},
    examples=[answer("A reply", MESSAGE)],
)
put_message = extend_schema(
    operation_id="put_message",
    tags=["messages"],
    summary="Edit a message",
    description="Its sender only. The same content again changes nothing.",
    request=EditMessageSerializer,
    responses={200: MessageSerializer},
    examples=[body("Louder", {"content": "Hello!"}), answer("Edited", EDITED), FORBIDDEN, NOT_EDITABLE],
)
edit_message = extend_schema(
    operation_id="edit_message",
    tags=["messages"],
    summary="Edit a message",
    description="Its sender only. The same content again, or none, changes nothing.",
    request=EditMessageSerializer,
    responses={200: MessageSerializer},
    examples=[body("Louder", {"content": "Hello!"}), answer("Edited", EDITED), FORBIDDEN, NOT_EDITABLE],
)
delete_message = extend_schema(
    operation_id="delete_message",
    tags=["messages"],
    summary="Delete a message",
    description="Its sender, and in groups every admin. It stays as a tombstone, `is_deleted` and without content; "
    "deleting it again is 204 again.",
    responses={204: None},
    examples=[FORBIDDEN, NOT_EDITABLE],
)
receipts = extend_schema(
    operation_id="list_receipts",
    tags=["messages"],
    summary="Who has read a message",
    description="Without its sender. `read_at` is when they last moved their marker to or past it.",
    parameters=[LIMIT, CURSOR],
    responses={200: page_of(ReceiptSerializer)},
    examples=[answer("Ada has", page({"user": PARTICIPANTS[0]["user"], "read_at": NOW}))],
)
