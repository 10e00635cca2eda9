"""THROTTLE_MESSAGES and THROTTLE_USER over REST."""

from chat_server.environment import Rate
from tests.services.errors import refused

from .calls import MISSING, SEND, in_conversation, numbers


def send(client, conversation, content="Hello", client_id="once", **fields):
    return client.post(SEND, {"conversation": conversation.pk, "content": content, "client_id": client_id, **fields})


def test_too_many_messages_are_429_with_the_time_to_wait(alice, conversation, api, settings):
    settings.THROTTLE_MESSAGES = Rate(3, 60)
    client = api(alice)
    for number in range(3):
        assert send(client, conversation, client_id=f"{number}").status_code == 201
    response = send(client, conversation, client_id="one too many")
    assert refused(response) == (429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 20
    assert numbers(conversation) == (3, 3)


def test_a_repetition_is_answered_with_an_empty_bucket(alice, conversation, api, settings):
    settings.THROTTLE_MESSAGES = Rate(2, 60)
    client = api(alice)
    send(client, conversation)
    send(client, conversation, client_id="last")
    assert refused(send(client, conversation, client_id="new")) == (429, "throttled")
    for _ in range(3):
        assert send(client, conversation).status_code == 200
    assert refused(send(client, conversation, "Other")) == (409, "conflict")


def test_repetitions_take_nothing_from_the_bucket(alice, conversation, api, settings):
    settings.THROTTLE_MESSAGES = Rate(2, 60)
    client = api(alice)
    for _ in range(5):
        send(client, conversation)
    assert send(client, conversation, client_id="second").status_code == 201


def test_what_was_refused_can_be_sent_again_with_its_client_id(alice, conversation, api, settings):
    settings.THROTTLE_MESSAGES = Rate(1, 60)
    client = api(alice)
    send(client, conversation)
    assert send(client, conversation, client_id="later").status_code == 429
    settings.THROTTLE_MESSAGES = None
    assert send(client, conversation, client_id="later").status_code == 201


def test_everybody_has_a_bucket_over_all_conversations(alice, bob, conversation, group, api, settings):
    settings.THROTTLE_MESSAGES = Rate(2, 60)
    assert send(api(alice), conversation).status_code == 201
    assert send(api(alice), group).status_code == 201
    assert send(api(alice), conversation, client_id="third").status_code == 429
    assert send(api(bob), conversation).status_code == 201


def test_too_many_calls_of_any_kind_are_429(alice, conversation, api, settings):
    client = api(alice)
    settings.THROTTLE_USER = Rate(2, 60)
    assert client.get(in_conversation(conversation)).status_code == 200
    assert client.post(SEND, {}).status_code == 400
    response = client.get(in_conversation(conversation))
    assert refused(response) == (429, "throttled")
    assert int(response["Retry-After"]) >= 1


def test_calls_that_were_refused_count_too(alice, conversation, api, settings):
    client = api(alice)
    settings.THROTTLE_USER = Rate(2, 60)
    assert client.get(in_conversation(MISSING)).status_code == 404
    assert client.patch(in_conversation(conversation), {"name": "Mine"}).status_code == 403
    assert refused(client.get(in_conversation(MISSING))) == (429, "throttled")
