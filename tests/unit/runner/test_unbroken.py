import asyncio

import pytest

from runner.unbroken import begun, finished, insisted


class Action:
    """Takes as long as it is not let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.done = False

    async def __call__(self) -> str:
        self.begun.set()
        await self.let_go.wait()
        self.done = True
        return "result"


@pytest.fixture
async def action() -> Action:
    return Action()


async def test_a_cancellation_waits_until_the_action_is_done(action: Action) -> None:
    waiting = asyncio.create_task(finished(action()))
    await action.begun.wait()

    waiting.cancel()
    action.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert action.done


async def test_a_result_may_be_worth_more_than_a_cancellation(action: Action) -> None:
    waiting = asyncio.create_task(insisted(action()))
    await action.begun.wait()

    waiting.cancel()
    action.let_go.set()

    assert await waiting == "result"
    assert waiting.cancelling() == 0


async def test_a_second_cancellation_changes_nothing(action: Action) -> None:
    waiting = asyncio.create_task(insisted(action()))
    await action.begun.wait()

    waiting.cancel()
    await asyncio.wait({waiting}, timeout=0)
    waiting.cancel()
    action.let_go.set()

    assert await waiting == "result"


async def test_errors_of_the_action_come_through() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await finished(fail())
    with pytest.raises(ValueError, match="broken"):
        await insisted(fail())


async def test_what_was_started_while_called_off_is_ended_again(
    action: Action,
) -> None:
    ended: list[str] = []

    async def end(started: str) -> None:
        ended.append(started)

    starting = asyncio.create_task(begun(action(), end))
    await action.begun.wait()

    starting.cancel()
    action.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await starting
    assert ended == ["result"]
