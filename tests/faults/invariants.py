"""What must hold whatever dies: pure functions over (history, final state), each the list of what contradicts it.

Here: what is stored. `answers` has what was answered and when, `streams` what the sockets got. `CHECKS` names them all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

from . import answers, streams
from .history import FOREVER, SHOWN, Frame, History, Operation
from .state import State, Stored

Check = Callable[[History, State], list[str]]

OFFLINE_AFTER_CLOSE, OFFLINE_AFTER_KILL, ONLINE_AFTER = 10.0, 60.0, 10.0
MORE_DESCRIPTORS, MORE_THREADS, MORE_DATABASE_CONNECTIONS = 80, 24, 40
MORE_MEMORY = 64 * 1024 * 1024


def stored_exactly_once(history: History, state: State) -> list[str]:
    """Every acked `client_id` is stored once, as the ack said; an unknown one at most once; a refused one never."""
    stored: defaultdict[tuple[int, int | None, str | None], list[Stored]] = defaultdict(list)
    for message in state.messages:
        if message.type == "text":
            stored[message.conversation, message.sender, message.client_id].append(message)
    wrong = []
    for operation in history.sends():
        rows = stored.pop((operation.conversation, operation.user, operation.client_id), [])
        least, most = {"acked": (1, 1), "unknown": (0, 1), "failed": (0, 0)}[operation.outcome]
        if not least <= len(rows) <= most:
            wrong.append(f"{operation.label}: {operation.outcome}, and stored {len(rows)} times")
        elif (
            rows
            and operation.outcome == "acked"
            and (rows[0].id, rows[0].seq)
            != (
                operation.message_id,
                operation.seq,
            )
        ):
            wrong.append(f"{operation.label}: acked as {operation.message_id}#{operation.seq}, stored as {rows[0]}")
    return wrong + [f"nobody sent {rows[0]}" for rows in stored.values()]


def numbered_without_hole(history: History, state: State) -> list[str]:
    """`seq` and `version` of each conversation are 1, 2, 3 … up to its head, no number given out twice."""
    wrong = []
    seqs: defaultdict[int, list[int]] = defaultdict(list)
    for message in state.messages:
        seqs[message.conversation].append(message.seq)
    for conversation, (last_seq, version) in state.heads.items():
        numbers = {
            "seq": (sorted(seqs[conversation]), last_seq),
            "version": ([change.version for change in state.log[conversation]], version),
        }
        for name, (found, head) in numbers.items():
            if found != list(range(1, head + 1)):
                repeated = [number for number, count in Counter(found).items() if count > 1]
                missing = sorted(set(range(1, head + 1)) - set(found))
                wrong.append(
                    f"{name} of conversation {conversation}, head {head}: missing {missing[:9]},"
                    f" repeated {repeated[:9]}, highest {max(found, default=0)}"
                )
    for message in state.messages:
        last = state.by_message[message.id][-1:]
        if not last or last[0].version != message.version:
            wrong.append(f"{message}: its latest change was {last}")
    return wrong


def changes_converge(history: History, state: State) -> list[str]:
    """An acked edit or deletion was stored; a tombstone stays one; what a socket saw last is what is stored."""
    wrong = []
    stored = {message.id: message for message in state.messages}
    for operation in history.operations:
        message = stored.get(operation.message_id or 0)
        if operation.outcome != "acked" or operation.kind not in ("edit", "delete") or message is None:
            continue
        versions = state.by_message[message.id]
        if operation.kind == "delete" and not message.is_deleted:
            wrong.append(f"{operation.label}: acked, and the message is there")
        elif operation.kind == "edit" and operation.content[:SHOWN] not in [change.content for change in versions]:
            wrong.append(f"{operation.label}: acked, and {operation.content!r} was never stored")
    for message in state.messages:
        versions = state.by_message[message.id]
        if any(before.is_deleted for before in versions[:-1]):
            wrong.append(f"{message} changed after it was deleted")
    views: defaultdict[tuple[int, int], dict[int, Frame]] = defaultdict(dict)
    for connection in history.connections:
        view = views[connection.user, connection.conversation]
        for frame in connection.durable:
            known = view.get(frame.message_id or 0)
            if known is None or (known.version or 0) < (frame.version or 0):
                view[frame.message_id or 0] = frame
    for (user, _), view in views.items():
        for message_id, frame in view.items():
            message = stored.get(message_id)
            if message is None or message.version != frame.version:
                continue  # for `streams` to judge
            if (frame.content, frame.is_deleted, frame.seq) != (
                message.content[:SHOWN],
                message.is_deleted,
                message.seq,
            ):
                wrong.append(f"user {user} saw {frame} at last, and stored is {message}")
    return wrong


def an_ack_before_a_send_orders_them(history: History, state: State) -> list[str]:
    """What was acked before another one was sent has the lower `seq`."""
    sends: defaultdict[int, list[Operation]] = defaultdict(list)
    for operation in history.sends():
        if operation.outcome == "acked" and operation.seq is not None:
            sends[operation.conversation].append(operation)
    wrong = []
    for operations in sends.values():
        earliest: Operation | None = None  # acked, of those with a higher seq
        for operation in sorted(operations, key=lambda each: each.seq or 0, reverse=True):
            if earliest is not None and earliest.acked_at < operation.invoked:
                wrong.append(
                    f"{operation.label} has seq {operation.seq}, and {earliest.label},"
                    f" acked {operation.invoked - earliest.acked_at:.3f} s before it was sent, has {earliest.seq}"
                )
            if earliest is None or operation.acked_at < earliest.acked_at:
                earliest = operation
    return wrong


def unread_is_a_recount(history: History, state: State) -> list[str]:
    """What REST says is unread is the number of visible messages above the read marker."""
    seqs: defaultdict[int, list[int]] = defaultdict(list)
    for message in state.messages:
        seqs[message.conversation].append(message.seq)
    wrong = []
    for part in state.parts:
        begin = max(part.last_read_seq, part.visible_after_seq)
        count = sum(seq > begin for seq in seqs[part.conversation])
        if part.unread != count:
            wrong.append(f"user {part.user} in {part.conversation}: unread {part.unread}, counted {count}")
    return wrong


def inboxes_agree_on_unread(history: History, state: State) -> list[str]:
    """An inbox that counts what it is sent comes to the same as REST, whichever device or door the user read by."""
    stored = {(part.user, part.conversation): part.unread for part in state.parts}
    return [
        f"the inbox of user {user} counts {count} unread in {conversation}, REST {stored.get((user, conversation))}"
        for (user, conversation), count in state.inboxes.items()
        if stored.get((user, conversation)) != count
    ]


def presence_converges(history: History, state: State) -> list[str]:
    """At the end each server shows online who has a socket open, and nobody else."""
    wrong = []
    now = state.presence_read
    kills = [fault for fault in history.faults if fault.kind == "kill"]
    for user, shown in state.online.items():
        own = [each for each in history.connections if each.user == user and each.connected is not None]
        present = any(each.opened < now - ONLINE_AFTER and each.closed > now for each in own)
        due = max((each.closed + OFFLINE_AFTER_CLOSE for each in own), default=-FOREVER)
        for kill in kills:
            if any(each.server == kill.server and each.opened < kill.begun < each.closed + 5 for each in own):
                due = max(due, kill.begun + OFFLINE_AFTER_KILL)
        if present and not all(shown):
            wrong.append(f"user {user} has a socket open, and the servers say {shown}")
        elif due < now and any(shown):
            wrong.append(f"user {user} went {now - due:.1f} s and more ago, and the servers say {shown}")
    return wrong


def resources_come_back(history: History, state: State) -> list[str]:
    """At the end a server takes about what it took at the beginning: memory, descriptors, threads, connections."""
    wrong = []
    begin = [sample for sample in history.samples if sample.when == "begin"]
    for sample in history.samples:
        if sample.when != "end" or not begin:
            continue
        limits = {
            "memory": 1.5 * max(each.memory for each in begin) + MORE_MEMORY,
            "descriptors": max(each.descriptors for each in begin) + MORE_DESCRIPTORS,
            "threads": max(each.threads for each in begin) + MORE_THREADS,
        }
        for name, limit in limits.items():
            if getattr(sample, name) > limit:
                wrong.append(f"server {sample.server} ends with {name} {getattr(sample, name)}, over {limit:.0f}")
    before, after = state.database_connections
    if after > before + MORE_DATABASE_CONNECTIONS:
        wrong.append(f"{after} connections to the database at the end, {before} at the beginning")
    return wrong


def nothing_else_went_wrong(history: History, state: State) -> list[str]:
    """What the nemeses themselves saw: a server that did not end in time, a reader that was kept for ever."""
    return history.notes


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        stored_exactly_once,
        numbered_without_hole,
        changes_converge,
        an_ack_before_a_send_orders_them,
        unread_is_a_recount,
        inboxes_agree_on_unread,
        presence_converges,
        answers.answers_are_right,
        answers.serves_again,
        answers.sends_go_on,
        answers.a_rolling_restart_fails_nothing,
        resources_come_back,
        nothing_else_went_wrong,
        streams.sockets_get_the_stored_order,
        streams.everything_arrives,
        streams.nothing_reaches_who_has_no_part,
        streams.sockets_close_for_a_reason,
        streams.pongs_know_what_was_acked,
    )
}


def check(history: History, state: State) -> dict[str, list[str]]:
    """What contradicts each invariant; all empty where the promise held."""
    return {name: judge(history, state) for name, judge in CHECKS.items()}


def too_little(history: History, state: State, minimum: dict[str, int]) -> list[str]:
    """What happened less often than it must, so that an idle run cannot pass."""
    counts = counted(history, state)
    return [
        f"{name}: {counts[name]}, at least {least} wanted" for name, least in minimum.items() if counts[name] < least
    ]


def counted(history: History, state: State) -> Counter[str]:
    """How much happened, by name."""
    counts: Counter[str] = Counter()
    for operation in history.operations:
        counts[f"{operation.kind} {operation.outcome}"] += 1
        counts[operation.outcome] += 1
        if operation.outcome == "acked":
            counts[f"{operation.kind} acked over {operation.attempts[-1].door}"] += 1
        counts["sent again"] += len(operation.attempts) > 1
    for connection in history.connections:
        counts["frames"] += len(connection.frames)
        counts["durable frames"] += len(connection.durable)
        counts["durable frames of inboxes"] += len(connection.durable) if connection.in_inbox else 0
        counts["resumed in inboxes"] += connection.in_inbox and connection.recovered
        counts["resumed"] += connection.recovered
        counts[f"sockets on server {connection.server}"] += 1
    counts["messages"], counts["versions"] = len(state.messages), len(state.changes)
    counts["faults"] = len(history.faults)
    for fault in history.faults:
        counts[fault.name] += 1
    return counts
