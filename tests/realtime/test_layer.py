"""The channel layer on a real Redis: what its parent does, with fewer round trips; and what Redis does on a bad day."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis._parsers import _AsyncRESP2Parser, _AsyncRESP3Parser

from chat_server.layer import Shard, SharingLayer
from tests.realtime.frames import eventually
from tests.services.redis import RedisServer

SHAPES: dict[str, dict[str, Any]] = {
    "as it is set": {"protocol": 2},
    "protocol 3": {"protocol": 3},
    "no hiredis": {"protocol": 2, "parser_class": _AsyncRESP2Parser},
    "no hiredis, protocol 3": {"protocol": 3, "parser_class": _AsyncRESP3Parser},
}


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Any]]:
    """`make(*redises, kind=SharingLayer, **options)`: a layer on them, with options of redis-py."""
    layers: list[Any] = []

    def make(*redises: RedisServer, kind: Any = SharingLayer, **options: Any) -> Any:
        hosts = [{"address": each.url, "protocol": 2, "health_check_interval": 15, **options} for each in redises]
        layers.append(kind(hosts=hosts, prefix="test"))
        return layers[-1]

    yield make
    for layer in layers:
        await layer.flush()


@pytest.fixture
def layer(make: Callable[..., Any], redis_server: RedisServer) -> Any:
    return make(redis_server)


@pytest.fixture
def second_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.kill()


async def member(layer: Any, *groups: str) -> str:
    """A new channel that is in these groups, as Redis knows by now."""
    channel: str = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    for shard in layer._get_layer()._shards:
        expected = set(shard._subscribed_to)
        await eventually(lambda shard=shard, expected=expected: subscribed(shard.host["address"], expected))
    return channel


async def subscribed(url: str, channels: set[str]) -> bool:
    with redis.Redis.from_url(url) as asked:
        return channels <= {name.decode() for name in asked.pubsub_channels()}


async def take(layer: Any, channel: str, count: int) -> list[Any]:
    """What the next so many messages say."""
    async with asyncio.timeout(5):
        return [(await layer.receive(channel))["n"] for _ in range(count)]


def reads(server: RedisServer) -> int:
    """How often Redis has read something from a client; to ask is one, too."""
    with redis.Redis.from_url(server.url) as asked:
        return int(asked.info("stats")["total_reads_processed"])


# As its parent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RedisPubSubChannelLayer, SharingLayer], ids=["parent", "ours"])
async def test_a_group_gets_what_it_is_sent_and_nobody_else(
    make: Callable[..., Any], redis_server: RedisServer, kind: Any
) -> None:
    layer = make(redis_server, kind=kind)
    first, second, other = await member(layer, "here"), await member(layer, "here"), await member(layer, "there")
    for number in range(3):
        await layer.group_send("here", {"n": number})
    await layer.group_send("there", {"n": "there"})
    assert [await take(layer, each, 3) for each in (first, second)] == [[0, 1, 2]] * 2
    assert await take(layer, other, 1) == ["there"]


@pytest.mark.parametrize("kind", [RedisPubSubChannelLayer, SharingLayer], ids=["parent", "ours"])
async def test_who_has_left_a_group_gets_nothing_more(
    make: Callable[..., Any], redis_server: RedisServer, kind: Any
) -> None:
    layer = make(redis_server, kind=kind)
    channel = await member(layer, "left", "kept")
    await layer.group_send("left", {"n": "before"})
    assert await take(layer, channel, 1) == ["before"]
    await layer.group_discard("left", channel)
    await layer.group_send("left", {"n": "after"})
    await layer.group_send("kept", {"n": "kept"})
    assert await take(layer, channel, 1) == ["kept"]


@pytest.mark.parametrize("kind", [RedisPubSubChannelLayer, SharingLayer], ids=["parent", "ours"])
async def test_one_channel_is_sent_to_by_its_name(
    make: Callable[..., Any], redis_server: RedisServer, kind: Any
) -> None:
    layer = make(redis_server, kind=kind)
    channel = await member(layer)
    await layer.send(channel, {"n": {"bytes": b"\xff", "text": "é", "none": None, "big": 2**62}})
    assert await take(layer, channel, 1) == [{"bytes": b"\xff", "text": "é", "none": None, "big": 2**62}]


async def test_after_a_flush_it_is_like_new(layer: Any) -> None:
    channel = await member(layer, "group")
    await layer.flush()
    assert layer._get_layer().channels == {}
    channel = await member(layer, "group")
    await layer.group_send("group", {"n": 1})
    assert await take(layer, channel, 1) == [1]


def test_each_event_loop_has_connections_of_its_own(redis_server: RedisServer) -> None:
    layer = SharingLayer(hosts=[{"address": redis_server.url, "protocol": 2}], prefix="test")

    async def talk() -> list[Any]:
        channel = await member(layer, "group")
        await layer.group_send("group", {"n": 1})
        return await take(layer, channel, 1)

    assert [asyncio.run(talk()) for _ in range(2)] == [[1], [1]]


# Together ---------------------------------------------------------------------------------------


async def test_what_is_sent_at_once_shares_round_trips_and_arrives_in_order(
    layer: Any, redis_server: RedisServer
) -> None:
    channel = await member(layer, "group")
    await layer.group_send("group", {"n": "connected"})
    before = reads(redis_server)
    await asyncio.gather(*(layer.group_send("group", {"n": number}) for number in range(300)))
    assert reads(redis_server) - before < 20
    assert await take(layer, channel, 301) == ["connected", *range(300)]


async def test_each_of_many_groups_gets_its_own_in_order(layer: Any, redis_server: RedisServer) -> None:
    groups = [f"group.{number}" for number in range(5)]
    channels = [await member(layer, group) for group in groups]
    before = reads(redis_server)
    await layer.group_send_each((groups[n % 5], {"n": n}) for n in range(300))
    assert reads(redis_server) - before < 20
    for number, channel in enumerate(channels):
        assert await take(layer, channel, 60) == list(range(number, 300, 5))


async def test_what_is_sent_while_a_round_trip_is_under_way_comes_behind_it(layer: Any) -> None:
    channel = await member(layer, "group")
    sent = []
    for number in range(20):
        sent.append(asyncio.create_task(layer.group_send("group", {"n": number})))
        for _ in range(number % 4):
            await asyncio.sleep(0)
    await asyncio.gather(*sent)
    assert await take(layer, channel, 20) == list(range(20))


async def test_to_send_nothing_is_no_error(layer: Any) -> None:
    await layer.group_send_each([])


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
async def test_all_arrives_in_order_whatever_reads_the_replies(
    make: Callable[..., Any], redis_server: RedisServer, options: dict[str, Any]
) -> None:
    layer = make(redis_server, **options)
    channel = await member(layer, "group")
    await layer.group_send_each(("group", {"n": number}) for number in range(100))
    await layer.group_add("other", channel)  # its answer comes among the messages
    await layer.group_send_each(("group", {"n": number}) for number in range(100, 200))
    assert await take(layer, channel, 200) == list(range(200))


async def test_replies_that_were_read_together_are_taken_together(layer: Any) -> None:
    """With the redis-py and the hiredis that are installed; without it everything still arrives, but slowly."""
    channel = await member(layer, "group")
    [shard] = layer._get_layer()._shards
    read, get_message = 0, shard._pubsub.get_message

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal read
        read += 1
        return await get_message(*args, **kwargs)

    shard._pubsub.get_message = counted
    await layer.group_send_each(("group", {"n": number}) for number in range(300))
    assert await take(layer, channel, 300) == list(range(300))
    assert read < 30


@pytest.mark.parametrize("missing", ["connection", "parser", "reader", "gets"])
def test_where_nothing_is_known_of_the_reader_nothing_is_taken_from_it(missing: str) -> None:
    class Lacking:
        pass

    shard = Shard.__new__(Shard)
    shard._pubsub = Lacking()
    shard._pubsub.connection = None if missing == "connection" else Lacking()
    if missing in ("reader", "gets"):
        shard._pubsub.connection._parser = Lacking()
    if missing == "gets":
        shard._pubsub.connection._parser._reader = None
    assert list(shard._arrived()) == []


# Two Redises ------------------------------------------------------------------------------------


async def test_two_redises_share_the_groups_as_the_parent_has_it(
    make: Callable[..., Any], redis_server: RedisServer, second_redis: RedisServer
) -> None:
    ours, parent = (make(redis_server, second_redis, kind=kind) for kind in (SharingLayer, RedisPubSubChannelLayer))
    names = [f"test__group__group.{number}" for number in range(50)]
    routes = [
        [inner._shards.index(inner._get_shard(name)) for name in names]
        for inner in (ours._get_layer(), parent._get_layer())
    ]
    assert routes[0] == routes[1]
    assert set(routes[0]) == {0, 1}


async def test_the_parent_on_two_redises_understands_us_and_we_understand_it(
    make: Callable[..., Any], redis_server: RedisServer, second_redis: RedisServer
) -> None:
    ours, parent = (make(redis_server, second_redis, kind=kind) for kind in (SharingLayer, RedisPubSubChannelLayer))
    groups = [f"group.{number}" for number in range(30)]
    channels = [await member(layer, *groups) for layer in (ours, parent)]
    await ours.group_send_each((group, {"n": f"ours {group}"}) for group in groups)
    for group in groups:
        await parent.group_send(group, {"n": f"theirs {group}"})
    expected = {f"{who} {group}" for who in ("ours", "theirs") for group in groups}
    for layer, channel in zip((ours, parent), channels, strict=True):
        assert set(await take(layer, channel, 60)) == expected


async def test_where_one_of_two_redises_is_away_what_goes_by_the_other_is_sent(
    make: Callable[..., Any], redis_server: RedisServer, second_redis: RedisServer
) -> None:
    layer = make(redis_server, second_redis)
    groups = [f"group.{number}" for number in range(30)]
    channel = await member(layer, *groups)
    inner = layer._get_layer()
    reached = [group for group in groups if inner._get_shard(inner._get_group_channel_name(group)) is inner._shards[0]]
    assert 0 < len(reached) < 30
    second_redis.kill()
    with pytest.raises(redis.ConnectionError):
        await layer.group_send_each((group, {"n": group}) for group in groups)
    assert await take(layer, channel, len(reached)) == reached


async def test_who_does_not_wait_hears_how_it_went(layer: Any, redis_server: RedisServer) -> None:
    channel = await member(layer, "group")
    heard: asyncio.Queue[Exception | None] = asyncio.Queue()
    layer.group_send_soon([("group", {"n": 1}), ("group", {"n": 2})], heard.put_nowait)
    assert [await heard.get(), await heard.get()] == [None, None]
    assert await take(layer, channel, 2) == [1, 2]
    redis_server.stop()
    layer.group_send_soon([("group", {"n": 3})], heard.put_nowait)
    assert isinstance(await heard.get(), redis.ConnectionError)


# A bad day --------------------------------------------------------------------------------------


async def test_where_redis_is_away_who_sends_is_told(layer: Any, redis_server: RedisServer) -> None:
    await member(layer, "group")
    redis_server.stop()
    with pytest.raises(redis.ConnectionError):
        await layer.group_send_each([("group", {"n": 1}), ("group", {"n": 2})])
    with pytest.raises(redis.ConnectionError):
        await layer.group_send("group", {"n": 3})


async def test_where_redis_hangs_who_sends_is_told_soon_and_can_send_again_later(
    layer: Any, redis_server: RedisServer
) -> None:
    channel = await member(layer, "group")
    redis_server.pause()
    begun = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await layer.group_send_each([("group", {"n": "late"})])
    assert asyncio.get_running_loop().time() - begun < 2
    redis_server.resume()
    await layer.group_send("group", {"n": "again"})
    assert (await take(layer, channel, 1))[0] in ("late", "again")  # the former may have got to Redis


async def test_what_was_cancelled_before_it_was_sent_is_not_sent_later(layer: Any, redis_server: RedisServer) -> None:
    channel = await member(layer, "group")
    [shard] = layer._get_layer()._shards
    redis_server.pause()
    first = asyncio.create_task(layer.group_send("group", {"n": "first"}))
    while shard._publishing is None or shard._waiting:  # until it is under way
        await asyncio.sleep(0)
    gone = asyncio.create_task(layer.group_send_each([("group", {"n": "gone"})] * 3))
    while len(shard._waiting) < 3:
        await asyncio.sleep(0)
    gone.cancel()
    last = asyncio.create_task(layer.group_send("group", {"n": "last"}))
    await asyncio.sleep(0)
    redis_server.resume()
    await asyncio.gather(first, last)
    assert gone.cancelled()
    assert await take(layer, channel, 2) == ["first", "last"]


async def test_after_a_restart_of_redis_it_is_in_its_groups_again(layer: Any, redis_server: RedisServer) -> None:
    channel = await member(layer, "group")
    [shard] = layer._get_layer()._shards
    redis_server.restart()
    await eventually(lambda: subscribed(redis_server.url, shard._subscribed_to))
    await layer.group_send("group", {"n": "after"})
    assert await take(layer, channel, 1) == ["after"]
