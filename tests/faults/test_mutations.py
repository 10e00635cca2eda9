"""The checker is worth something: a server that is broken on purpose turns the right invariants red, and no other."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.postgres import the_postgres

from .invariants import CHECKS
from .scenes import SCENES, play

SHIPPED = ""


@pytest.fixture(scope="module")
def played(once: Callable[..., Any], migrated_postgres: str) -> dict[str, dict[str, list[str]]]:
    """By mutation what its scene came to, and under `SHIPPED` all scenes together; two are played at a time."""

    async def play_all() -> dict[str, dict[str, list[str]]]:
        stages = asyncio.Semaphore(2)

        async def on_stage(mutation: str) -> dict[str, list[str]]:
            async with stages:
                return await play(the_postgres(), migrated_postgres, mutation)

        names = ["no_repair", *(name for name in SCENES if name != "no_repair"), SHIPPED]  # the longest one first
        return dict(zip(names, await asyncio.gather(*map(on_stage, names)), strict=True))

    played: dict[str, dict[str, list[str]]] = once("scenes", lambda: asyncio.run(play_all()))
    return played


@pytest.mark.parametrize("mutation", SCENES)
def test_a_broken_server_turns_the_right_invariants_red(played: dict[str, dict[str, list[str]]], mutation: str) -> None:
    _, expected = SCENES[mutation]
    assert {name for name, found in played[mutation].items() if found} == expected, played[mutation]


def test_the_shipped_server_keeps_the_promise_in_the_same_scenes(played: dict[str, dict[str, list[str]]]) -> None:
    assert played[SHIPPED] == {name: [] for name in CHECKS}
