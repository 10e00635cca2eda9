"""More people, and the sizes that a group may have."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone


@pytest.fixture
def dave(make_user: Callable[..., Any]) -> Any:
    """In no conversation yet."""
    return make_user("dave")


@pytest.fixture
def crowd(db: None) -> Callable[[int], list[Any]]:
    """`crowd(n)`: n more users, stored at once; they cannot log in."""
    from authentication.models import User

    def make(count: int) -> list[User]:
        first = User.objects.count()
        return User.objects.bulk_create(
            User(username=f"member{number}", email=f"member{number}@example.com", password="!")
            for number in range(first, first + count)
        )

    return make


@pytest.fixture
def fill(crowd: Callable[[int], list[Any]]) -> Callable[..., list[Any]]:
    """`fill(group, n)`: n more participants in a group, without a word."""
    from chat.models import ConversationParticipant

    def join(group: Any, count: int) -> list[Any]:
        users = crowd(count)
        now = timezone.now()
        ConversationParticipant.objects.bulk_create(
            ConversationParticipant(conversation=group, user=user, joined_at=now) for user in users
        )
        return users

    return join
