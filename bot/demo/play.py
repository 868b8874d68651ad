"""The two ways to watch the demo: its page, or one task in the terminal."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bot.demo.plain import plain
from bot.demo.scene import Scene, Tell, scene
from bot.domain.run import RunState
from bot.sandbox.server import Sandbox

Payload = dict[str, Any]

#: longer than any run of the sample stack may take
_LONGEST_SECONDS: Final = 900


async def show_page(
    data_dir: Path, environ: Mapping[str, str], tell: Tell, *, port: int
) -> None:
    """Serve the page until cancelled."""
    async with scene(data_dir, environ, tell, port=port) as played:
        tell("")
        tell(f"The workspace is at {played.sandbox.url}")
        tell("Type there: /task sample terraform state list")
        tell("or, for what is masked: /task sample terraform output -json")
        tell("or, to plan, confirm and apply: /deploy sample")
        tell("Ctrl-C ends the demo.")
        await asyncio.Event().wait()


async def perform_task(
    text: str, data_dir: Path, environ: Mapping[str, str], tell: Tell
) -> bool:
    """Run one `/task` as a writer, telling its thread; True iff it finished."""
    async with scene(data_dir, environ, tell) as played:
        answer = await played.sandbox.slash(
            f"/task {text}", by=played.writer, channel=played.channel
        )
        if not answer.ok:
            tell(f"The command was not taken: {answer.error}.")
            return False
        await _Thread(played, tell).follow()
        runs = await played.bot.archive.last_runs(None, limit=1)
        return any(run.state is RunState.FINISHED for run in runs)


class _Thread:
    """Tells each message once, and the first line of one that changed."""

    def __init__(self, played: Scene, tell: Tell) -> None:
        self._sandbox: Sandbox = played.sandbox
        self._channel = played.channel
        self._writer = played.writer
        self._tell = tell
        people = self._sandbox.workspace.people.values()
        self._names = {person.id: person.name for person in people}
        self._told: dict[str, str] = {}

    async def follow(self) -> None:
        """Return once the final message is told, or a card or a refusal."""
        first = await self._sandbox.wait_for(self._first, timeout=60)
        if _kind(first) == "header":
            await self._sandbox.wait_for(
                lambda: self._is_over(first["ts"]), timeout=_LONGEST_SECONDS
            )
        else:
            self._say(first)

    def _first(self) -> Payload:
        refusals = self._sandbox.ephemerals(self._writer)
        posted = [m for m in self._sandbox.messages(self._channel) if m.get("bot_id")]
        return next(iter([*refusals, *posted]), {})

    def _is_over(self, ts: str) -> bool:
        messages = self._sandbox.thread(self._channel, ts)
        for message in messages:
            if _kind(message) != "tail":
                self._say(message)
        return any(_kind(message) == "final" for message in messages)

    def _say(self, message: Payload) -> None:
        text = plain(message, self._names)
        before = self._told.get(message["ts"])
        self._told[message["ts"]] = text
        if before is None:
            self._tell(text)
        elif text.split("\n")[0] != before.split("\n")[0]:
            self._tell(text.split("\n")[0])


def _kind(message: Payload) -> str:
    metadata = message.get("metadata") or {}
    return str(metadata.get("event_payload", {}).get("kind", ""))
