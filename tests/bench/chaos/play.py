"""Play a script: everything at its time, whatever becomes of it."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

import aiohttp

from bot.sandbox.delivery import Kind
from bot.sandbox.faults import (
    BadGateway,
    Delay,
    Drop,
    Duplicate,
    Fault,
    RateLimited,
)
from bot.sandbox.values import MethodError
from tests.bench.chaos.acts import (
    Act,
    Cue,
    CutSockets,
    Disturb,
    Fail,
    Garble,
    Kill,
    RestartEngine,
    Say,
    Stop,
    Task,
    Trouble,
)
from tests.bench.chaos.place import Place

_FAULTS: Final[Mapping[str, Fault]] = {
    "too many": RateLimited(retry_after=2),
    "too many, said with HTTP 200": RateLimited(as_ok=True),
    "bad gateway": BadGateway(),
    "server error": BadGateway(500),
    "dropped before": Drop(),
    "dropped after": Drop(after=True),
    "slow": Delay(4.0),
}
_SLOW_SECONDS: Final = 0.3
_LATE_SECONDS: Final = 3.0
_ASKED_TIMES: Final = 8
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


@dataclass(kw_only=True)
class Player:
    """Plays in a place; *done* counts what became of what."""

    place: Place
    done: Counter[str] = field(default_factory=Counter)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def play(self, cues: Sequence[Cue]) -> None:
        """Do everything at its time, and return once all is done."""
        began = time.monotonic()
        for cue in cues:
            await asyncio.sleep(max(0.0, began + cue.at - time.monotonic()))
            self._spawn(self._do(cue.act))
        await asyncio.gather(*self._under_way)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _do(self, act: Act) -> None:
        match act:
            case Task():
                await self._task(act)
            case Say():
                await self._say(act)
            case Stop():
                await self._stop(act)
            case Kill():
                await self._kill(act)
            case Disturb():
                await self._disturb(act)
            case CutSockets(reason=reason):
                self.place.sandbox.disconnect(reason)
            case Fail():
                faults = self.place.sandbox.faults
                faults.add(act.method, _FAULTS[act.fault], times=act.times)
            case Garble(is_late=is_late):
                fault = Delay(_LATE_SECONDS) if is_late else Duplicate()
                self.place.sandbox.faults.add("message", fault)
            case RestartEngine():
                await self._restart(act)
            case _:
                assert_never(act)

    async def _task(self, task: Task) -> None:
        if task.by in self.place.keys:
            await self._ask(task)
            return
        words = [task.stack, *(["--no-init"] if task.skip_init else [])]
        answer = await self.place.sandbox.slash(
            f"/task {' '.join(words)} {command_of(task)}",
            by=self.place.people[task.by],
            channel=self.place.channels[task.stack],
        )
        self.done[f"/task: {answer.error or 'taken'}"] += 1
        if task.is_repeated:
            await self.place.sandbox.redeliver_last(Kind.SLASH)

    async def _ask(self, task: Task) -> None:
        """Ask the API until it answers, as CI does; once more if *is_repeated*."""
        body = {
            "stack": task.stack,
            "command": command_of(task),
            "skip_initialization": task.skip_init,
        }
        key = {
            "Authorization": f"Bearer {self.place.keys[task.by]}",
            "Idempotency-Key": task.token,
        }
        answers = 0
        for nth in range(_ASKED_TIMES):
            port = self.place.ports[nth % len(self.place.ports)]
            url = f"http://127.0.0.1:{port}/api/v1/tasks"
            status = await _posted(url, body, key)
            self.done[f"api: {status}"] += 1
            answers += 0 < status < 500
            if answers > task.is_repeated:
                return
            await asyncio.sleep(1)

    async def _say(self, said: Say) -> None:
        ts = self._newest(said.stack)
        if not ts:
            self.done["said: nowhere"] += 1
            return
        with suppress(MethodError):
            await self.place.sandbox.say(
                said.words,
                by=self.place.people[said.by],
                channel=self.place.channels[said.stack],
                thread_ts=ts,
            )
            self.done[f"said: {said.words.partition(':')[0]}"] += 1

    async def _stop(self, stop: Stop) -> None:
        for channel in set(self.place.channels.values()):
            roots = self.place.sandbox.messages(channel)
            found = [m["ts"] for m in roots if stop.token in json.dumps(m)]
            if found and stop.by_button:
                await self._press(stop, channel, found[0])
            elif found:
                by = self.place.people[stop.by]
                words = {"by": by, "channel": channel, "thread_ts": found[0]}
                await self.place.sandbox.say("stop", **words)
                self.done["stop: said"] += 1

    async def _press(self, stop: Stop, channel: str, ts: str) -> None:
        try:
            await self.place.sandbox.click(
                action_id="stop",
                by=self.place.people[stop.by],
                channel=channel,
                message_ts=ts,
            )
            self.done["stop: pressed"] += 1
        except (LookupError, MethodError):
            self.done["stop: no button any more"] += 1

    async def _kill(self, kill: Kill) -> None:
        replica = self.place.replicas[kill.replica]
        await replica.end(kill.how)
        self.done[f"replica: {kill.how.name}"] += 1
        await asyncio.sleep(kill.seconds)
        await replica.start()

    async def _disturb(self, disturb: Disturb) -> None:
        ways = self.place.ways[(disturb.way, disturb.replica)]
        for proxy in ways:
            match disturb.trouble:
                case Trouble.CUT:
                    proxy.cut()
                case Trouble.STALLED:
                    proxy.stall()
                case Trouble.SLOW:
                    proxy.delay = _SLOW_SECONDS
        self.done[f"{disturb.way}: {disturb.trouble}"] += 1
        await asyncio.sleep(disturb.seconds)
        for proxy in ways:
            proxy.mend()

    async def _restart(self, restart: RestartEngine) -> None:
        async with self.place.engine_lock:
            await asyncio.to_thread(self.place.engine.end, restart.how)
            self.done[f"dockerd: {restart.how.name}"] += 1
            await asyncio.sleep(restart.seconds)
            await asyncio.to_thread(self.place.engine.start)

    def _newest(self, stack: str) -> str:
        roots = self.place.sandbox.messages(self.place.channels[stack])
        ours = (m["ts"] for m in roots if m.get("text", "").startswith(f"{stack} "))
        return max(ours, default="")


def command_of(task: Task) -> str:
    """Return the command that a task is to run."""
    return f"sh work.sh {task.token} {task.lines} {task.pause} {task.code}"


async def _posted(url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> int:
    """Return the status of the answer; 0 where there was none."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session,
            session.post(url, json=body) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0
