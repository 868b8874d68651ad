"""Slack in trouble delays, and loses and doubles nothing; runs go on meanwhile."""

import asyncio
import time
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain.run import Run
from bot.domain.stack import Hooks
from bot.sandbox.faults import BadGateway, Delay, Drop, Fault, RateLimited, Refuse
from bot.sandbox.ledger import Call
from bot.sandbox.mint import Mint
from bot.store.database import Database
from bot.store.tables import outbox, threads
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_running_bot, a_stack, text_of

POST = "chat.postMessage"
WHOLE_THREAD = ["header", "echo", "final"]
LONG = b"".join(b"line %d of the output\n" % number for number in range(1_000))


def kinds(bot: Bot, ts: str) -> list[str]:
    """Return what a thread's messages are, in order; a file is "file"."""
    return [kind_of(message) for message in bot.sandbox.thread(bot.channel, ts)]


async def all_told(bot: Bot, ts: str) -> list[str]:
    """Return what the bot's messages in a thread are, once nothing is under way.

    A thread is told in order: what is asked now is answered after all the rest.
    """
    await bot.reply("help", to=ts)
    await bot.tells(ts, "/task &lt;stack&gt;")
    told = [kind for kind in kinds(bot, ts) if kind != "other"]
    assert told.pop() == "said"
    return told


def kind_of(message: dict[str, Any]) -> str:
    if "metadata" in message:
        return str(message["metadata"]["event_payload"]["kind"])
    return "file" if message.get("files") else "other"


def posts(bot: Bot, kind: str) -> list[Call]:
    """Return the calls that posted, or tried to post, a message of *kind*."""
    return [
        call
        for call in bot.sandbox.calls
        if call.method == POST and kind_of(call.arguments) == kind
    ]


async def over(bot: Bot, number: int) -> Run:
    """Wait until the record says that a run is over, whatever Slack does."""
    async with asyncio.timeout(20):
        while not (runs := await ended(bot)).get(number):
            await bot.sandbox.workspace.feed.next_wake()
    return runs[number]


async def ended(bot: Bot) -> dict[int, Run]:
    runs = await bot.handrail.archive.last_runs(None, 10)
    return {run.id: run for run in runs if run.state.is_terminal}


def meet(bot: Bot, fault: Fault, *, at: int) -> None:
    """Let the post number *at*, from 0, meet *fault*."""
    bot.sandbox.faults.add(POST, Delay(0), times=at)
    bot.sandbox.faults.add(POST, fault)


@pytest.mark.parametrize(
    ("fault", "at"),
    [
        *product((RateLimited(), BadGateway(502), Drop(after=True)), range(3)),
        (BadGateway(500), 0),
        (Drop(), 1),
        (Refuse("internal_error"), 2),
    ],
    ids=repr,
)
async def test_a_post_in_trouble_comes_late_once_and_in_order(
    bot: Bot, fault: Fault, at: int
) -> None:
    meet(bot, fault, at=at)

    ts = await bot.task("net-prod ls")
    await bot.tells(ts, "finished")

    assert await all_told(bot, ts) == WHOLE_THREAD
    assert len(bot.roots()) == 1
    await bot.shows(ts, "finished, exit code 0")


async def test_the_other_form_of_rate_limiting_is_waited_for_too(bot: Bot) -> None:
    meet(bot, RateLimited(as_ok=True), at=1)

    ts = await bot.task("net-prod ls")
    await bot.tells(ts, "finished")

    assert kinds(bot, ts) == WHOLE_THREAD
    first, second = posts(bot, "echo")
    assert second.at - first.at >= 4.9


async def test_slack_is_left_alone_for_as_long_as_it_says(bot: Bot) -> None:
    meet(bot, RateLimited(retry_after=2), at=0)

    ts = await bot.task("net-prod ls")
    await bot.tells(ts, "finished")

    first, second = posts(bot, "header")
    assert second.at - first.at >= 2


@pytest.mark.parametrize(
    "fault", [Drop(after=True), RateLimited(), BadGateway()], ids=repr
)
async def test_a_final_message_in_trouble_has_its_file_once(
    bot: Bot, fault: Fault
) -> None:
    bot.engine.prepare("ls", LONG)
    meet(bot, fault, at=2)

    ts = await bot.task("net-prod ls")
    await bot.tells(ts, "finished")

    await bot.sandbox.wait_for(lambda: "file" in kinds(bot, ts))
    assert sorted(await all_told(bot, ts)) == ["echo", "file", "final", "header"]


async def test_a_file_is_attached_once_though_its_thread_cannot_be_read(
    bot: Bot,
) -> None:
    bot.engine.prepare("ls", LONG)
    bot.sandbox.faults.add("conversations.replies", Refuse("missing_scope"), times=9)
    meet(bot, RateLimited(), at=2)

    ts = await bot.task("net-prod ls")
    await bot.tells(ts, "finished")

    assert sorted(await all_told(bot, ts)) == ["echo", "file", "final", "header"]


async def test_an_upload_in_trouble_is_tried_again(bot: Bot) -> None:
    bot.engine.prepare("ls", LONG)
    bot.sandbox.faults.add("files.getUploadURLExternal", BadGateway())

    ts = await bot.task("net-prod ls")
    final = await bot.tells(ts, "finished")

    assert "is attached to this thread" in final
    await bot.sandbox.wait_for(lambda: "file" in kinds(bot, ts))
    assert sorted(kinds(bot, ts)) == ["echo", "file", "final", "header"]


async def test_without_its_file_the_final_message_says_where_the_output_is(
    bot: Bot,
) -> None:
    bot.engine.prepare("ls", LONG)
    bot.sandbox.faults.add(
        "files.completeUploadExternal", Refuse("file_uploads_disabled")
    )

    ts = await bot.task("net-prod ls")
    final = await bot.tells(ts, "finished")

    assert "`handrail output 1` prints it" in final
    assert kinds(bot, ts) == WHOLE_THREAD


@pytest.mark.parametrize("kind", WHOLE_THREAD)
async def test_a_post_that_a_crash_left_without_a_note_is_found_again(
    tmp_path: Path, kind: str
) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        async with bot.start() as bot.handrail:
            ts = await bot.task("net-prod ls")
            await bot.tells(ts, "finished")
            await bot.shows(ts, "finished")
        await forget_the_note(bot, kind)

        async with bot.start() as bot.handrail:
            again = await bot.task("net-prod ls")
            await bot.tells(again, "finished")

        assert kinds(bot, ts) == WHOLE_THREAD
        assert len(bot.roots()) == 2
        assert len(posts(bot, kind)) == 2
        assert await noted(bot) == ["delivered"]


async def forget_the_note(bot: Bot, kind: str) -> None:
    """Leave the database as a crash between a post and its note would."""
    async with (
        Database.open(bot.settings.database_url) as database,
        database.write("forget a note") as db,
    ):
        first = select(outbox.c.id).where(outbox.c.kind == kind).limit(1)
        await db.execute(
            update(outbox)
            .where(outbox.c.id == first.scalar_subquery())
            .values(fate=None, message_ts=None)
        )
        if kind == "header":
            await db.execute(update(threads).values(ts=None))


async def noted(bot: Bot) -> list[str]:
    async with (
        Database.open(bot.settings.database_url) as database,
        database.read("read the fates") as db,
    ):
        fates = await db.execute(select(outbox.c.fate).distinct())
        return list(fates.scalars())


class Yesterday(Mint):
    """Gives out the timestamps of a day ago."""

    def ts(self) -> str:
        return f"{time.time() - 86_400:.6f}"


async def test_an_older_databases_message_is_not_taken_for_a_new_one(
    tmp_path: Path,
) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        messages = bot.sandbox.workspace.messages
        today, messages._mint = messages._mint, Yesterday()
        alike = {"kind": "header", "letter": 1, "run": 1}
        metadata = {"event_type": "handrail", "event_payload": alike}
        bot.sandbox.workspace.post_as_app(
            bot.sandbox.workspace.channel(bot.channel),
            {"text": "older", "metadata": metadata},
        )
        messages._mint = today
        meet(bot, Drop(), at=0)

        async with bot.start() as bot.handrail:
            ts = await bot.task("net-prod ls")
            await bot.tells(ts, "finished")

        assert len(bot.roots()) == 2
        assert posts(bot, "header")[1].arguments["metadata"] == metadata
        assert kinds(bot, ts) == WHOLE_THREAD


async def test_what_slack_does_not_take_at_its_length_is_told_with_a_file(
    bot: Bot,
) -> None:
    bot.engine.prepare("ls", b"a short output\n")
    meet(bot, Refuse("msg_blocks_too_long"), at=2)

    ts = await bot.task("net-prod ls")
    final = await bot.tells(ts, "finished, exit code 0")

    assert "is attached to this thread" in final
    assert "a short output" not in final
    assert "audit" in final
    await bot.sandbox.wait_for(lambda: "file" in kinds(bot, ts))
    assert sorted(kinds(bot, ts)) == ["echo", "file", "final", "header"]


async def test_blocks_that_slack_does_not_take_at_all_are_left_out(bot: Bot) -> None:
    bot.sandbox.faults.add(POST, Delay(0), times=2)
    bot.sandbox.faults.add(POST, Refuse("invalid_blocks"), times=2)

    ts = await bot.task("net-prod ls")
    final = await bot.tells(ts, "net-prod: finished, exit code 0")

    assert "(ann)" in final
    assert kinds(bot, ts) == WHOLE_THREAD
    assert not bot.sandbox.thread(bot.channel, ts)[-1].get("blocks")


async def test_slack_away_for_a_whole_run_is_told_all_of_it_afterwards(
    bot: Bot,
) -> None:
    for method in (POST, "chat.update"):
        bot.sandbox.faults.add(method, BadGateway(), times=1_000)
    bot.engine.prepare("first", b"one\n")
    bot.engine.prepare("second", b"two\n")
    await bot.slash("net-prod first")
    await bot.slash("net-prod second")
    runs = [await over(bot, 1), await over(bot, 2)]
    assert not bot.roots()

    bot.sandbox.faults.clear()
    await bot.sandbox.wait_for(lambda: len(bot.roots()) == 2)
    for root in bot.roots():
        await bot.tells(root["ts"], "finished")

    assert [run.state for run in runs] == ["finished"] * 2
    for root in bot.roots():
        told = kinds(bot, root["ts"])
        assert [kind for kind in told if kind != "waiting"] == WHOLE_THREAD
        output = "one" if "first" in bot.root(root["ts"]) else "two"
        assert output in bot.told(root["ts"])[-1]


async def test_a_slack_that_hangs_up_on_everything_for_a_while_doubles_nothing(
    bot: Bot,
) -> None:
    bot.engine.prepare("ls", b"hello\n")
    for fault in (Drop(after=True), Drop(), BadGateway(), Drop(after=True)):
        bot.sandbox.faults.add(POST, fault)
    for method in ("conversations.history", "conversations.replies"):
        bot.sandbox.faults.add(method, BadGateway())

    ts = await bot.task("net-prod ls")
    await bot.tells(ts, "finished", within=40)

    assert await all_told(bot, ts) == WHOLE_THREAD
    assert len(bot.roots()) == 1


async def test_chatty_runs_stay_under_slacks_limits_and_spare_the_tail(
    tmp_path: Path,
) -> None:
    steps = [f"step {number}" for number in range(100)]
    stacks = [
        a_stack(name, init="", hooks=Hooks(before_perform=tuple(steps)))
        for name in ("one", "two")
    ]
    engine = ScriptedEngine()
    for step in steps:
        engine.on(step, f"{step}\n".encode() * 20, block=True)
    async with a_running_bot(tmp_path, engine, *stacks, pace=True) as bot:
        for stack in stacks:
            await bot.slash(f"{stack.name} ls")

        async with asyncio.timeout(60):
            for step in steps:
                await engine.reached(step)
                await asyncio.sleep(0.1)  # the command's own pace
                engine.release(step)
        for root in bot.roots():
            await bot.tells(root["ts"], "finished", within=40)

        assert len(bot.roots()) == 2
        assert not [
            call
            for call in bot.sandbox.calls
            if call.answer.get("error") == "ratelimited"
        ]
        for root in bot.roots():
            await spared(bot, root)


async def spared(bot: Bot, root: dict[str, Any]) -> None:
    """Check that a run's tail was edited, and seldom, for as long as it ran."""
    run = await bot.run(root["metadata"]["event_payload"]["run"])
    thread = bot.sandbox.thread(bot.channel, root["ts"])
    (tail,) = [message for message in thread if kind_of(message) == "tail"]
    calls = [call for call in bot.sandbox.calls if call.answer.get("ts") == tail["ts"]]
    assert run.ended_at is not None
    times = [call.at for call in calls if call.at < run.ended_at.timestamp()]
    assert len(times) >= 2
    assert min(b - a for a, b in pairwise(times)) >= 2.9, times
    assert "step 99" in text_of(tail)
