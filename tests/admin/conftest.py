"""A member of staff at the admin's pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.services.environment import PASSWORD


@pytest.fixture
def boss(make_user: Callable[..., Any]) -> Any:
    """A superuser, who is in no conversation."""
    return make_user("boss", is_staff=True, is_superuser=True)


@pytest.fixture
def staff(client: Client, boss: Any) -> Client:
    """The boss's browser, logged in at the admin's own door."""
    answer = client.post("/admin/login/", {"username": "Boss@Example.com", "password": PASSWORD})
    assert answer.status_code == 302
    return client


@pytest.fixture
def page(staff: Client) -> Callable[..., str]:
    """`page("chat_message_changelist", *args, **query)`: the page's text."""

    def get(name: str, *args: Any, **query: Any) -> str:
        answer = staff.get(reverse(f"admin:{name}", args=args), query)
        assert answer.status_code == 200, answer
        return answer.content.decode()

    return get


@pytest.fixture
def choose(staff: Client) -> Callable[..., Any]:
    """`choose("chat_message", action, *rows, **fields)`: the page that follows an action on these rows."""

    def post(model: str, action: str, *rows: Any, **fields: Any) -> str:
        chosen = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
        answer = staff.post(reverse(f"admin:{model}_changelist"), chosen, follow=True)
        assert answer.status_code == 200, answer
        return answer.content.decode()

    return post
