"""The command itself: a child process that is passed signals, and never killed."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Self

#: what a terminal, or its shell, sends to the whole group in its foreground
_FROM_A_TERMINAL: Final = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
#: a shell's exit codes for what could not be started (POSIX.1-2017, 2.8.2)
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127


class Child:
    """A command that goes on, with this process's own stdin, stdout and stderr."""

    def __init__(
        self, process: asyncio.subprocess.Process, *, at_terminal: bool
    ) -> None:
        self._process = process
        self._at_terminal = at_terminal

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str]) -> Self:
        """Start *command*, without any shell. Raises OSError."""
        at_terminal = _is_at_terminal()
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            # A signal to a whole group would reach the child twice, once of its own
            # and once passed on; many tools take the second for "at once, whatever
            # breaks". At a terminal the child stays, or it could not be typed to.
            process_group=None if at_terminal else 0,
        )
        return cls(process, at_terminal=at_terminal)

    def tell(self, what: signal.Signals) -> None:
        """Pass a signal on, unless the terminal has sent it to the child as well."""
        if self._at_terminal and what in _FROM_A_TERMINAL:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(what)

    async def ended(self) -> int:
        """Wait for its end; return its exit code, 128 + n where signal n ended it."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code


def _is_at_terminal() -> bool:
    """Tell whether this process's group is in the foreground of a terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
