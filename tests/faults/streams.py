"""What must hold of the sockets: pure functions over (history, final state), each the list of what contradicts it."""

from bisect import bisect_right
from collections import defaultdict

from .history import FOREVER, SHOWN, Connection, History
from .state import State, Stay

ARRIVES = 5.0  # seconds from being stored
ENDS = 2.0  # seconds from a removal to the end of the socket
KNOWS = 5.0  # seconds from an ack to a pong that holds it
MAX_MISSED = 1000
SETTLES = 12.0  # seconds after the return of a part, in which sockets may be refused for its sake


def stay_of(connection: Connection, state: State) -> Stay:
    """The stay that the socket belongs to: the first one that was not over at the version it was told."""
    connected = connection.connected
    version = connected.version or 0 if connected else 0
    stays = state.stays(connection.user, connection.conversation)
    return next((stay for stay in stays if stay.end_version > version), stays[-1])


def _at(connection: Connection) -> str:
    return f"socket {connection.number} (user {connection.user}, server {connection.server}, since {connection.since})"


def sockets_get_the_stored_order(history: History, state: State) -> list[str]:
    """`connected` first; then what is stored, in version order, each once, and nothing in between left out.

    A version is left out only where its message had changed again before the next higher one was sent. A socket that
    comes back with `since` goes on exactly there.
    """
    wrong = []
    for connection in history.connections:
        if connection.begin is None:
            continue
        connected = connection.connected
        if connected is not connection.frames[0]:
            wrong.append(f"{_at(connection)}: {connection.frames[0].type} before connected")
        assert connected is not None
        head = connected.version or 0
        if connection.since is not None:
            sensible = 0 <= head - connection.since <= MAX_MISSED
            if sensible != connection.recovered:
                wrong.append(f"{_at(connection)}: recovered is {connection.recovered} at version {head}")
        wrong += _stream(connection, connection.begin, state)
    return wrong


def _stream(connection: Connection, begin: int, state: State) -> list[str]:
    wrong = []
    last = begin
    for frame in connection.durable:
        version = frame.version or 0
        if version <= last:
            wrong.append(f"{_at(connection)}: version {version} after {last}")
        last = max(last, version)
        change = state.by_version.get((connection.conversation, version))
        if change is None:
            wrong.append(f"{_at(connection)}: version {version} ({frame.content!r}) was never stored")
        elif (frame.message_id, frame.seq, frame.content, frame.is_deleted) != (
            change.message_id,
            change.seq,
            change.content[:SHOWN],
            change.is_deleted,
        ):
            wrong.append(f"{_at(connection)}: {frame} where {change} was stored")
    stay = stay_of(connection, state)
    received = sorted((frame.version or 0, frame.at) for frame in connection.durable)
    numbers = {version for version, _ in received}
    for change in state.after(connection.conversation, begin):
        if change.version >= last:
            break
        if change.version in numbers or change.seq <= stay.visible_after_seq or change.version > stay.end_version:
            continue
        _, next_at = received[bisect_right(received, (change.version, FOREVER))]
        later = state.next_change(change)
        if later is None or later.at > next_at:
            wrong.append(f"{_at(connection)}: version {change.version} left out before {last} ({change.content!r})")
    return wrong


def everything_arrives(history: History, state: State) -> list[str]:
    """What is stored reaches every socket within 5 s; they count from the return of PostgreSQL or of the network."""
    return [
        f"{_at(connection)}: version {version} "
        + (f"took {took:.2f} s" if took < FOREVER else "never came")
        + f", stored {at - history.begun:.2f} s after the beginning"
        for connection, version, at, took in deliveries(history, state)
        if took > ARRIVES and took > ARRIVES + history.lag(at, at + took)
    ]


def deliveries(history: History, state: State) -> list[tuple[Connection, int, float, float]]:
    """(socket, version, stored at, seconds until it was there), without the time for which a fault held it up.

    What a socket did not get because it closed is no delivery, nor a version that a later one of its message replaced.
    """
    found = []
    for connection in history.connections:
        begin, connected = connection.begin, connection.connected
        if begin is None or connected is None:
            continue
        stay = stay_of(connection, state)
        held_up = [fault for fault in history.faults if fault.holds_up(connection)]
        received = {frame.version: frame.at for frame in connection.durable}
        end = min(connection.closed, history.ended)
        for change in state.after(connection.conversation, begin):
            if change.version > stay.end_version or change.at > end:
                break
            if change.seq <= stay.visible_after_seq:
                continue
            due = max(change.at, connected.at)
            for fault in held_up:
                if fault.begun <= due + ARRIVES and fault.healed > due:
                    due = fault.healed
            at = received.get(change.version)
            if at is not None:
                found.append((connection, change.version, change.at, max(0.0, at - due)))
            elif end > due + ARRIVES and not _replaced(connection, change.version, change.message_id, received, state):
                found.append((connection, change.version, change.at, FOREVER))
    return found


def _replaced(
    connection: Connection, version: int, message_id: int, received: dict[int | None, float], state: State
) -> bool:
    versions = [change.version for change in state.by_message[message_id]]
    return any(later > version and later in received for later in versions)


def nothing_reaches_who_has_no_part(history: History, state: State) -> list[str]:
    """No frame of another conversation, nothing older than one's part, nothing later than one's removal.

    The socket is closed within 2 s of the removal, or as soon as its process can know of it again.
    """
    wrong = []
    for connection in history.connections:
        foreign = [each for each in connection.frames if each.conversation not in (None, connection.conversation)]
        wrong += [f"{_at(connection)}: a frame of conversation {frame.conversation}: {frame}" for frame in foreign]
        if connection.begin is None:
            continue
        stay = stay_of(connection, state)
        for frame in connection.durable:
            if (frame.seq or 0) <= stay.visible_after_seq:
                wrong.append(f"{_at(connection)}: seq {frame.seq}, and their part began after {stay.visible_after_seq}")
            if (frame.version or 0) > stay.end_version:
                wrong.append(f"{_at(connection)}: version {frame.version}, removed at {stay.end_version}")
        connected = connection.connected
        assert connected is not None
        due = max(stay.end_at, connected.at)
        for fault in history.faults:
            if fault.holds_up(connection) and fault.begun <= due + ENDS and fault.healed > due:
                due = fault.healed
        end = min(connection.closed, history.ended)
        if end > due + ENDS + history.lag(due, due + ENDS):
            wrong.append(f"{_at(connection)}: open {end - due:.2f} s after their removal")
    return wrong


def sockets_close_for_a_reason(history: History, state: State) -> list[str]:
    """A socket that was let in lives until its client goes, its process ends, its network breaks or its user is out."""
    wrong = []
    for connection in history.connections:
        if connection.closed == FOREVER or connection.ended_here or connection.closed > history.ended:
            continue
        near = [each for each in history.faults if each.begun - 1 <= connection.closed <= each.healed + SETTLES]
        if connection.code == 4403:
            right = stay_of(connection, state).end_at <= connection.closed
        elif connection.code == 4404:  # at the door only
            stays = state.stays(connection.user, connection.conversation)
            inside = any(stay.begin_at < connection.opened and connection.closed < stay.end_at for stay in stays)
            right = connection.begin is None and not inside
        elif connection.code in (4408, None) and any(
            each.kind == "reader" and each.connection == connection.number for each in history.faults
        ):
            right = True
        elif connection.begin is None:  # not let in: told to come back, or nobody there
            right = connection.code in (4503, 1006, None) and bool(near)
        else:
            right = connection.code in (4503, None) and any(
                (each.kind in ("kill", "restart") and each.server == connection.server)
                or (each.kind == "proxy" and connection.through_proxy)
                for each in near
            )
        if not right:
            last = connection.frames[-1].code if connection.frames else None
            wrong.append(
                f"{_at(connection)}: closed with {connection.code} ({last})"
                f" {connection.closed - history.begun:.2f} s after the beginning"
            )
    return wrong


def pongs_know_what_was_acked(history: History, state: State) -> list[str]:
    """A `pong` holds at least what was acked anywhere 5 s before."""
    acked: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
    for operation in history.sends():
        if operation.outcome == "acked" and operation.seq is not None:
            acked[operation.conversation].append((operation.acked_at, operation.seq))
    highest: dict[int, tuple[list[float], list[int]]] = {}
    for conversation, acks in acked.items():
        acks.sort()
        tops: list[int] = []
        for _, seq in acks:
            tops.append(max(seq, tops[-1] if tops else 0))
        highest[conversation] = [at for at, _ in acks], tops
    wrong = []
    for connection in history.connections:
        times, tops = highest.get(connection.conversation, ([], []))
        held_up = [fault for fault in history.faults if fault.holds_up(connection)]
        for frame in connection.frames:
            if frame.type != "pong" or any(each.begun <= frame.at <= each.healed + KNOWS for each in held_up):
                continue
            index = bisect_right(times, frame.at - KNOWS - history.lag(frame.at - KNOWS, frame.at))
            if index and (frame.last_seq or 0) < tops[index - 1]:
                wrong.append(
                    f"{_at(connection)}: pong with seq {frame.last_seq}, acked 5 s before was {tops[index - 1]}"
                )
    return wrong
