"""The whole bot with the real engine under it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.domain.run import Run, RunId
from bot.domain.stack import Stack
from tests.support.bot import Bot, a_running_bot, a_stack, text_of
from tests.support.docker import busybox_image, docker_engine

#: longer than any run of these tests takes, on a busy machine
_PATIENCE = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run that is over, as its thread and the record tell it."""

    ts: str
    final: str
    run: Run
    output: bytes  #: as the record keeps it


def a_real_stack(**changes: Any) -> Stack:
    """Return a stack of busybox, with no init and no network."""
    given = {"image": busybox_image(), "init": "", "network": "none"} | changes
    return a_stack(**given)


@asynccontextmanager
async def a_docker_bot(tmp_path: Path, *stacks: Stack) -> AsyncIterator[Bot]:
    """Run the bot on the real engine; it may leave no container behind."""
    installation = f"e2e-{uuid4().hex[:8]}"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "installation").write_text(installation)
    async with (
        docker_engine(installation) as engine,
        a_running_bot(tmp_path, engine, *(stacks or (a_real_stack(),))) as bot,
    ):
        yield bot


async def told(bot: Bot, command: str) -> Told:
    """Have ann run *command* on net-prod, and return how it was told to its end."""
    ts = await bot.task(f"net-prod {command}")
    return await told_in(bot, ts)


async def told_in(bot: Bot, ts: str) -> Told:
    """Return how the run of the thread *ts* is told, once it is over."""
    final = await bot.sandbox.wait_for(lambda: final_of(bot, ts), _PATIENCE)
    number = RunId(final["metadata"]["event_payload"]["run"])
    pieces = [piece async for piece in bot.handrail.archive.output(number)]
    return Told(
        ts=ts,
        final=text_of(final),
        run=await bot.run(number),
        output=b"".join(pieces),
    )


def final_of(bot: Bot, ts: str) -> dict[str, Any]:
    """Return the final message of the thread *ts*, empty if there is none yet."""
    replies = bot.sandbox.thread(bot.channel, ts)[1:]
    ours = [message for message in replies if "metadata" in message]
    kinds = {m["metadata"]["event_payload"]["kind"]: m for m in ours}
    return kinds.get("final", {})


async def attached(bot: Bot, ts: str) -> bytes:
    """Wait for the one file in the thread *ts*, and return its content."""

    def files() -> list[str]:
        thread = bot.sandbox.thread(bot.channel, ts)
        return [file["id"] for m in thread for file in m.get("files", ())]

    # Slack shares a file a moment after it took it.
    (file,) = await bot.sandbox.wait_for(files)
    content = bot.sandbox.workspace.files[file].content
    assert content is not None
    return content


def everything_in_slack(bot: Bot) -> str:
    """Return all that the workspace was ever told and keeps, as text."""
    workspace = bot.sandbox.workspace
    messages = [workspace.messages.of(channel) for channel in workspace.channels]
    calls = [(call.method, call.arguments) for call in bot.sandbox.calls]
    files = [repr(file) for file in workspace.files.values()]
    return json.dumps([messages, workspace.ephemerals, calls, files], default=str)


def refused_calls(bot: Bot) -> list[tuple[str, str]]:
    """Return the calls that Slack did not take, with why."""
    return [
        (call.method, str(call.answer.get("error")))
        for call in bot.sandbox.calls
        if call.answer.get("ok") is False
    ]


def markup_of(node: Any) -> Iterator[str]:
    """Give every text in *node* in which Slack looks for mentions and links."""
    match node:
        case {"type": "mrkdwn", "text": str(text)}:
            yield text
        case dict():
            for child in node.values():
                yield from markup_of(child)
        case list():
            for child in node:
                yield from markup_of(child)
        case _:
            return
