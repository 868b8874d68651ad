"""Read what a chaos run left: plain SQL, the workspace over HTTP, and files."""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg

from tests.bench.checker.evidence import Event, Mark, Message, RunRow

_RUNS: Final = """
SELECT runs.id, runs.stack, runs.command, runs.state, runs.reason, runs.exit_code,
       threads.channel, threads.ts
FROM runs JOIN threads ON threads.id = runs.thread ORDER BY runs.id
"""
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


async def runs_of(db: asyncpg.Connection) -> tuple[RunRow, ...]:
    """Return every run with its whole output, and the states it went through."""
    return tuple([await _run(db, row) for row in await db.fetch(_RUNS)])


async def _run(db: asyncpg.Connection, row: Mapping[str, Any]) -> RunRow:
    chunks = "SELECT data FROM output_chunks WHERE run = $1 ORDER BY start"
    states = "SELECT to_state FROM transitions WHERE run = $1 ORDER BY ordinal"
    number = row["id"]
    output = [zlib.decompress(c["data"]) for c in await db.fetch(chunks, number)]
    went = tuple(found["to_state"] for found in await db.fetch(states, number))
    return RunRow(**dict(row), output=b"".join(output), states=went)


async def claims_of(db: asyncpg.Connection) -> tuple[str, ...]:
    """Return the stacks that are claimed."""
    claimed = "SELECT stack FROM claims WHERE run IS NOT NULL ORDER BY stack"
    return tuple(row["stack"] for row in await db.fetch(claimed))


async def unsettled(db: asyncpg.Connection) -> int:
    """Return how many runs are under way, and messages not delivered yet."""
    open_runs = (
        "SELECT count(*) FROM runs "
        "WHERE state NOT IN ('finished', 'failed', 'discarded', 'stopped')"
    )
    letters = "SELECT count(*) FROM outbox WHERE fate IS NULL"
    return int(await db.fetchval(open_runs)) + int(await db.fetchval(letters))


async def tables_of(db: asyncpg.Connection) -> dict[str, bytes]:
    """Return all that each table has, as one text."""
    names = [row["tablename"] for row in await db.fetch(_TABLES)]
    return {
        f"the table {name}": b"\n".join(
            [_row(row) for row in await db.fetch(f'SELECT * FROM "{name}"')]
        )
        for name in names
    }


def _row(row: Mapping[str, Any]) -> bytes:
    return b"\t".join(_cell(name, value) for name, value in row.items())


def _cell(name: str, value: object) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    return zlib.decompress(value) if name == "data" else value


async def conversations_of(url: str, viewers: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return all that any of *viewers* sees in the workspace at *url*."""
    async with aiohttp.ClientSession(url) as session:
        seen = []
        for viewer in viewers:
            async with session.get("/sandbox/state", params={"as": viewer}) as answer:
                seen.append(await answer.json())
        return seen


async def files_of(
    url: str, states: list[dict[str, Any]], viewer: str
) -> dict[str, bytes]:
    """Return the content of every file in the conversations."""
    files = {f["id"]: f for state in states for f in _files(state)}
    found = {}
    async with aiohttp.ClientSession() as session:
        for file in files.values():
            address = file["url_private"]
            path = address[address.index("/files/") :]
            async with session.get(f"{url}{path}", params={"as": viewer}) as answer:
                found[f"the file {file['id']}"] = await answer.read()
    return found


def _files(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for messages in state["messages"].values():
        for message in messages:
            yield from message.get("files", ())


def messages_of(states: list[dict[str, Any]]) -> tuple[Message, ...]:
    """Return the messages that the bot posted, each once."""
    found = {
        (channel, message["ts"]): _message(channel, message)
        for state in states
        for channel, messages in state["messages"].items()
        for message in messages
        if "metadata" in message
    }
    return tuple(found.values())


def _message(channel: str, message: Mapping[str, Any]) -> Message:
    about = message["metadata"]["event_payload"]
    return Message(
        channel=channel,
        ts=message["ts"],
        thread_ts=message.get("thread_ts"),
        kind=about["kind"],
        letter=about["letter"],
        run=about["run"],
    )


def marks_in(text: str) -> Iterator[Mark]:
    """Read what containers wrote into a volume."""
    for line in text.splitlines():
        word, run, stack, token, at = line.split()
        yield Mark(word=word, run=int(run), stack=stack, token=token, at=float(at))


def events_in(file: Path) -> Iterator[Event]:
    """Read what the engine told of the containers of runs."""
    for line in file.read_text().splitlines():
        event = json.loads(line)
        about = event["Actor"]["Attributes"]
        if "handrail.run" in about:
            yield Event(
                action=event["Action"],
                container=event["Actor"]["ID"],
                run=int(about["handrail.run"]),
                stack=about["handrail.stack"],
                at=event["timeNano"],
            )
