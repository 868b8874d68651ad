"""The command itself: a child process that is passed signals, and never killed."""

import asyncio
import os
import signal
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final, Self

from bot.client.linux import adopt_orphans, children

#: what a terminal, or its shell, sends to the whole group in its foreground
_FROM_A_TERMINAL: Final = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
#: a shell's exit codes for what could not be started (POSIX.1-2017, 2.8.2)
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127


class Child:
    """A command that goes on, with this process's own stdin, stdout and stderr.

    What it starts belongs to it, until that leaves the session, as daemons do. At a
    terminal, and in process groups of their own, only Linux tells of the rest.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        at_terminal: bool,
        others: Collection[int],
    ) -> None:
        """*others* are children of this process that are not of the command.

        The command has its own process group, except at a terminal.
        """
        self._process = process
        self._at_terminal = at_terminal
        self._others = {*others, process.pid}

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str]) -> Self:
        """Start *command*, without any shell. Raises OSError."""
        at_terminal = _is_at_terminal()
        adopt_orphans()
        others = children()
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            # A signal to a whole group would reach the child twice, once of its own
            # and once passed on; many tools take the second for "at once, whatever
            # breaks". At a terminal the child stays, or it could not be typed to.
            process_group=None if at_terminal else 0,
        )
        return cls(process, at_terminal=at_terminal, others=others)

    def tell(self, what: signal.Signals) -> None:
        """Pass a signal on, unless the terminal has sent it to the child as well.

        To all of its group: a shell would end of it, and what it waits for go on.
        """
        if self._at_terminal and what in _FROM_A_TERMINAL:
            return
        with suppress(ProcessLookupError, PermissionError):
            if self._at_terminal:
                self._process.send_signal(what)
            else:
                os.killpg(self._process.pid, what)
        for orphan in self._orphans():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(orphan, what)

    async def ended(self) -> int:
        """Wait for its end; return its exit code, 128 + n where signal n ended it."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    def leaves_something(self) -> bool:
        """Tell whether something that it started goes on, now that it has ended."""
        return self._has_group() or bool(self._orphans())

    def _has_group(self) -> bool:
        if self._at_terminal:
            return False
        group = self._process.pid
        with suppress(ChildProcessError):
            # An adopted orphan is of its group until somebody asks how it ended.
            while os.waitpid(-group, os.WNOHANG) != (0, 0):
                pass
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's, as behind sudo
            return True
        return True

    def _orphans(self) -> list[int]:
        """Return what was adopted of the command, but for its own group."""
        own = None if self._at_terminal else self._process.pid
        return [
            pid
            for pid, group in children().items()
            if pid not in self._others and group != own
        ]


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
