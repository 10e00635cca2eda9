"""What comes in: no body whatsoever gives a 500, and every field takes what it says and nothing else."""

import json

import pytest
from rest_framework import serializers as drf

from chat import serializers
from chat.models import Message
from tests.services.errors import refusal, refused

from .calls import CREATE, SEND, URLS, in_conversation, of_message, participant, say

# Every call that takes a body, and the serializer that reads it.
INPUTS = {
    ("conversation-create", "post"): serializers.CreateConversationSerializer,
    ("conversation", "patch"): serializers.UpdateConversationSerializer,
    ("mark-read", "post"): serializers.MarkReadSerializer,
    ("participants", "post"): serializers.AddParticipantsSerializer,
    ("participant", "patch"): serializers.SetAdminSerializer,
    ("message-create", "post"): serializers.SendMessageSerializer,
    ("message", "put"): serializers.EditMessageSerializer,
    ("message", "patch"): serializers.EditMessageSerializer,
}
OBJECTS = [{}, {"a": 1}]
NUMBERS = [0, 1, -1, 1.5, 1e300]
TEXTS = ["", "1", "true", "abc"]
FLAGS = [True, False]
IDS_THAT_ARE_NONE = [0, -1, 1.0, 1.5, 1e300, 2**63, 2**64, -(2**63), True, False, *TEXTS, *OBJECTS, [], [1]]


def wrong_values(field):
    """What a field must refuse."""
    nothing = [] if field.allow_null else [None]
    match field:
        case serializers.ClientIdField():
            return [*nothing, *NUMBERS, *FLAGS, *OBJECTS, [], ["a"], "", "x" * 65, "a\nb"]
        case serializers.FlagField():
            return [*nothing, *NUMBERS, *TEXTS, *OBJECTS, [], [True], "yes", "off"]
        case serializers.IdField():
            return [*nothing, *IDS_THAT_ARE_NONE]
        case drf.ListField():
            inner = [[value] for value in [None, *IDS_THAT_ARE_NONE]]
            return [*nothing, *NUMBERS, *TEXTS, *FLAGS, *OBJECTS, *inner, [1, "1"]]
        case drf.ChoiceField():
            return [*nothing, *NUMBERS, *TEXTS, *FLAGS, *OBJECTS, [], ["group"], "GROUP", " group"]
        case serializers.TextField():
            blank = [] if field.allow_blank else ["", " ", "\u200b"]
            return [*nothing, *NUMBERS, *FLAGS, {}, {"a": 1}, [], ["a"], *blank, "a\x00b", "x" * (field.max_length + 1)]
    raise AssertionError(f"these tests do not know a {type(field).__name__}")


FIELDS = [(call, name) for call, serializer in INPUTS.items() for name in serializer().fields]


@pytest.fixture
def request_of(alice, bob, carol, group, api):
    """`request_of(call)`: a function from a body to the response, and a body that will do."""
    client = api(alice)
    message = say(alice, group)
    requests = {
        "conversation-create": (CREATE, {"type": "group", "name": "New", "participant_ids": [], "description": "x"}),
        "conversation": (in_conversation(group), {"name": "New", "description": "New"}),
        "mark-read": (in_conversation(group, "mark-read/"), {"message_id": message.pk}),
        "participants": (in_conversation(group, "participants/"), {"user_ids": [carol.pk]}),
        "participant": (participant(group, bob), {"is_admin": True}),
        "message-create": (SEND, {"conversation": group.pk, "content": "x", "client_id": "x", "reply_to": message.pk}),
        "message": (of_message(message), {"content": "New"}),
    }

    def find(call):
        name, method = call
        path, body = requests[name]
        return lambda *args, **kwargs: getattr(client, method)(path, *args, **kwargs), dict(body)

    return find


def test_every_call_with_a_body_is_known_to_these_tests():
    writing = {
        (pattern.name, method)
        for pattern in URLS
        for method in ("post", "put", "patch")
        if hasattr(pattern.callback.cls, method)
    }
    assert writing == set(INPUTS)


@pytest.mark.parametrize("call", INPUTS, ids="-".join)
def test_the_body_that_will_do_does(call, request_of):
    request, body = request_of(call)
    assert set(body) == set(INPUTS[call]().fields)
    assert request(body).status_code in (200, 201)


@pytest.mark.parametrize(("call", "name"), FIELDS, ids=lambda part: part if isinstance(part, str) else "-".join(part))
def test_a_field_takes_its_type_and_no_other(call, name, request_of):
    request, body = request_of(call)
    for value in wrong_values(INPUTS[call]().fields[name]):
        response = request(json.dumps({**body, name: value}), content_type="application/json")
        assert response.status_code == 400, value
        attr = refusal(response)[2]
        assert (attr or "").split(".")[0] == name, (value, attr)


DEEP = 100_000
RAW = {
    "invalid JSON": b"{",
    "a word": b"hello",
    "single quotes": b"{'content': 'x'}",
    "a comma too many": b'{"content": "x",}',
    "NaN": b'{"content": NaN}',
    "Infinity": b'{"content": -Infinity}',
    "a lone surrogate": b'{"content": "\\ud800"}',
    "a lone surrogate as a key": b'{"\\udfff": 1}',
    "bytes that are no UTF-8": b'{"content": "\xff\xfe"}',
    "UTF-16": '{"content": "x"}'.encode("utf-16"),
    "a NUL byte": b'{"content": "a\x00b"}',
    "NUL alone": b"\x00",
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "very deep and never closed": b"[" * 500_000,
    "two values": b"{} {}",
    "a list": b"[]",
    "a full list": b'[{"content": "x"}]',
    "a string": b'"content"',
    "a number": b"5",
    "a number of 5000 digits": b"9" * 5000,
    "null": b"null",
    "true": b"true",
    "white space": b" \n ",
}


@pytest.mark.parametrize("call", INPUTS, ids="-".join)
def test_a_body_that_is_no_json_object_is_400(call, request_of):
    request, _ = request_of(call)
    for what, raw in RAW.items():
        response = request(raw, content_type="application/json")
        assert response.status_code == 400, what
        refusal(response)


NASTY = {
    "2^63": "9223372036854775808",
    "2^64": "18446744073709551616",
    "-2^64": "-18446744073709551616",
    "5000 digits": "9" * 5000,
    "1e999": "1e999",
    "a deep list": "[" * DEEP + "]" * DEEP,
    "a NUL": '"a\\u0000b"',
    "a lone surrogate": '"\\ud83d"',
    "two lone surrogates the wrong way round": '"\\udc4b\\ud83d"',
}


@pytest.mark.parametrize(("call", "name"), FIELDS, ids=lambda part: part if isinstance(part, str) else "-".join(part))
def test_a_value_out_of_all_bounds_is_400(call, name, request_of):
    request, body = request_of(call)
    for what, value in NASTY.items():
        raw = json.dumps({**body, name: "@"}).replace('"@"', value)
        response = request(raw, content_type="application/json")
        assert response.status_code == 400, what
        refusal(response)


@pytest.mark.parametrize("call", INPUTS, ids="-".join)
def test_unknown_fields_are_ignored(call, request_of):
    request, body = request_of(call)
    unknown = {"unknown": {"a": [1, None]}, "": 1, "__class__": "x", "pk": 1, "self": 1, "data": {}, "x" * 500: "y"}
    assert request({**unknown, **body}).status_code in (200, 201)


@pytest.mark.parametrize("call", INPUTS, ids="-".join)
def test_a_body_over_a_mebibyte_is_413(call, request_of):
    request, body = request_of(call)
    assert refused(request({**body, "padding": "x" * 2**20})) == (413, "too_big")
    assert request({**body, "padding": "x" * (2**20 - 2000)}).status_code in (200, 201)


@pytest.mark.parametrize("call", INPUTS, ids="-".join)
@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/xml", "x"],
)
def test_another_kind_of_body_is_415(call, content_type, request_of):
    request, body = request_of(call)
    raw = json.dumps(body).encode()
    assert refused(request(raw, content_type=content_type)) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_taken_however_it_is_called(content_type, request_of):
    request, body = request_of(("message-create", "post"))
    assert request(json.dumps(body).encode(), content_type=content_type).status_code == 201


@pytest.mark.parametrize("call", INPUTS, ids="-".join)
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"],
)
def test_no_body_and_an_empty_object_are_the_same(call, content_type, request_of):
    request, _ = request_of(call)
    empty, nothing = request({}), request(b"", content_type=content_type)
    assert nothing.status_code == empty.status_code
    if empty.status_code == 400:
        assert nothing.json() == empty.json()


async def chunked(path, token, body):
    """The status and body of a POST whose length is not told beforehand, as a server hands it to the application."""
    from asgiref.testing import ApplicationCommunicator

    from chat_server.asgi import http

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 5),
        "server": ("localhost", 80),
        "headers": [
            *((b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())),
            *((b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")),
        ],
    }
    communicator = ApplicationCommunicator(http, scope)
    for part in (body[:5], body[5:]):
        await communicator.send_input({"type": "http.request", "body": part, "more_body": True})
    await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
    start, answer = await communicator.receive_output(10), await communicator.receive_output(10)
    await communicator.wait(10)
    return start["status"], json.loads(answer["body"])


@pytest.fixture
def in_chunks(alice, conversation, transactional_db):
    """`await in_chunks(path, body)`: Alice's POST in chunks."""
    from tests.conftest import token_for

    token = token_for(alice)
    return lambda path, body: chunked(path, token, body)


async def test_a_body_in_chunks_is_read(in_chunks, conversation):
    body = json.dumps({"conversation": conversation.pk, "content": "In chunks"}).encode()
    status, answer = await in_chunks(SEND, body)
    assert (status, answer.get("content")) == (201, "In chunks")


async def test_an_empty_body_in_chunks_is_an_empty_object(in_chunks, conversation):
    status, answer = await in_chunks(in_conversation(conversation, "mark-read/"), b"")
    assert (status, answer) == (200, {"last_read_seq": 0, "unread_count": 0})
    status, answer = await in_chunks(SEND, b"")
    assert (status, {error["code"] for error in answer["errors"]}) == (400, {"required"})


def test_nothing_of_all_that_was_stored(alice, group, request_of):
    request, body = request_of(("message-create", "post"))
    before = Message.objects.count()
    for raw in RAW.values():
        request(raw, content_type="application/json")
    for name, field in serializers.SendMessageSerializer().fields.items():
        for value in wrong_values(field):
            request(json.dumps({**body, name: value}), content_type="application/json")
    assert Message.objects.count() == before
