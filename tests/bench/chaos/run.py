"""A chaos run from its beginning to its verdict."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg
from sqlalchemy import make_url

from bot.sandbox.values import MethodError
from tests.bench.chaos.acts import Task
from tests.bench.chaos.place import Place, a_place
from tests.bench.chaos.play import Player
from tests.bench.chaos.script import ADMIN, script, tasks_of
from tests.bench.checker import reading
from tests.bench.checker.evidence import Command, Evidence
from tests.bench.checker.verdict import verdict
from tests.bench.table import Table, Target
from tests.support.command_line import started

#: how long what is under way at the end may take, as slowly as Slack's limits let it
_SETTLE_SECONDS: Final = 420
_RELEASE_SECONDS: Final = 10
_LOOK_SECONDS: Final = 1.0
_LEAVE_SECONDS: Final = 10
_VERIFY_SECONDS: Final = 600
_MARKS: Final = "marks"


async def chaos(minutes: float, seed: int, kept: Path | None) -> Table:
    """Play the script of *seed*, and look at what there is in the end.

    What was written meanwhile is left in *kept*, if it is given.
    """
    cues = script(seed, minutes * 60)
    with TemporaryDirectory(prefix="hr-chaos-") as temporary:
        folder = kept or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        async with a_place(folder, seed) as place:
            player = Player(place=place)
            for replica in place.replicas:
                await replica.start()
            await place.sandbox.wait_for(place.sandbox.connected, timeout=60)
            await player.play(cues)
            place.mend()
            took = await _settled(place)
            for replica in place.replicas:
                await replica.end(SIGTERM)
            found = await _evidence(place, tasks_of(cues))
            _write(place, found, dict(player.done))
    table = verdict(found, seed, _notes(place, player, took))
    return replace(table, targets=[*table.targets, _leaving(place)])


def _notes(place: Place, player: Player, took: float) -> list[str]:
    done = ", ".join(f"{what} {count}" for what, count in sorted(player.done.items()))
    by_itself = sum(replica.ended_by_itself for replica in place.replicas)
    settled = (
        f"settled {took:.0f} s after the last act; replicas that ended by themselves: "
        f"{by_itself}"
    )
    return [done, settled]


def _leaving(place: Place) -> Target:
    slowest = max(seconds for replica in place.replicas for seconds in replica.took)
    return Target(
        name="from SIGTERM to the end",
        measured=slowest,
        at_most=_LEAVE_SECONDS,
        unit=" s",
    )


async def _settled(place: Place) -> float:
    """Wait until nothing is under way, and return how long that took."""
    began = time.monotonic()
    released = 0.0
    async with _database(place) as db:
        while time.monotonic() < began + _SETTLE_SECONDS:
            if not await reading.unsettled(db):
                break
            if time.monotonic() > released + _RELEASE_SECONDS:
                released = time.monotonic()
                await _release_holds(place, db)
            await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def _release_holds(place: Place, db: asyncpg.Connection) -> None:
    for row in await db.fetch("SELECT stack FROM holds"):
        stack = row["stack"]
        channel = place.channels[stack]
        roots = place.sandbox.messages(channel)
        ours = [m["ts"] for m in roots if m.get("text", "").startswith(f"{stack} ")]
        with suppress(MethodError):
            await place.sandbox.say(
                "unlock: the bench is over",
                by=place.people[ADMIN],
                channel=channel,
                thread_ts=ours[-1],
            )


@asynccontextmanager
async def _database(place: Place) -> AsyncIterator[asyncpg.Connection]:
    url = make_url(place.database)
    db = await asyncpg.connect(
        host=url.query["host"], user=url.username, database=url.database
    )
    try:
        yield db
    finally:
        await db.close()


async def _evidence(place: Place, tasks: dict[str, Task]) -> Evidence:
    viewers = tuple(place.people.values())
    states = await reading.conversations_of(place.url, viewers)
    files = await reading.files_of(place.url, states, viewers[0])
    marks = place.engine.files(_MARKS).values()
    async with _database(place) as db:
        return Evidence(
            commands=tuple(map(_command, tasks.values())),
            runs=await reading.runs_of(db),
            marks=tuple(mark for text in marks for mark in reading.marks_in(text)),
            events=tuple(reading.events_in(place.events)),
            messages=reading.messages_of(states),
            claims=await reading.claims_of(db),
            containers=tuple(place.engine.containers()),
            secrets=place.secrets,
            places={
                "the channels": json.dumps(states).encode(),
                "the calls to Slack": json.dumps(
                    [call.arguments for call in place.sandbox.calls], default=str
                ).encode(),
                **files,
                **await reading.tables_of(db),
                **{r.log.name: r.log.read_bytes() for r in place.replicas},
            },
            audit=await _audit(place),
        )


def _command(task: Task) -> Command:
    return Command(
        token=task.token,
        stack=task.stack,
        lines=task.lines,
        code=task.code,
        skip_init=task.skip_init,
    )


async def _audit(place: Place) -> str:
    # One channel of several: all of them would take as long as the run itself, as
    # Slack's limits for reading are.
    channel = next(iter(place.channels.values()))
    words = ("audit", "verify", "--channel", channel)
    async with started(*words, **place.settings) as process:
        async with asyncio.timeout(_VERIFY_SECONDS):
            out, wrong = await process.inner.communicate()
        return "" if process.inner.returncode == 0 else (out + wrong).decode().strip()


def _write(place: Place, found: Evidence, done: dict[str, int]) -> None:
    """Leave what the verdict is based on beside the logs."""
    for name, content in found.places.items():
        if name.startswith(("the table", "the channels")):
            (place.folder / name.replace(" ", "-")).write_bytes(content)
    marks = [f"{m.at} {m.word} {m.run} {m.stack} {m.token}" for m in found.marks]
    (place.folder / "marks").write_text("\n".join(marks))
    (place.folder / "done.json").write_text(json.dumps(done, indent=1))
