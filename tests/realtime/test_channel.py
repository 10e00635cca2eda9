"""The hub's channel is in the groups of the conversations that are open here, whatever the layer does meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer

from chat.channel import Channel

GROUP = "conversation.7"


@pytest.fixture
async def channel(layer: Callable[..., None]) -> Any:
    """A channel of a layer that takes a moment for everything."""
    layer("SlowLayer")
    channel = Channel()
    channel.name = await get_channel_layer().new_channel()
    return channel


async def test_a_conversation_that_is_opened_again_while_it_is_left_is_heard(channel: Any) -> None:
    layer, rooms = get_channel_layer(), {7: None}
    await channel.follow(rooms)
    del rooms[7]
    leaving = asyncio.create_task(channel.follow(rooms))
    await asyncio.wait_for(layer.is_leaving.wait(), 2)
    rooms[7] = None
    await channel.subscribe([7])
    await leaving
    assert channel.name in layer.groups[GROUP]
    assert channel.follows(rooms.keys())


async def test_what_could_not_be_left_is_left_later(channel: Any) -> None:
    layer, rooms = get_channel_layer(), {7: None}
    await channel.follow(rooms)
    del rooms[7]
    layer.refuses = True
    await channel.follow(rooms)
    assert not channel.follows(rooms.keys())
    layer.refuses = False
    await channel.follow(rooms)
    assert channel.follows(rooms.keys())
    assert GROUP not in layer.groups


async def test_what_was_left_later_than_it_was_waited_for_is_heard_again(channel: Any) -> None:
    layer, rooms = get_channel_layer(), {7: None}
    await channel.follow(rooms)
    del rooms[7]
    layer.is_late = True
    leaving = asyncio.create_task(channel.follow(rooms))
    await asyncio.sleep(1.2)  # given up
    rooms[7] = None
    await channel.subscribe([7])
    await leaving
    await asyncio.sleep(0.6)  # only now it is done
    assert not channel.follows(rooms.keys())
    await channel.follow(rooms)
    assert channel.follows(rooms.keys())
    assert channel.name in layer.groups[GROUP]
