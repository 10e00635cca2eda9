"""Many operations in random order, against a count by hand that knows nothing of the numbers in the database."""

import random
from dataclasses import dataclass, field

import pytest

from .calls import CREATE, SEND, in_conversation, of_message, participant, walk

STEPS = 100


@dataclass
class Log:
    """What one conversation is by the contract: its messages, its changes, and what each member sees and has read."""

    id: int
    begins: dict = field(default_factory=dict)  # user id -> the messages up to this number are not for them
    read: dict = field(default_factory=dict)  # user id -> the number of the last message read
    admins: set = field(default_factory=set)
    ids: list = field(default_factory=list)
    senders: dict = field(default_factory=dict)
    system: set = field(default_factory=set)
    deleted: set = field(default_factory=set)
    changes: int = 0

    def add(self, sender, message_id=None, *, is_system=False):
        self.ids.append(message_id)
        number = len(self.ids)
        self.changes += 1
        if sender in self.read:
            self.read[sender] = number
        self.senders[number] = sender
        if is_system:
            self.system.add(number)


class World:
    """Four people, a group, a private conversation; each operation is a REST call and its effect by the contract."""

    def __init__(self, people, api, seed):
        self.random = random.Random(seed)
        self.people = {user.pk: user for user in people}
        self.api = {user.pk: api(user) for user in people}
        first, second, *_ = self.people
        self.group = self._create({"type": "group", "name": "G", "participant_ids": [second]}, first)
        self.group.begins = {first: 0, second: 0}
        self.group.read = {first: 0, second: 0}
        self.group.admins = {first}
        self.group.add(first, is_system=True)
        self.private = self._create({"type": "private", "participant_ids": [second]}, first)
        self.private.begins = {first: 0, second: 0}
        self.private.read = {first: 0, second: 0}
        self.names = 0

    def _create(self, body, creator):
        response = self.api[creator].post(CREATE, body)
        assert response.status_code == 201
        return Log(response.json()["id"])

    def step(self):
        log = self.random.choice([self.group, self.group, self.private])
        actor = self.random.choice(sorted(log.begins))
        operations = [self.send, self.send, self.send, self.read, self.edit, self.delete]
        if log is self.group:
            operations += [self.join, self.leave, self.rename, self.grant]
        else:
            operations += [self.forget]
        self.random.choice(operations)(log, actor)

    def send(self, log, actor):
        body = {"conversation": log.id, "content": f"Message {len(log.ids)}"}
        if self.random.random() < 0.3 and (seen := self._seen(log, actor)):
            body["reply_to"] = self._id(log, actor, self.random.choice(seen))
        response = self.api[actor].post(SEND, body)
        assert response.status_code == 201
        log.add(actor, response.json()["id"])

    def read(self, log, actor):
        seen = self._seen(log, actor)
        number = self.random.choice([None, *seen])
        body = {} if number is None else {"message_id": self._id(log, actor, number)}
        response = self.api[actor].post(in_conversation(log.id, "mark-read/"), body)
        target = len(log.ids) if number is None else number
        log.read[actor] = max(log.read[actor], target)
        assert response.json() == {"last_read_seq": log.read[actor], "unread_count": self.unread(log, actor)}

    def edit(self, log, actor):
        mine = [n for n in self._seen(log, actor) if log.senders[n] == actor and n not in log.system | log.deleted]
        if mine:
            number = self.random.choice(mine)
            content = self.random.choice([f"Message {number - 1}", f"Edit {log.changes}"])
            before = self.api[actor].get(of_message(self._id(log, actor, number))).json()["content"]
            response = self.api[actor].patch(of_message(self._id(log, actor, number)), {"content": content})
            assert response.status_code == 200
            log.changes += before != content

    def delete(self, log, actor):
        theirs = [
            number
            for number in self._seen(log, actor)
            if number not in log.system and (log.senders[number] == actor or actor in log.admins)
        ]
        if theirs:
            number = self.random.choice(theirs)
            response = self.api[actor].delete(of_message(self._id(log, actor, number), "delete/"))
            assert response.status_code == 204
            log.changes += number not in log.deleted
            log.deleted.add(number)

    def join(self, log, _):
        admin = self.random.choice(sorted(log.admins))
        outside = [user for user in self.people if user not in log.begins]
        newcomers = self.random.sample(outside, self.random.randint(0, len(outside)))
        if newcomers:
            inside = self.random.choice(sorted(log.begins))
            response = self.api[admin].post(
                in_conversation(log.id, "participants/"), {"user_ids": [*newcomers, inside]}
            )
            assert [each["user"]["id"] for each in response.json()["results"]] == newcomers
            for user in newcomers:
                log.begins[user] = log.read[user] = len(log.ids)
                log.add(admin, is_system=True)

    def leave(self, log, actor):
        if len(log.begins) < 2:
            return
        remover = self.random.choice([actor, *sorted(log.admins)])
        assert self.api[remover].delete(participant(log.id, actor)).status_code == 204
        del log.begins[actor], log.read[actor]
        log.admins.discard(actor)
        log.add(remover, is_system=True)
        if not log.admins:
            log.add(remover, is_system=True)
            listed = self.api[min(log.begins)].get(in_conversation(log.id)).json()["participants"]
            log.admins = {each["user"]["id"] for each in listed if each["is_admin"]}
            assert log.admins == {listed[0]["user"]["id"]}

    def rename(self, log, _):
        admin = self.random.choice(sorted(log.admins))
        before = self.names
        self.names += self.random.randint(0, 1)
        self.api[admin].patch(in_conversation(log.id), {"name": f"Name {self.names}"})
        if self.names != before or not hasattr(self, "renamed"):
            self.renamed = True
            log.add(admin, is_system=True)

    def grant(self, log, actor):
        admin = self.random.choice(sorted(log.admins))
        is_admin = self.random.random() < 0.5
        response = self.api[admin].patch(participant(log.id, actor), {"is_admin": is_admin})
        if (actor in log.admins) == is_admin:
            assert response.status_code == 200
        elif log.admins == {actor}:
            assert response.status_code == 409
        else:
            assert response.status_code == 200
            (log.admins.add if is_admin else log.admins.discard)(actor)
            log.add(admin, is_system=True)

    def forget(self, log, actor):
        assert self.api[actor].delete(in_conversation(log.id, "delete/")).status_code == 204
        log.begins[actor] = log.read[actor] = len(log.ids)

    def _seen(self, log, user):
        return list(range(log.begins[user] + 1, len(log.ids) + 1))

    def _id(self, log, user, number):
        if log.ids[number - 1] is None:
            page = self.api[user].get(in_conversation(log.id, f"messages/?around={number}&limit=1")).json()
            log.ids[number - 1] = page["results"][0]["id"]
        return log.ids[number - 1]

    def unread(self, log, user):
        """Counted by hand: what they can see above what they read."""
        return len([number for number in self._seen(log, user) if number > log.read[user]])

    def check(self, log):
        for user in log.begins:
            client = self.api[user]
            shown = client.get(in_conversation(log.id)).json()
            assert shown["unread_count"] == self.unread(log, user)
            assert (shown["last_seq"], shown["version"]) == (len(log.ids), log.changes)
            markers = {each["user"]["id"]: each["last_read_seq"] for each in shown["participants"]}
            assert markers == log.read
            assert {each["user"]["id"] for each in shown["participants"] if each["is_admin"]} == log.admins

    def check_histories(self, log):
        for user in log.begins:
            client = self.api[user]
            back = walk(client, in_conversation(log.id, "messages/?limit=7"), "previous")
            forth = walk(client, in_conversation(log.id, "messages/?limit=9&after=0"), "next")
            history = [message for rows in reversed(back) for message in rows]
            assert history == [message for rows in forth for message in rows]
            assert [message["seq"] for message in history] == self._seen(log, user)
            assert [message["seq"] in log.deleted for message in history] == [each["is_deleted"] for each in history]
            replayed = self.replay(client, log)
            assert replayed == {message["id"]: message for message in history}
            unread = [message for message in history if message["seq"] > log.read[user]]
            assert client.get(in_conversation(log.id)).json()["unread_count"] == len(unread)

    def replay(self, client, log):
        """All changes since the beginning, a few at a time, each put in its place."""
        held, since = {}, 0
        while True:
            page = client.get(in_conversation(log.id, "changes/"), {"since": since, "limit": 5}).json()
            versions = [message["version"] for message in page["results"]]
            assert versions == sorted(set(versions))
            assert page["version"] == log.changes
            held |= {message["id"]: message for message in page["results"]}
            if not page["has_more"]:
                return held
            since = versions[-1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_markers_and_numbers_are_right_after_anything(seed, alice, bob, carol, dave, api):
    world = World([alice, bob, carol, dave], api, seed)
    for number in range(STEPS):
        world.step()
        if number % 8 == 0:
            world.check(world.group)
            world.check(world.private)
    for log in (world.group, world.private):
        world.check(log)
        world.check_histories(log)
        assert len(log.ids) > 5
