"""What this process is told by signals while it waits, performs and reports."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Told:
    """The last signal, until it is forgotten; and who it is passed on to."""

    def __init__(self) -> None:
        self.last: signal.Signals | None = None
        self._event = asyncio.Event()
        self._pass_on: Callable[[signal.Signals], None] | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals while the body runs; those that are ignored stay so."""
        loop = asyncio.get_running_loop()
        heard = [it for it in _HEARD if signal.getsignal(it) != signal.SIG_IGN]
        for it in heard:
            loop.add_signal_handler(it, self._hear, it)
        try:
            yield
        finally:
            for it in heard:
                loop.remove_signal_handler(it)

    @contextmanager
    def passing_on(self, to: Callable[[signal.Signals], None]) -> Iterator[None]:
        """Pass signals on while the body runs, and forget them behind it."""
        if self.last is not None:
            to(self.last)
        self._pass_on = to
        try:
            yield
        finally:
            self._pass_on = None
            self.forget()

    def forget(self) -> None:
        """Be as before any signal."""
        self.last = None
        self._event.clear()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until a signal."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()

    def _hear(self, what: signal.Signals) -> None:
        if self._pass_on is not None:
            self._pass_on(what)
            return
        self.last = what
        self._event.set()
