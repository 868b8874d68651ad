"""One at a time, in order, and people first."""

import asyncio

import pytest

from bot.store.line import Line


class Street:
    """Notes who came to the front of a line."""

    def __init__(self) -> None:
        self.line = Line()
        self.served: list[str] = []

    async def _wait(self, name: str, *, first: bool) -> None:
        await self.line.acquire(first=first)
        self.served.append(name)

    async def waits(self, name: str, *, first: bool = False) -> asyncio.Task[None]:
        """Have somebody stand in line."""
        task = asyncio.create_task(self._wait(name, first=first))
        await asyncio.sleep(0)
        return task

    async def goes_on(self) -> list[str]:
        """Serve who is next; return all who were served."""
        self.line.release()
        await asyncio.sleep(0)
        return self.served


@pytest.fixture
async def street() -> Street:
    street = Street()
    await street.line.acquire()
    return street


async def test_who_comes_first_is_served_first_but_for_those_who_go_before(
    street: Street,
) -> None:
    waiting = [
        await street.waits("a"),
        await street.waits("b"),
        await street.waits("c", first=True),
        await street.waits("d", first=True),
    ]

    one_each = [list(await street.goes_on()) for _ in waiting]

    assert one_each == [["c"], ["c", "d"], ["c", "d", "a"], ["c", "d", "a", "b"]]


async def test_who_does_not_wait_any_more_holds_up_nobody(street: Street) -> None:
    gone, first = await street.waits("gone"), await street.waits("gone", first=True)
    await street.waits("a")
    gone.cancel()
    first.cancel()
    await asyncio.gather(gone, first, return_exceptions=True)

    assert await street.goes_on() == ["a"]


async def test_who_leaves_when_it_is_their_turn_passes_it_on(street: Street) -> None:
    leaving = await street.waits("leaving")
    await street.waits("a")

    street.line.release()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await asyncio.sleep(0)

    assert street.served == ["a"]


async def test_it_is_free_once_nobody_waits(street: Street) -> None:
    street.line.release()

    await asyncio.wait_for(street.line.acquire(), 1)
