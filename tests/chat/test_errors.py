"""Every answer of 400 and above under /api/ has the one body."""

import pytest

from chat import services
from tests.services.errors import refused

from .calls import CONVERSATIONS, CREATE, MISSING, SEND, in_conversation, of_message, participant, say


def test_each_status_has_the_body(alice, bob, conversation, group, api, settings):
    from chat_server.environment import Rate

    client, message = api(alice), say(bob, group)
    body = {"conversation": group.pk, "content": "x", "client_id": "x"}
    client.post(SEND, body)
    raw = {"content_type": "text/plain"}
    found = [
        refused(client.post(CREATE, {})),
        refused(client.get(CONVERSATIONS, {"limit": "x"})),
        refused(api().get(CONVERSATIONS)),
        refused(client.patch(of_message(message), {"content": "Mine"})),
        refused(client.get(in_conversation(MISSING))),
        refused(client.put(CREATE, {})),
        refused(client.post(SEND, {**body, "content": "y"})),
        refused(client.patch(participant(group, alice), {"is_admin": False})),
        refused(client.post(SEND, {"content": "x" * 2**21})),
        refused(client.post(SEND, "x", **raw)),
    ]
    settings.THROTTLE_MESSAGES = Rate(1, 60)
    client.post(SEND, {**body, "client_id": None})
    found.append(refused(client.post(SEND, {**body, "client_id": None})))
    assert [status for status, _ in found] == [400, 400, 401, 403, 404, 405, 409, 409, 413, 415, 429]


def test_several_errors_are_told_together(alice, api):
    errors = api(alice).post(SEND, {}).json()["errors"]
    assert {(error["code"], error["attr"]) for error in errors} == {
        ("required", "conversation"),
        ("required", "content"),
    }


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/api/nothing/",
        "/api/chat",
        "/api/chat/",
        "/api/chat/conversations",
        "/api/chat/conversations/abc/",
        "/api/chat/conversations/-1/",
        "/api/chat/conversations/1.5/",
        "/api/chat/conversations/1/messages",
        "/api/chat/messages/create",
        "/api/chat/messages/%00/",
        "/api/chat/conversations/٣/",
        "/api/chat//conversations/",
        "/api/CHAT/conversations/",
        "/api/%F0%9F%91%8B/",
        "/api/" + "x" * 3000,
    ],
)
def test_an_unknown_path_is_404_whoever_asks(method, path, alice, api):
    for client in (api(alice), api()):
        response = client.generic(method.upper(), path)
        if method == "options" and response.status_code == 200:
            continue
        assert refused(response) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/", "/api/schema/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_documentation_refuses_in_the_same_words(path, method, api):
    assert refused(api().generic(method, path)) == (405, "method_not_allowed")


def test_a_host_that_is_not_ours_is_400(alice, api):
    assert refused(api(alice).get(CONVERSATIONS, HTTP_HOST="evil.example"))[0] == 400


def test_more_parameters_than_anybody_needs_are_400(alice, api):
    query = "&".join(f"p{number}=1" for number in range(1001))
    assert refused(api(alice).get(f"{CONVERSATIONS}?{query}"))[0] == 400


@pytest.mark.parametrize(
    "query", ["limit=%00", "search=%ff", "search=%ED%A0%80", "cursor=%00", "type=%ff", "=", "&&&", "%"]
)
def test_bytes_in_the_query_give_no_500(query, alice, conversation, api):
    for path in (
        CONVERSATIONS,
        in_conversation(conversation, "participants/"),
        in_conversation(conversation, "messages/"),
    ):
        assert api(alice).get(f"{path}?{query}").status_code in (200, 400)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "image/*;q=0.1", "nonsense", "", "a/b/c;;;"])
def test_whatever_a_client_would_rather_have_errors_are_json(accept, alice, api):
    client = api(alice)
    response = client.get(in_conversation(MISSING), HTTP_ACCEPT=accept)
    assert response["Content-Type"] == "application/json"
    assert refused(response) == (404, "not_found")


def test_there_is_one_format_whatever_a_client_asks_for(alice, api):
    response = api(alice).get(f"{CONVERSATIONS}?format=xml")
    assert response["Content-Type"] == "application/json"
    assert response.status_code in (200, 404)


def test_head_is_get_without_a_body(alice, conversation, api):
    response = api(alice).head(in_conversation(conversation))
    assert (response.status_code, response.content) == (200, b"")


def test_options_tells_a_stranger_nothing(eve, conversation, api):
    assert refused(api(eve).options(in_conversation(conversation))) == (404, "not_found")


def test_a_deactivated_user_is_401(alice, bob, conversation, api):
    from authentication.services import deactivate_user

    client = api(bob)
    deactivate_user(user=bob)
    assert refused(client.get(in_conversation(conversation)))[0] == 401
    assert services.send_message(sender=alice, conversation_id=conversation.pk, content="Still here")[1]
