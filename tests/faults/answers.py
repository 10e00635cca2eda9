"""What must hold of the answers: none is wrong, and none is late for what it has nothing to do with."""

from collections import defaultdict

from .history import FOREVER, Attempt, Fault, History, Operation
from .state import State

HEALS = 10.0  # seconds after which a healed cluster acknowledges again, on every process
WHILE_REDIS_IS_AWAY = 1.0
WHILE_A_ROW_IS_LOCKED = 2.0
IN_A_ROLLING_RESTART = 10.0
USUAL = 5.0  # seconds before a fault that say how long an ack takes here
UNDER_WAY = 0.1  # seconds that a request may need to its server
# What may hold up any answer, and for how many seconds after it was healed.
SETTLES = {"postgres": 5.0, "kill": 1.0, "restart": 1.0, "proxy": 1.0}


def answers_are_right(history: History, state: State) -> list[str]:
    """No 500, no refusal of a good token, and nobody is refused who takes part."""
    wrong = []
    for operation in history.operations:
        for attempt in operation.attempts:
            if attempt.answer in ("500", "401", "not_authenticated"):
                wrong.append(f"{operation.label}: {attempt.answer} from server {attempt.server} ({attempt.door})")
        if operation.outcome == "failed" and operation.kind in ("send", "read"):
            attempt = operation.attempts[-1]
            stays = state.stays(operation.user, operation.conversation)
            if any(stay.begin_at < attempt.at and attempt.ended < stay.end_at for stay in stays):
                wrong.append(f"{operation.label}: refused with {attempt.answer}, though they take part")
    return wrong


def serves_again(history: History, state: State) -> list[str]:
    """Within 10 s of healing every server acknowledges again."""
    wrong = []
    for fault, server, outage in outages(history):
        quiet = max(0.0, min(fault.healed + HEALS, history.ended) - fault.healed)
        if outage is None and quiet >= HEALS:
            wrong.append(f"server {server} acknowledged nothing in {HEALS:.0f} s after {fault.name} was healed")
    return wrong


def outages(history: History) -> list[tuple[Fault, int, float | None]]:
    """(fault, server, seconds from its healing, or the first question after it, to an ack there); None: none in 10 s.

    A server that another fault hits meanwhile, or that is asked nothing, has no say.
    """
    acked: defaultdict[int, list[Attempt]] = defaultdict(list)
    asked: defaultdict[int, list[float]] = defaultdict(list)
    for operation in history.operations:
        for attempt in operation.attempts:
            asked[attempt.server].append(attempt.at)
            if attempt.outcome == "acked":
                acked[attempt.server].append(attempt)
    found: list[tuple[Fault, int, float | None]] = []
    for fault in history.faults:
        end = fault.healed + HEALS
        if fault.healed == FOREVER or fault.kind in ("reader", "row"):
            continue
        for server in sorted(asked) if fault.server is None else [fault.server]:
            after = [each.ended for each in acked[server] if fault.healed <= each.ended <= end]
            if after:
                first = min((at for at in asked[server] if at >= fault.healed), default=fault.healed)
                found.append((fault, server, max(0.0, min(after) - first)))
                continue
            others = [each for each in history.faults if each is not fault and each.begun < end]
            disturbed = any(each.healed > fault.healed and each.server in (None, server) for each in others)
            if not disturbed and sum(fault.healed <= at <= end - 2 for at in asked[server]) >= 3:
                found.append((fault, server, None))
    return found


def _held_up(attempt: Attempt, history: History) -> bool:
    """Whether something that may hold up an answer for longer was done to the cluster meanwhile, or just before."""
    return any(
        attempt.at < fault.healed + SETTLES[fault.kind] and attempt.ended > fault.begun
        for fault in history.faults
        if fault.kind in SETTLES
    )


def beside(history: History, kind: str) -> list[tuple[Fault, Operation, Attempt, float]]:
    """The sends that were begun during a fault of that kind and that it alone may have held up, with their seconds."""
    found = []
    for fault in history.faults:
        for operation in history.sends() if fault.kind == kind else ():
            if kind == "row" and operation.conversation == fault.conversation:
                continue
            for attempt in operation.attempts:
                if fault.begun <= attempt.at < fault.healed and not _held_up(attempt, history):
                    found.append((fault, operation, attempt, min(attempt.ended, history.ended) - attempt.at))
    return found


def _usual(history: History, before: float) -> float:
    """The median of what an ack took in the seconds before: how busy this machine is with other things."""
    took = sorted(
        attempt.ended - attempt.at
        for operation in history.sends()
        for attempt in operation.attempts
        if attempt.outcome == "acked" and before - USUAL <= attempt.at < before
    )
    return took[len(took) // 2] if took else 0.0


def sends_go_on(history: History, state: State) -> list[str]:
    """While Redis is away an ack takes a second at most; a locked row and a reader that stops hold up nobody else."""
    wrong = []
    bounds = {"redis": WHILE_REDIS_IS_AWAY, "row": WHILE_A_ROW_IS_LOCKED, "reader": WHILE_A_ROW_IS_LOCKED}
    for kind, bound in bounds.items():
        for fault, operation, attempt, took in beside(history, kind):
            if took > bound and took > bound + history.lag(attempt.at, attempt.at + took) + 2 * _usual(
                history, fault.begun
            ):
                outcome = f"{attempt.outcome} ({attempt.answer}) over {attempt.door} after {took:.2f} s"
                wrong.append(f"{operation.label}: {outcome} during {fault.name}")
    return wrong


def a_rolling_restart_fails_nothing(history: History, state: State) -> list[str]:
    """What was asked before SIGTERM is answered; what is sent meanwhile is acked in time, for who sends again."""
    wrong = []
    for fault in [fault for fault in history.faults if fault.kind == "restart"]:
        for operation in history.operations:
            for attempt in operation.attempts:
                sure = UNDER_WAY + history.lag(fault.begun - 1, fault.begun)
                under_way = attempt.at + sure < fault.begun < attempt.ended and attempt.server == fault.server
                unanswered = attempt.outcome == "unknown" and not attempt.answer.isdigit()
                cut = any(each.begun < attempt.ended and attempt.at < each.healed for each in _cuts(history))
                if under_way and unanswered and not cut:
                    wrong.append(f"{operation.label}: asked before {fault.name}, and {attempt.answer}")
        for operation in history.sends():
            first = operation.attempts[0]
            if not fault.begun <= first.at < fault.healed or _held_up(first, _without(history, "restart")):
                continue
            if operation.outcome == "failed" and answers_are_right(_only(operation), state):
                wrong.append(f"{operation.label}: refused during {fault.name}")
            took = min(operation.acked_at, history.ended) - first.at
            tried = len(operation.attempts) > 1 and operation.attempts[-1].outcome != "failed"
            if took > IN_A_ROLLING_RESTART and tried:
                wrong.append(f"{operation.label}: not acked within {IN_A_ROLLING_RESTART:.0f} s during {fault.name}")
    return wrong


def _cuts(history: History) -> list[Fault]:
    return [fault for fault in history.faults if fault.kind in ("postgres", "kill", "proxy", "row")]


def _without(history: History, kind: str) -> History:
    other = History()
    other.faults = [fault for fault in history.faults if fault.kind != kind]
    return other


def _only(operation: Operation) -> History:
    history = History()
    history.operations = [operation]
    return history
