"""Policies come into OPA once, and leave it when their files change."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.errors import PolicyUnavailable
from bot.policies.library import Library
from bot.policies.loading import module_name
from bot.policies.rest import OpaClient
from tests.contract.policies.asking import Asked

FINE = 'package spacelift\n\ndeny["no"] { true }\n'
OTHER = 'package spacelift\n\ndeny["never"] { true }\n'


@pytest.fixture
async def library(own: Asked) -> AsyncIterator[Library]:
    library = Library(own.server, limit=30.0)
    yield library
    await library.close()


async def has(client: OpaClient, source: str) -> bool:
    """Tell whether OPA has a policy."""
    try:
        await client.tree(module_name(source))
    except PolicyUnavailable:
        return False
    return True


async def test_a_policy_goes_on_being_compiled_when_who_asked_gives_up(
    own: Asked, library: Library
) -> None:
    policy = own.written(FINE)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await library.loaded(policy.path, FINE)

    async with asyncio.timeout(20):
        while not await has(own.server.client, FINE):  # noqa: ASYNC110 (OPA tells nobody)
            await asyncio.sleep(0.01)


async def test_one_that_is_not_compiled_in_time_is_tried_again(own: Asked) -> None:
    hasty = Library(own.server, limit=0.0)
    policy = own.written(FINE)

    for _ in range(2):
        with pytest.raises(PolicyUnavailable, match="not compiled within 0 seconds"):
            await hasty.loaded(policy.path, FINE)


async def test_what_a_file_had_before_leaves_opa(own: Asked, library: Library) -> None:
    policy, client = own.written(FINE), own.server.client
    await library.loaded(policy.path, FINE)

    loaded = await library.loaded(policy.path, OTHER)

    assert await client.ask(loaded.home, "deny", {}) == ["never"]
    assert not await has(client, FINE)
    assert (await library.loaded(policy.path, FINE)).home
    assert await has(client, FINE)


async def test_what_another_file_has_too_stays(own: Asked, library: Library) -> None:
    one, two = own.written(FINE, "one.rego"), own.written(FINE, "two.rego")
    await library.loaded(one.path, FINE)
    await library.loaded(two.path, FINE)

    await library.loaded(one.path, OTHER)

    assert await has(own.server.client, FINE)
