"""OPA ends while it is asked: who ended it is found out, and nobody else suffers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import PolicyUnavailable
from bot.policies.opa import OpaPolicies
from bot.policies.server import server_at
from tests.contract.policies.asking import Asked
from tests.contract.policies.ending import Ending, ending_opa

FINE = 'package spacelift\n\ndeny["no"] { true }\n'
ENDED = (
    "Policy policy.rego could not be evaluated: OPA ended while it was asked, as it "
    "does when memory runs out."
)


@pytest.fixture
async def ending(running: str, tmp_path: Path) -> AsyncIterator[Ending]:
    async with ending_opa(running, tmp_path) as ending:
        yield ending


@pytest.fixture
async def mortal(ending: Ending, tmp_path: Path) -> AsyncIterator[Asked]:
    """Yield policies in the OPA that ends when it is told to."""
    async with server_at(ending.address, tmp_path) as server:
        yield Asked(
            policies=OpaPolicies(server, limit=30.0), server=server, folder=tmp_path
        )


async def test_nobody_waits_for_the_policy_that_ends_opa(
    mortal: Asked, ending: Ending
) -> None:
    policy = mortal.written(FINE)
    bomb = asyncio.create_task(mortal.policies.rule(policy, {"bomb": True}))
    await ending.under_way(1)
    others = asyncio.gather(*(mortal.policies.rule(policy, {}) for _ in range(10)))
    await ending.under_way(11)
    ending.holds = lambda document: "bomb" in document
    ending.end()

    rulings = await asyncio.wait_for(others, 10)

    assert {it.deny for it in rulings} == {("no",)}
    assert not bomb.done()
    for _ in range(2):
        await ending.under_way(1)
        ending.end()
    assert (await bomb).failed == ENDED


async def test_those_that_end_it_are_asked_one_at_a_time_in_the_end(
    mortal: Asked, ending: Ending
) -> None:
    policy = mortal.written(FINE)
    bombs = [
        asyncio.create_task(mortal.policies.rule(policy, {"bomb": it}))
        for it in range(3)
    ]
    for _ in range(2):
        await ending.under_way(3)
        ending.end()
    for _ in range(3):
        await ending.under_way(1)
        ending.end()

    assert {it.failed for it in await asyncio.gather(*bombs)} == {ENDED}


async def test_who_did_not_come_to_be_asked_is_not_rejected(
    mortal: Asked, ending: Ending
) -> None:
    policy = mortal.written(FINE)
    hasty = OpaPolicies(mortal.server, limit=2.0)
    bombs = [asyncio.create_task(hasty.rule(policy, {"bomb": it})) for it in range(3)]
    for _ in range(2):
        await ending.under_way(3)
        ending.end()

    await ending.under_way(1)
    told = await asyncio.gather(*bombs, return_exceptions=True)

    waited = [str(it) for it in told if isinstance(it, PolicyUnavailable)]
    failed = [it.failed for it in told if not isinstance(it, BaseException)]
    sentence = "Policy policy.rego could not be evaluated:"
    why = "OPA did not come to it within 2 seconds. Try again; if it stays so, make it"
    assert set(waited) == {f"{sentence} {why} simpler."}
    assert set(failed) == {f"{sentence} it took longer than 2 seconds."}
