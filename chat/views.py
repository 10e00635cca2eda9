"""REST: parse, one service, serialize. No rule lives here."""

from contextlib import suppress
from typing import Any

from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat_server.pagination import (
    KeysetPage,
    ListedRows,
    choice_parameter,
    integer_parameter,
    limit_parameter,
    page_url,
    text_parameter,
)
from chat_server.parsers import checked
from chat_server.rendering import Answer

from . import openapi, reads, services
from .models import Conversation, ConversationParticipant, Message
from .permissions import IsGroupAdmin, IsParticipant, SeesMessage
from .serializers import (
    AddParticipantsSerializer,
    CreateConversationSerializer,
    EditMessageSerializer,
    MarkReadSerializer,
    SendMessageSerializer,
    SetAdminSerializer,
    UpdateConversationSerializer,
)
from .shapes import message_shape, participant_shape, receipt_shape


def shown(request: Request, conversation_id: int) -> dict[str, Any]:
    """The conversation as the caller sees it."""
    conversation = reads.conversation_for(conversation_id, request.user.pk)
    if conversation is None:  # deleted, or left, since the caller was let in
        raise NotFound
    return conversation


class ConversationList(APIView):
    @openapi.conversations
    def get(self, request: Request) -> Response:
        kind = choice_parameter(request, "type", tuple(Conversation.Type.values))
        unread = choice_parameter(request, "unread", ("true", "false")) == "true"
        term = text_parameter(request, "search")
        page = KeysetPage(request, reads.ListedConversations(request.user, kind, unread, term))
        return page.answer(reads.shapes_of(page.rows, request.user.pk))


class UnreadCounts(APIView):
    @openapi.unread
    def get(self, request: Request) -> Response:
        unread = ConversationParticipant.objects.unread_by(request.user)
        by_id = {str(pk): count for pk, count in unread.items()}
        return Answer({"total_unread": sum(unread.values()), "conversations": by_id})


class ConversationCreate(APIView):
    @openapi.create_conversation
    def post(self, request: Request) -> Response:
        wanted = checked(CreateConversationSerializer, request)
        if wanted.pop("type") == Conversation.Type.PRIVATE:
            conversation, created = services.open_private_conversation(
                user=request.user, participant_ids=wanted["participant_ids"]
            )
        else:
            conversation, created = services.create_group(creator=request.user, **wanted), True
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Answer(shown(request, conversation.pk), status=code)


class ConversationDetail(APIView):
    participant: ConversationParticipant

    def get_permissions(self) -> list[Any]:
        return [IsGroupAdmin() if self.request.method == "PATCH" else IsParticipant()]

    @openapi.conversation
    def get(self, request: Request, conversation_id: int) -> Response:
        return Answer(shown(request, conversation_id))

    @openapi.update_conversation
    def patch(self, request: Request, conversation_id: int) -> Response:
        changes = checked(UpdateConversationSerializer, request)
        services.update_group(editor=request.user, conversation_id=conversation_id, **changes)
        return Answer(shown(request, conversation_id))


class ConversationDelete(APIView):
    permission_classes = (IsParticipant,)

    @openapi.delete_conversation
    def delete(self, request: Request, conversation_id: int) -> Response:
        if choice_parameter(request, "for_everyone", ("true", "false")) == "true":
            services.delete_group_for_everyone(user=request.user, conversation_id=conversation_id)
        else:
            services.delete_conversation(user=request.user, conversation_id=conversation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class History(APIView):
    """The messages of a conversation by `seq`, which has no gaps: every page is a range of it."""

    @openapi.history
    def get(self, request: Request, conversation_id: int) -> Response:
        limit = self._limit_alone(request)
        if limit is not None:
            page = reads.newest(conversation_id, request.user.pk, limit)
            if page is None:
                raise NotFound
            begin, top, results = page
            low, high = top - len(results), top
        else:
            participant = reads.participant_of(conversation_id, request.user.pk)
            if participant is None:
                raise NotFound
            begin, top = participant.visible_after_seq, participant.conversation.last_seq
            low, high = self._range(request, begin, top)
            results = reads.history(conversation_id, low, high) if low < high else []
        blank = {"before": None, "after": None, "around": None}
        older = page_url(request, **{**blank, "before": low + 1}) if begin < low else None
        newer = page_url(request, **{**blank, "after": high}) if high < top else None
        return Answer({"next": newer, "previous": older, "results": results})

    @staticmethod
    def _limit_alone(request: Request) -> int | None:
        """How many of the newest are asked for; None where it is not them, or where the limit will not do."""
        if not request.query_params.keys() & {"before", "after", "around"}:
            with suppress(ValidationError):  # told to who takes part, and not before that is known
                return limit_parameter(request)
        return None

    @staticmethod
    def _range(request: Request, begin: int, top: int) -> tuple[int, int]:
        """The page as `low < seq <= high`, within what there is and the caller may see."""
        limit = limit_parameter(request)
        before = integer_parameter(request, "before", minimum=1)
        after = integer_parameter(request, "after", minimum=0)
        around = integer_parameter(request, "around", minimum=1)
        if sum(each is not None for each in (before, after, around)) > 1:
            raise ValidationError({"non_field_errors": ["Only one of before, after and around."]}, code="invalid")
        if after is not None:
            low = min(max(after, begin), top)
            return low, min(low + limit, top)
        high = top
        if before is not None:
            high = max(min(before - 1, top), begin)
        elif around is not None:
            high = min(min(max(around, begin + 1), top) + limit // 2, top)
            high = max(high, min(begin + limit, top))
        return max(high - limit, begin), high


class Changes(APIView):
    permission_classes = (IsParticipant,)
    participant: ConversationParticipant

    @openapi.changes
    def get(self, request: Request, conversation_id: int) -> Response:
        since = integer_parameter(request, "since", minimum=0) or 0
        limit = limit_parameter(request)
        messages = reads.changes(self.participant, since, limit + 1)
        has_more, messages = len(messages) > limit, messages[:limit]
        # The head was read first: up to it nothing is missing, and what came since may be there too.
        head = max([self.participant.conversation.version, *(message["version"] for message in messages)])
        return Answer({"version": head, "has_more": has_more, "results": messages})


class MarkRead(APIView):
    permission_classes = (IsParticipant,)

    @openapi.mark_read
    def post(self, request: Request, conversation_id: int) -> Response:
        wanted = checked(MarkReadSerializer, request)
        participant = services.mark_read(reader=request.user, conversation_id=conversation_id, **wanted)
        unread = participant.unread_in(participant.conversation)
        return Answer({"last_read_seq": participant.last_read_seq, "unread_count": unread})


class Participants(APIView):
    participant: ConversationParticipant

    def get_permissions(self) -> list[Any]:
        return [IsGroupAdmin() if self.request.method == "POST" else IsParticipant()]

    @openapi.participants
    def get(self, request: Request, conversation_id: int) -> Response:
        participants = ConversationParticipant.objects.filter(conversation=conversation_id).select_related("user")
        page = KeysetPage(request, ListedRows(participants, "joined_at", "id"))
        return page.answer([participant_shape(part) for part in page.rows])

    @openapi.add_participants
    def post(self, request: Request, conversation_id: int) -> Response:
        wanted = checked(AddParticipantsSerializer, request)
        added = services.add_participants(adder=request.user, conversation_id=conversation_id, **wanted)
        return Answer({"results": [participant_shape(part) for part in added]}, status=status.HTTP_201_CREATED)


class ParticipantDetail(APIView):
    participant: ConversationParticipant

    def get_permissions(self) -> list[Any]:
        return [IsGroupAdmin() if self.request.method == "PATCH" else IsParticipant()]

    @openapi.set_admin
    def patch(self, request: Request, conversation_id: int, user_id: int) -> Response:
        wanted = checked(SetAdminSerializer, request)
        participant = services.set_admin(
            setter=request.user, conversation_id=conversation_id, user_id=user_id, **wanted
        )
        return Answer(participant_shape(participant))

    @openapi.remove_participant
    def delete(self, request: Request, conversation_id: int, user_id: int) -> Response:
        services.remove_participant(remover=request.user, conversation_id=conversation_id, user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MessageCreate(APIView):
    @openapi.send_message
    def post(self, request: Request) -> Response:
        said = checked(SendMessageSerializer, request)
        conversation_id = said.pop("conversation")
        message, is_new = services.send_message(sender=request.user, conversation_id=conversation_id, **said)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Answer(message_shape(message), status=code)


class MessageDetail(APIView):
    permission_classes = (SeesMessage,)
    message: Message

    @openapi.message
    def get(self, request: Request, message_id: int) -> Response:
        return Answer(message_shape(self.message))

    @openapi.put_message
    def put(self, request: Request, message_id: int) -> Response:
        return self._edit(request, checked(EditMessageSerializer, request))

    @openapi.edit_message
    def patch(self, request: Request, message_id: int) -> Response:
        return self._edit(request, checked(EditMessageSerializer, request, partial=True))

    def _edit(self, request: Request, wanted: dict[str, Any]) -> Response:
        message = services.edit_message(editor=request.user, message_id=self.message.pk, content=wanted.get("content"))
        return Answer(message_shape(message))


class MessageDelete(APIView):
    permission_classes = (SeesMessage,)

    @openapi.delete_message
    def delete(self, request: Request, message_id: int) -> Response:
        services.delete_message(deleter=request.user, message_id=message_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Receipts(APIView):
    permission_classes = (SeesMessage,)
    message: Message

    @openapi.receipts
    def get(self, request: Request, message_id: int) -> Response:
        seq = self.message.seq
        readers = ConversationParticipant.objects.filter(
            conversation=self.message.conversation_id, last_read_seq__gte=seq, visible_after_seq__lt=seq
        ).exclude(user=self.message.sender_id)
        page = KeysetPage(request, ListedRows(readers.select_related("user"), "joined_at", "id"))
        return page.answer([receipt_shape(part) for part in page.rows])
