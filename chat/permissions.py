"""Who may call a view: DRF classes that ask the querysets. A stranger gets 404 before anything else is looked at."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from .reads import message_for, participant_of


class IsParticipant(IsAuthenticated):
    """Takes part in the conversation of the URL; the view then has their `participant`, with the conversation."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        view.participant = participant_of(view.kwargs["conversation_id"], request.user.pk)
        if view.participant is None:
            raise NotFound
        return True


class IsGroupAdmin(IsParticipant):
    """Is an admin of the group of the URL; in private conversations nobody is."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return super().has_permission(request, view) and view.participant.is_admin


class SeesMessage(IsAuthenticated):
    """Sees the message of the URL; the view then has it as `message`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        view.message = message_for(view.kwargs["message_id"], request.user.pk)
        if view.message is None:
            raise NotFound
        return True
