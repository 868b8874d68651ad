"""Awaits what must not be left half done when the surrounding task is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


async def finished(action: Coroutine[object, object, T]) -> T:
    """Return what *action* returns; a cancellation waits until it is done."""
    task = asyncio.ensure_future(action)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def begun(
    start: Coroutine[object, object, T],
    end: Callable[[T], Coroutine[object, object, None]],
) -> T:
    """Return what *start* starts; a cancellation meanwhile has it *end* again.

    For a process, which may run before its start is over here: called off in that
    moment asyncio would kill it unheard, and wait for whatever it had started.
    """
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting})
        if not starting.exception():
            await finished(end(starting.result()))
        raise


async def insisted(action: Coroutine[object, object, T]) -> T:
    """Return what *action* returns, and take a cancellation meanwhile as heard.

    For a last step whose result is worth more to the caller than an early end:
    how a run ended would otherwise be lost with the container that knew it.
    """
    task = asyncio.ensure_future(action)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            surrounding = asyncio.current_task()
            if task.cancelled() or surrounding is None:
                raise
            surrounding.uncancel()
    return task.result()
