"""The way of one command: its turn waited for, performed here, its end reported."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count

from bot.client.api import Api, Away, Denied
from bot.client.child import NOT_EXECUTABLE, NOT_FOUND, Child
from bot.client.server import KEY_VARIABLE, Server
from bot.client.told import Told
from bot.client.turn import Queue, Turn
from bot.client.wish import NotRun, Pace, Wish, now


async def run_as_tracked(
    wish: Wish,
    server: Server,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    pace: Pace | None = None,
) -> int:
    """Run a command as a tracked run of its stack; return what to exit with.

    That is the command's own exit code once it ran, whatever Handrail answers then;
    128 + n where signal n ended it, or ended the waiting; 75 or 77 where it was not
    run; 126 or 127 where it could not be started.
    """
    if shutil.which(wish.command[0], path=environ.get("PATH")) is None:
        say(f"{wish.command[0]}: command not found, so nothing was announced")
        return NOT_FOUND
    told = Told()
    pace = pace or Pace()
    with told.listening():
        async with Api.open(server) as api:
            queue = Queue(wish=wish, api=api, told=told, say=say, pace=pace)
            try:
                turn = await queue.turn()
            except NotRun as not_run:
                say(f"{not_run} The command was not run.")
                return not_run.code
            performance = _Performance(
                wish=wish,
                turn=turn,
                api=api,
                told=told,
                say=say,
                environ=environ,
                pace=pace,
            )
            return await performance()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Performance:
    """A command whose turn it is. Nothing that Handrail answers ends it."""

    wish: Wish
    turn: Turn
    api: Api
    told: Told
    say: Callable[[str], None]
    environ: Mapping[str, str]
    pace: Pace

    async def __call__(self) -> int:
        """Run the command, report its exit code, and return it."""
        if self.told.last is None:
            self.say(f"run {self.turn.run} performs (fence {self.turn.fence})")
            code = await self._child()
        else:
            code = 128 + self.told.last
            self.say(f"ended by {self.told.last.name} before the command was started")
            self.told.forget()
        await self._report(code)
        return code

    async def _child(self) -> int:
        try:
            child = await Child.start(self.wish.command, self._environment())
        except OSError as error:
            self.say(f"{self.wish.command[0]} could not be started: {error.strerror}")
            is_absent = isinstance(error, FileNotFoundError)
            return NOT_FOUND if is_absent else NOT_EXECUTABLE
        beating = asyncio.create_task(self._beat())
        with self.told.passing_on(child.tell):
            code = await self._over(child)
        beating.cancel()
        # Nor does it matter what became of the heartbeats.
        await asyncio.gather(beating, return_exceptions=True)
        return code

    async def _over(self, child: Child) -> int:
        """Wait until nothing of the command changes the stack any more."""
        code = await child.ended()
        for looks in count():
            if not child.leaves_something():
                break
            if looks == 1:  # what ends together with it is none
                self.say(
                    f"the command has ended (exit code {code}), but processes that it "
                    f"started go on; {self.wish.stack} stays busy until they end"
                )
            await asyncio.sleep(self.pace.looking)
        return code

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in self.environ.items() if k != KEY_VARIABLE}
        return kept | {
            "HANDRAIL_RUN": str(self.turn.run),
            "HANDRAIL_STACK": self.wish.stack,
            "HANDRAIL_FENCE": str(self.turn.fence),
        }

    async def _beat(self) -> None:
        trouble: type[BaseException] | None = None
        while True:
            await asyncio.sleep(self.pace.slowest if trouble else self.pace.beat)
            failed = await _failure(self.api.heartbeat(self.turn.run, self.turn.fence))
            if failed is None:
                if trouble:
                    self.say("Handrail is heard again")
                trouble = None
                continue
            if isinstance(failed, Denied) and failed.is_final:
                self.say(f"{failed} The command goes on, unheard.")
                return
            if type(failed) is not trouble:
                self.say(f"Handrail is away ({_words(failed)}); the command goes on")
            trouble = type(failed)

    async def _report(self, code: int) -> None:
        deadline = now() + self.pace.reporting
        pause = self.pace.first
        is_told = False
        while not is_told or (self.told.last is None and now() < deadline):
            failed = await _failure(
                self.api.finish(self.turn.run, self.turn.fence, code)
            )
            if failed is None:
                return
            if isinstance(failed, Denied) and failed.is_final:
                self.say(f"{failed} Exit code {code} is not on the record.")
                return
            if not is_told:
                self.say(f"exit code {code} cannot be reported yet: {_words(failed)}")
            is_told = True
            await self.told.sleep(pause)
            pause = self.pace.longer(pause)
        self.say(
            f"exit code {code} of run {self.turn.run} is not on the record; "
            f"{self.wish.stack} stays busy until an admin settles that run"
        )


async def _failure(asking: Awaitable[object]) -> BaseException | None:
    """Return what *asking* failed of, whatever that is: the command goes on."""
    [answer] = await asyncio.gather(asking, return_exceptions=True)
    return answer if isinstance(answer, BaseException) else None


def _words(failed: BaseException) -> str:
    return str(failed) if isinstance(failed, Away | Denied) else repr(failed)
