"""Reads the final state: rows and the log from the database, unread counts and presence as REST tells them."""

import asyncio
import time

from . import answers, invariants, streams
from .history import FOREVER, Connection, History
from .people import Person, Seat
from .state import Change, Part, State, Stored
from .talk import Talk

CONVERGES = streams.ARRIVES + 3
REST = 20.0
AGREES = 5.0  # seconds until an inbox knows what its user read elsewhere


async def come_to_rest(talk: Talk, *, patience: float = CONVERGES) -> None:
    """Return when nothing is under way and all who take part have their sockets, with all that will ever come."""
    await talk.come_to_rest(REST)
    cluster = talk.cluster
    for room in talk.rooms:
        rows = await asyncio.to_thread(
            cluster.rows, "SELECT user_id FROM chat_conversationparticipant WHERE conversation_id = %s", room.id
        )
        room.inside = {user for (user,) in rows}
    await talk.until_all_sit()
    state = State(changes=await asyncio.to_thread(_changes, talk))
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not (
        all(_has_everything(seat, state) for seat in talk.seats())
        and all(_got(record, state) for inbox in talk.inboxes() for record in inbox.records.values())
    ):
        await asyncio.sleep(0.05)


def _has_everything(seat: Seat, state: State) -> bool:
    record = seat.record
    if seat.person.id not in seat.room.inside:
        return not seat.is_open  # its socket is to be closed
    return record is not None and _got(record, state)


def _got(record: Connection, state: State) -> bool:
    if record.begin is None:
        return False
    begin = streams.stay_of(record, state).visible_after_seq
    expected = [change.version for change in state.after(record.conversation, record.begin) if change.seq > begin]
    return not expected or max((frame.version or 0 for frame in record.durable), default=0) >= expected[-1]


async def leave_and_be_seen_to(talk: Talk, people: list[Person], state: State) -> None:
    """These people close their sockets; returns when presence is right, or should be."""
    for person in people:
        await person.leave()
    kills = [fault.begun + invariants.OFFLINE_AFTER_KILL for fault in talk.history.faults if fault.kind == "kill"]
    deadline = max([time.monotonic() + invariants.OFFLINE_AFTER_CLOSE, *kills]) + 1
    gone = {person.id for person in people}
    while True:
        state.presence_read = talk.history.now()
        state.online = await _online(talk)
        right = all(all(shown) != (user in gone) for user, shown in state.online.items())
        if (right and all(set(shown) == {user not in gone} for user, shown in state.online.items())) or (
            time.monotonic() > deadline
        ):
            return
        await asyncio.sleep(0.2)


async def _online(talk: Talk) -> dict[int, list[bool]]:
    """What each server says of each user, the first two people seeing one another."""
    shown: dict[int, list[bool]] = {person.id: [] for person in talk.people}
    first, second = talk.people[:2]
    for server in range(len(talk.cluster.servers)):
        users = (await first.get("/api/auth/users/?limit=100", server))["results"]
        users.append(await second.get(f"/api/auth/users/{first.id}/", server))
        for user in users:
            if user["id"] in shown:
                shown[user["id"]].append(user["is_online"])
    return shown


async def read_state(talk: Talk, state: State) -> State:
    """Everything that is stored, and the unread counts of all; `state` keeps what it has of presence."""
    rows = await asyncio.to_thread(
        talk.cluster.rows,
        "SELECT id, conversation_id, seq, version, sender_id, content, client_id, deleted_at IS NOT NULL, type"
        " FROM chat_message ORDER BY id",
    )
    state.messages = [Stored(*row) for row in rows]
    state.changes = await asyncio.to_thread(_changes, talk)
    heads = await asyncio.to_thread(talk.cluster.rows, "SELECT id, last_seq, version FROM chat_conversation")
    state.heads = {pk: (last_seq, version) for pk, last_seq, version in heads}
    parts = await asyncio.to_thread(
        talk.cluster.rows,
        "SELECT conversation_id, user_id, visible_after_seq, last_read_seq FROM chat_conversationparticipant",
    )
    people = {person.id: person for person in talk.people}
    state.parts = [Part(*row, unread=await _unread(people[row[1]], row[0])) for row in parts if row[1] in people]
    stored = {(part.user, part.conversation): part.unread for part in state.parts}
    deadline = time.monotonic() + AGREES
    while True:
        state.inboxes = {(inbox.person.id, pk): count for inbox in talk.inboxes() for pk, count in inbox.unread.items()}
        if time.monotonic() > deadline or all(stored.get(key) == count for key, count in state.inboxes.items()):
            return state
        await asyncio.sleep(0.1)


async def _unread(person: Person, conversation: int) -> int:
    return int((await person.get(f"/api/chat/conversations/{conversation}/"))["unread_count"])


def _changes(talk: Talk) -> list[Change]:
    offset = time.monotonic() - time.time()
    rows = talk.cluster.rows(
        "SELECT conversation, version, message, seq, at, content, is_deleted, event FROM faults_log ORDER BY version"
    )
    return [
        Change(conversation, version, message, seq, at + offset, content, is_deleted, event)
        for conversation, version, message, seq, at, content, is_deleted, event in rows
    ]


def figures(history: History, state: State) -> dict[str, float]:
    """What a run measured: how much, how late, how long out."""
    counts = invariants.counted(history, state)
    took = sorted(seconds for *_, seconds in streams.deliveries(history, state) if seconds < FOREVER)
    acks = sorted(
        attempt.ended - attempt.at
        for operation in history.sends()
        for attempt in operation.attempts
        if attempt.outcome == "acked"
    )
    aside = {kind: [took for *_, took in answers.beside(history, kind)] for kind in ("redis", "row", "reader")}
    out = [seconds for _, _, seconds in answers.outages(history) if seconds is not None]
    return {
        **{name: counts[name] for name in ("acked", "failed", "unknown", "sent again", "messages", "versions")},
        **{name: counts[name] for name in ("frames", "durable frames", "resumed", "faults")},
        "sockets opened": len(history.connections),
        "store to receipt, median (ms)": round(1000 * took[len(took) // 2], 1) if took else 0,
        "store to receipt, 99 % (ms)": round(1000 * took[len(took) * 99 // 100], 1) if took else 0,
        "store to receipt, longest (s)": round(max(took, default=0), 2),
        "ack, median (ms)": round(1000 * acks[len(acks) // 2], 1) if acks else 0,
        "ack, longest (s)": round(max(acks, default=0), 2),
        "sends while Redis was away": len(aside["redis"]),
        "ack while Redis was away, longest (s)": round(max(aside["redis"], default=0), 2),
        "ack beside a locked row, longest (s)": round(max(aside["row"], default=0), 2),
        "ack beside a reader that stops, longest (s)": round(max(aside["reader"], default=0), 2),
        "longest outage after healing (s)": round(max(out, default=0), 2),
        "lag of the harness, longest (s)": round(max((lag for _, lag in history.lags), default=0), 2),
    }
