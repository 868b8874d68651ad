"""Which signals are passed to a command, and which it has had already."""

import asyncio
import signal

import pytest

from bot.client.child import Child
from bot.client.linux import children


async def a_child(*, at_terminal: bool) -> Child:
    others = children()  # of other tests, whom no signal is meant for
    process = await asyncio.create_subprocess_exec(
        *("sleep", "60"), process_group=None if at_terminal else 0
    )
    return Child(process, at_terminal=at_terminal, others=others)


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
async def test_what_a_terminal_sends_to_all_is_not_sent_once_more(
    what: signal.Signals,
) -> None:
    child = await a_child(at_terminal=True)

    child.tell(what)
    child.tell(signal.SIGKILL)

    assert await child.ended() == 128 + signal.SIGKILL


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
async def test_without_a_terminal_every_signal_is_passed_on(
    what: signal.Signals,
) -> None:
    child = await a_child(at_terminal=False)

    child.tell(what)

    assert await child.ended() == 128 + what


async def test_what_is_sent_to_one_process_is_passed_on_at_a_terminal_too() -> None:
    child = await a_child(at_terminal=True)

    child.tell(signal.SIGTERM)

    assert await child.ended() == 128 + signal.SIGTERM


async def test_a_command_that_has_ended_is_told_nothing() -> None:
    child = await a_child(at_terminal=False)
    child.tell(signal.SIGTERM)
    await child.ended()

    child.tell(signal.SIGTERM)

    assert await child.ended() == 128 + signal.SIGTERM
