"""Who may do what, over REST: every call, and how it is answered to whom."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.services.environment import PASSWORD

ROLES = ("nobody", "stranger", "removed", "left", "member", "admin")  # to a group
WORDS = {
    "{group}": "chat/conversations/<group>/",
    "{private}": "chat/conversations/<private>/",
    "{say}": "chat/messages/",
}
# `me` is who calls. What is not there for somebody is 404, what they see and may not do is 403.
TABLE = """
                                                                              nobody stranger removed left member admin
  read the conversation             get    {group}                                401 404 404 404 200 200
  read the history                  get    {group}messages/                       401 404 404 404 200 200
  read the changes                  get    {group}changes/                        401 404 404 404 200 200
  see the participants              get    {group}participants/                   401 404 404 404 200 200
  mark all as read                  post   {group}mark-read/                      401 404 404 404 200 200
  read up to a message              post   {group}mark-read/                      401 404 404 404 200 200
  read up to one of elsewhere       post   {group}mark-read/                      401 404 404 404 400 400
  rename                            patch  {group}                                401 404 404 404 403 200
  describe                          patch  {group}                                401 404 404 404 403 200
  leave by deleting                 delete {group}delete/                         401 404 404 404 204 204
  delete for everyone               delete {group}delete/?for_everyone=true       401 404 404 404 403 204
  add somebody                      post   {group}participants/                   401 404 404 404 403 201
  add oneself                       post   {group}participants/                   401 404 404 404 403 201
  make somebody an admin            patch  {group}participants/<other>/           401 404 404 404 403 200
  make oneself an admin             patch  {group}participants/<me>/              401 404 404 404 403 200
  take the last admin's right       patch  {group}participants/<admin>/           401 404 404 404 403 409
  make a stranger an admin          patch  {group}participants/<newcomer>/        401 404 404 404 403 404
  remove somebody                   delete {group}participants/<other>/           401 404 404 404 403 204
  remove the admin                  delete {group}participants/<admin>/           401 404 404 404 403 204
  remove oneself                    delete {group}participants/<me>/              401 404 404 404 204 204
  remove a stranger                 delete {group}participants/<newcomer>/        401 404 404 404 403 404
  send                              post   {say}create/                           401 404 404 404 201 201
  reply                             post   {say}create/                           401 404 404 404 201 201
  reply to one of elsewhere         post   {say}create/                           401 404 404 404 400 400
  send privately                    post   {say}create/                           401 404 404 404 201 201
  read a message                    get    {say}<by_other>/                       401 404 404 404 200 200
  read one's own message            get    {say}<by_me>/                          401 404 404 404 200 200
  read a private message            get    {say}<in_private>/                     401 404 404 404 200 200
  see who has read it               get    {say}<by_other>/receipts/              401 404 404 404 200 200
  edit one's own message            patch  {say}<by_me>/                          401 404 404 404 200 200
  replace one's own message         put    {say}<by_me>/                          401 404 404 404 200 200
  edit another's message            patch  {say}<by_other>/                       401 404 404 404 403 403
  replace another's message         put    {say}<by_other>/                       401 404 404 404 403 403
  edit a system message             patch  {say}<system>/                         401 404 404 404 403 403
  delete one's own message          delete {say}<by_me>/delete/                   401 404 404 404 204 204
  delete another's message          delete {say}<by_other>/delete/                401 404 404 404 403 204
  delete a system message           delete {say}<system>/delete/                  401 404 404 404 403 403
  rename a private one              patch  {private}                              401 404 404 404 403 403
  add to a private one              post   {private}participants/                 401 404 404 404 403 403
  be the admin of a private one     patch  {private}participants/<me>/            401 404 404 404 403 403
  remove from a private one         delete {private}participants/<admin>/         401 404 404 404 403 403
  delete a private one for all      delete {private}delete/?for_everyone=true     401 404 404 404 403 403
  list one's conversations          get    chat/conversations/                    401 200 200 200 200 200
  count what is unread              get    chat/unread/                           401 200 200 200 200 200
  create a group                    post   chat/conversations/create/             401 201 201 201 201 201
  talk to somebody                  post   chat/conversations/create/             401 201 201 201 201 201
  see one's profile                 get    auth/profile/                          401 200 200 200 200 200
  change one's profile              patch  auth/profile/                          401 200 200 200 200 200
  replace one's profile             put    auth/profile/                          401 200 200 200 200 200
  check one's session               get    auth/check-session/                    401 200 200 200 200 200
  change one's password             post   auth/password-change/                  401 200 200 200 200 200
  log out                           post   auth/logout/                           401 204 204 204 204 204
  list people                       get    auth/users/                            401 200 200 200 200 200
  see somebody                      get    auth/users/<other>/                    401 200 200 200 200 200
  list one's sessions               get    auth/sessions/                         401 200 200 200 200 200
  end another's session             delete auth/sessions/<session>/               401 404 404 404 404 404
"""
BODIES: dict[str, dict[str, Any]] = {
    "read up to a message": {"message_id": "<by_other>"},
    "read up to one of elsewhere": {"message_id": "<elsewhere>"},
    "rename": {"name": "New"},
    "describe": {"description": "New"},
    "add somebody": {"user_ids": ["<newcomer>"]},
    "add oneself": {"user_ids": ["<me>"]},
    "make somebody an admin": {"is_admin": True},
    "make oneself an admin": {"is_admin": True},
    "take the last admin's right": {"is_admin": False},
    "make a stranger an admin": {"is_admin": True},
    "send": {"conversation": "<group>", "content": "Hi"},
    "reply": {"conversation": "<group>", "content": "Hi", "reply_to": "<by_other>"},
    "reply to one of elsewhere": {"conversation": "<group>", "content": "Hi", "reply_to": "<elsewhere>"},
    "send privately": {"conversation": "<private>", "content": "Hi"},
    "edit one's own message": {"content": "New"},
    "replace one's own message": {"content": "New"},
    "edit another's message": {"content": "New"},
    "replace another's message": {"content": "New"},
    "edit a system message": {"content": "New"},
    "rename a private one": {"name": "New"},
    "add to a private one": {"user_ids": ["<newcomer>"]},
    "be the admin of a private one": {"is_admin": True},
    "create a group": {"type": "group", "name": "Mine", "participant_ids": ["<newcomer>"]},
    "talk to somebody": {"type": "private", "participant_ids": ["<newcomer>"]},
    "change one's profile": {"bio": "New"},
    "replace one's profile": {"username": "somebody"},
    "change one's password": {"old_password": PASSWORD, "new_password": "another one 42"},
}


@dataclass(frozen=True)
class Call:
    """A call as the table has it."""

    what: str
    method: str
    path: str
    statuses: Mapping[str, int]

    def __str__(self) -> str:
        return self.what

    def path_in(self, ids: Mapping[str, Any], role: str) -> str:
        """The path with ids for the names in it."""
        return "/api/" + re.sub(r"<(\w+)>", lambda name: str(_as_seen_by(role, ids)[name[1]]), self.path)

    def made_by(self, client: Any, ids: Mapping[str, Any], role: str, more: Mapping[str, Any] | None = None) -> Any:
        """The answer to this call by who has that role; `more` is added to its body."""
        body = {**(more or {}), **put_in(BODIES.get(self.what, {}), _as_seen_by(role, ids))}
        return getattr(client, self.method)(self.path_in(ids, role), body if self.method != "get" else None)


def _as_seen_by(role: str, ids: Mapping[str, Any]) -> dict[str, Any]:
    return {**ids, "me": ids.get(role, 0), "by_me": ids.get(f"by_{role}", ids["by_other"])}


def put_in(value: Any, ids: Mapping[str, Any]) -> Any:
    """The value with what is meant by names in angle brackets."""
    if isinstance(value, dict):
        return {name: put_in(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [put_in(each, ids) for each in value]
    return ids[value[1:-1]] if isinstance(value, str) and value.startswith("<") else value


def _read(line: str) -> Call:
    *what, method, path = line.split()[: -len(ROLES)]
    for word, meaning in WORDS.items():
        path = path.replace(word, meaning)
    statuses = map(int, line.split()[-len(ROLES) :])
    return Call(" ".join(what), method, path, dict(zip(ROLES, statuses, strict=True)))


CALLS = [_read(line) for line in TABLE.strip().splitlines()[1:]]
