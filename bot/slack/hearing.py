"""What is done with what people type, say and press, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Final, TypeVar

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.control.form import Form
from bot.control.home import Home
from bot.control.notices import Notices
from bot.control.reply import Reply, Uttered
from bot.control.submit import Submit

Listener = Callable[..., Awaitable[None]]
Made = TypeVar("Made")

#: seconds out of Slack's three that something is done before it is acknowledged
ACK_SECONDS: Final = 2.0

#: seconds that what was acknowledged to somebody has left to be done
_PATIENCE: Final = 3.0


async def acknowledged(
    ack: AsyncAck, work: Awaitable[Made], noted: asyncio.Event | None = None
) -> Made:
    """Return what *work* makes; Slack is told that it is heard once that is made.

    Or once it is *noted*, or a little before Slack's three seconds are over. Whoever
    asked is told by Slack where the bot dies before that; what was acknowledged, and
    then not done, would be lost without a word.
    """
    making = asyncio.ensure_future(work)
    noting = asyncio.ensure_future((noted or asyncio.Event()).wait())
    first = asyncio.FIRST_COMPLETED
    await asyncio.wait({making, noting}, timeout=ACK_SECONDS, return_when=first)
    noting.cancel()
    await ack()
    return await making


class Doors:
    """Whether people are heard: not any more once the bot is about to end."""

    def __init__(self) -> None:
        self.open = True
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    async def close(self) -> None:
        """Hear nobody from here on, and wait for what is under way."""
        self.open = False
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._empty.wait()

    def through(self, listener: Listener) -> Listener:
        """Return *listener*, waited for by whoever closes the doors."""

        @wraps(listener)
        async def entered(**arguments: object) -> None:
            self._inside += 1
            self._empty.clear()
            try:
                await listener(**arguments)
            finally:
                self._inside -= 1
                if not self._inside:
                    self._empty.set()

        return entered


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """The use cases behind the listeners."""

    submit: Submit
    reply: Reply
    notices: Notices
    form: Form
    home: Home
    doors: Doors
    #: has replies read again of which one could not be noted
    look: Callable[[], None]
    #: has what was missed heard before a reply that came late
    let_pass: Callable[[Uttered], Awaitable[None]]
