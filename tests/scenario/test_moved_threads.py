"""A thread that can go on in its channel no longer goes on, and loses nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.domain.audit import Deed, Verb
from bot.domain.people import ChannelId
from bot.domain.stack import Hooks
from bot.sandbox.faults import BadGateway, Refuse
from runner.scripted import ScriptedEngine
from tests.support.bot import INIT, Bot, a_bot, a_running_bot, a_stack, text_of

POST = "chat.postMessage"


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Return what the bot's messages are."""
    return [
        str(message["metadata"]["event_payload"]["kind"])
        for message in messages
        if "metadata" in message
    ]


def all_of(bot: Bot, channel: str) -> list[dict[str, Any]]:
    return [m for m in bot.sandbox.workspace.messages.of(channel) if m.get("bot_id")]


async def performing(bot: Bot, command: str = "apply") -> str:
    """Start a command that goes on until it is released; return its thread."""
    bot.engine.on(command, block=True)
    ts = await bot.task(f"net-prod {command}")
    await bot.shows(ts, "performing")
    await bot.sandbox.wait_for(lambda: len(bot.told(ts)) == 1)
    return ts


async def says(bot: Bot, channel: str, words: str) -> str:
    """Wait until a message of the bot's in *channel* says *words*."""

    def found() -> str:
        told = map(text_of, all_of(bot, channel))
        return next((text for text in told if words in text), "")

    return await bot.sandbox.wait_for(found)


async def test_the_thread_of_an_archived_channel_goes_on_where_records_go(
    tmp_path: Path,
) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        people = list(bot.people.values())
        records = bot.sandbox.workspace.add_channel("records", members=people)
        bot.records = ChannelId(records)
        async with bot.start() as bot.handrail:
            await performing(bot)
            bot.sandbox.archive(bot.channel)
            bot.engine.release("apply")

            final = await says(bot, records, "finished, exit code 0*")
            note = await bot.hears("ada", "The thread of run 1")
            (first, *_) = all_of(bot, records)
            await bot.sandbox.say(
                "lock: mine",
                by=bot.people["ann"],
                channel=records,
                thread_ts=first["ts"],
            )
            await says(bot, records, "mine")

        assert kinds(all_of(bot, records))[:2] == ["header", "final"]
        assert {m["thread_ts"] for m in all_of(bot, records)} == {first["ts"]}
        assert f"goes on here: <#{bot.channel}> is archived" in text_of(first)
        assert "net-prod" in text_of(first)
        assert "run 1" in text_of(first)
        assert f"goes on with <#{records}>" in note
        assert "audit" in final
        assert len(bot.dm("ada")) == 1


async def test_without_a_channel_for_records_an_admin_gets_the_thread(
    bot: Bot,
) -> None:
    await performing(bot)

    bot.sandbox.archive(bot.channel)
    bot.engine.release("apply")

    await bot.hears("ada", "finished, exit code 0*")
    assert f"<#{bot.channel}> is archived" in bot.dm("ada")[0]
    assert kinds(bot.letters("ada")) == ["header", "final"]


async def test_what_can_be_told_nowhere_is_on_the_record(bot: Bot) -> None:
    ts = await performing(bot)
    bot.sandbox.faults.add(POST, Refuse("is_archived"), times=2)

    await bot.reply("status", to=ts)
    async with asyncio.timeout(20):
        while not (undelivered := await given_up(bot)):
            pass
    bot.engine.release("apply")

    assert [(deed.run, deed.stack) for deed in undelivered] == [(1, "net-prod")]
    assert undelivered[0].detail.startswith("said, letter ")
    assert "is_archived" in undelivered[0].detail


async def test_where_nothing_can_be_edited_the_state_is_told_in_a_reply(
    bot: Bot,
) -> None:
    bot.sandbox.edit_window = "never"
    bot.engine.on(INIT, block=True)
    bot.engine.on("apply", block=True)

    ts = await bot.task("net-prod apply")
    bot.engine.release(INIT)
    await bot.tells(ts, "performing")
    bot.engine.release("apply")
    await bot.tells(ts, "finished, exit code 0*")
    await bot.reply("help", to=ts)
    await bot.tells(ts, "/task &lt;stack&gt;")

    # The first message, and one reply that took the place of all those before it.
    thread = bot.sandbox.thread(bot.channel, ts)
    assert Counter(kinds(thread)) == {"header": 2, "echo": 1, "final": 1, "said": 1}
    assert not any("performing" in told for told in bot.told(ts))
    assert len(bot.roots()) == 1


async def test_a_deleted_first_message_is_told_again_in_its_thread(bot: Bot) -> None:
    ts = await performing(bot)

    bot.sandbox.delete_message(bot.channel, ts)
    bot.engine.release("apply")

    await bot.tells(ts, "finished, exit code 0*")
    told = bot.sandbox.thread(bot.channel, ts)[1:]
    await bot.sandbox.wait_for(
        lambda: "header" in kinds(bot.sandbox.thread(bot.channel, ts)[1:])
    )
    assert "final" in kinds(told)


async def test_a_thread_that_is_gone_gets_a_new_first_message_that_says_so(
    bot: Bot,
) -> None:
    ts = await performing(bot)
    bot.sandbox.faults.add(POST, Refuse("thread_not_found"))

    bot.engine.release("apply")
    await bot.sandbox.wait_for(lambda: len(bot.roots()) == 2)
    again = str(bot.roots()[1]["ts"])
    await bot.tells(again, "finished, exit code 0*")

    assert "Somebody deleted the first message of this thread" in bot.root(again)
    assert kinds(bot.sandbox.thread(bot.channel, ts)) == ["header", "echo"]
    assert kinds(bot.sandbox.thread(bot.channel, again)) == ["header", "final"]


async def test_a_deleted_tail_is_posted_anew(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with stepping(tmp_path, engine, 3) as (bot, ts):
        tail = await bot.tells(ts, "step 0")
        (deleted,) = [m for m in bot.sandbox.thread(bot.channel, ts) if told(m, tail)]
        bot.sandbox.delete_message(bot.channel, deleted["ts"])

        engine.release("step 0")
        await bot.tells(ts, "step 1")
        engine.release("step 1")
        engine.release("step 2")
        await bot.tells(ts, "finished, exit code 0*")

        thread = kinds(bot.sandbox.thread(bot.channel, ts))
        assert thread == ["header", "echo", "tail", "final"]


async def test_an_outage_costs_no_more_calls_than_there_is_to_tell(
    tmp_path: Path,
) -> None:
    engine = ScriptedEngine()
    async with stepping(tmp_path, engine, 20) as (bot, ts):
        await bot.tells(ts, "step 0")
        for method in (POST, "chat.update"):
            bot.sandbox.faults.add(method, BadGateway(), times=10_000)
        before = len(bot.sandbox.calls)
        engine.release("step 0")
        await bot.sandbox.wait_for(lambda: bot.sandbox.calls[before:])
        for number in range(20):
            await engine.reached(f"step {number}")
            engine.release(f"step {number}")
        for _ in range(3):
            await bot.reply("status", to=ts)
        while not (await bot.run(1)).state.is_terminal:
            await bot.sandbox.workspace.feed.next_wake()

        bot.sandbox.faults.clear()
        before = len(bot.sandbox.calls)
        await bot.tells(ts, "finished, exit code 0*", within=40)
        await bot.reply("help", to=ts)
        await bot.tells(ts, "/task &lt;stack&gt;")

        calls = [c for c in bot.sandbox.calls[before:] if c.method.startswith("chat.")]
        changed = [c.arguments["ts"] for c in calls if c.method == "chat.update"]
        said = Counter(kinds([c.arguments for c in calls if c.method == POST]))
        assert max(Counter(changed).values()) == 1
        assert said == {"said": 4, "final": 1}


async def given_up(bot: Bot) -> list[Deed]:
    return [row.deed for row in await bot.audit() if row.deed.verb is GIVEN_UP]


def told(message: dict[str, Any], text: str) -> bool:
    return text_of(message) == text


@asynccontextmanager
async def stepping(
    tmp_path: Path, engine: ScriptedEngine, steps: int
) -> AsyncIterator[tuple[Bot, str]]:
    """Run the bot with a command of so many steps, each of which waits; give both."""
    names = [f"step {number}" for number in range(steps)]
    for name in names:
        engine.on(name, f"{name}\n".encode(), block=True)
    stack = a_stack(init="", hooks=Hooks(before_perform=tuple(names)))
    async with a_running_bot(tmp_path, engine, stack) as bot:
        yield bot, await bot.task("net-prod ls")


GIVEN_UP = Verb.UNDELIVERED
