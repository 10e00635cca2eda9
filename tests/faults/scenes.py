"""Four short scenes, each of which one mutation of the server spoils, and no other scene that it must not."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg

from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer

from . import final
from .cluster import Cluster
from .history import History
from .invariants import check
from .state import State
from .streams import ARRIVES, ENDS
from .talk import Talk

# A commit that fails at the last moment, for what says so.
DOOM = """
    CREATE FUNCTION faults_doom() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.content = 'doomed' THEN RAISE EXCEPTION 'doomed' USING ERRCODE = 'serialization_failure'; END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER faults_doom AFTER INSERT ON chat_message
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faults_doom();
"""


async def a_commit_fails(talk: Talk) -> float:
    """What could not be committed is nothing that anybody sees."""
    talk.deadline = talk.history.now() + 0.5
    await talk.send(talk.people[0], talk.rooms[0], "doomed")
    await talk.send(talk.people[0], talk.rooms[0], "doomed")
    return 1


async def an_answer_is_lost(talk: Talk) -> float:
    """Who did not hear the answer sends again, over the other door."""
    person, room = talk.people[0], talk.rooms[0]
    operation = await talk.send(person, room, door="socket")
    await talk.say(
        person, room, operation, {"content": operation.content, "client_id": operation.client_id}, door="rest"
    )
    return 1


async def redis_goes_away(talk: Talk) -> float:
    """What was said while Redis was away arrives, though nobody says anything afterwards."""
    await asyncio.to_thread(talk.cluster.redis.stop)
    for person in talk.people:
        await talk.send(person, talk.rooms[0])
    await asyncio.to_thread(talk.cluster.redis.start)
    return ARRIVES + 1


async def somebody_is_removed(talk: Talk) -> float:
    """Who is removed hears nothing more."""
    room = talk.rooms[0]
    await talk.remove(room, talk.people[1])
    for _ in range(3):
        await talk.send(talk.people[0], room)
    return ENDS + 1


# mutation -> (the scene that it spoils, the invariants that turn red)
SCENES: dict[str, tuple[Callable[[Talk], Awaitable[float]], set[str]]] = {
    "ignore_client_id": (an_answer_is_lost, {"stored_exactly_once"}),
    "no_repair": (redis_goes_away, {"everything_arrives", "inboxes_agree_on_unread"}),
    "no_membership_recheck": (somebody_is_removed, {"nothing_reaches_who_has_no_part", "inboxes_agree_on_unread"}),
    "publish_before_commit": (a_commit_fails, {"sockets_get_the_stored_order", "inboxes_agree_on_unread"}),
}


async def play(postgres: PostgresServer, template: str, mutation: str = "") -> dict[str, list[str]]:
    """The scene of that mutation on the server that has it, or all scenes on the shipped one; what contradicts what."""
    name = f"scene_{mutation or 'of_the_shipped_server'}"
    url = await asyncio.to_thread(postgres.create_database, name, template=template)
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(DOOM)
        if mutation == "ignore_client_id":  # else the constraint is what keeps the promise
            database.execute("DROP INDEX message_client_id_once")
    cluster = Cluster(postgres=postgres, redis=RedisServer(), database=url, count=1, mutation=mutation)
    await cluster.start()
    history = History()
    talk = Talk(cluster, history, seed=mutation)
    try:
        await talk.gather(3, ([0, 1, 2],))
        await talk.sit_down()
        await talk.send(talk.people[0], talk.rooms[0])
        scenes = [SCENES[mutation]] if mutation else SCENES.values()
        patience = max([await scene(talk) for scene, _ in scenes])
        await final.come_to_rest(talk, patience=patience)
        history.ended = history.now()
        state = await final.read_state(talk, State())
    finally:
        await talk.close()
        await cluster.stop()
        await asyncio.to_thread(postgres.drop_database, name)
    return check(history, state)
