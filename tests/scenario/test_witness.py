"""The channel witnesses the record: what is changed in one shows beside the other."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.witness import Witness
from bot.domain.audit import GENESIS, sealed
from bot.slack.connection import slack_client
from bot.slack.witness import SlackShownMessages
from bot.store.audit import read, verify
from bot.store.database import Database
from bot.store.witness import SqlKeptMessages
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot
from tests.support.command_line import handrail

EVER = datetime(1970, 1, 1, tzinfo=UTC)
LONG = b"".join(b"line %d\n" % n for n in range(5_000))


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot that has told two runs and a card, and has ended."""
    engine = ScriptedEngine()
    engine.prepare("terraform plan", b"no `changes` & <nothing> else\n")
    engine.prepare("terraform show", LONG + b"see hunter22 in there\n")
    async with a_bot(tmp_path, engine) as bot:
        async with bot.start() as bot.handrail:
            await bot.task("net-prod terraform plan")
            await bot.ends(1)
            second = await bot.task("net-prod terraform show")
            await bot.ends(2)
            await bot.tells(second, "exit code")
            await bot.reply("redact: hunter22", to=second)
            await bot.tells(second, "Redacted")
            await bot.task("net-prod")
            await bot.reply("lock 2h: mine, <@U1> & yours", to=second)
            await bot.tells(second, "mine")
            await delivered(bot)
        yield bot


async def delivered(bot: Bot) -> None:
    """Wait until every letter has its fate noted, which nothing tells of."""
    async with asyncio.timeout(20):
        with closing(database(bot)) as kept:
            query = "SELECT count(*) FROM outbox WHERE fate IS NULL"
            while True:
                if kept.execute(query).fetchone() == (0,):
                    return
                await asyncio.sleep(0.02)


def database(bot: Bot) -> sqlite3.Connection:
    return sqlite3.connect(bot.settings.data_dir / "handrail.db")


def forge(bot: Bot, *statements: str) -> None:
    """Change the database as somebody who owns the file can."""
    with closing(database(bot)) as kept:
        kept.execute("DROP TRIGGER IF EXISTS audit_refuses_update")
        kept.execute("DROP TRIGGER IF EXISTS audit_refuses_delete")
        for statement in statements:
            kept.execute(statement)
        kept.commit()


def forget(bot: Bot, root: str) -> None:
    """Remove every row of run 1, whose first message is *root*."""
    thread = f"(SELECT id FROM threads WHERE ts = '{root}')"
    forge(
        bot,
        f"DELETE FROM messages WHERE thread = {thread}",
        f"DELETE FROM outbox WHERE thread = {thread}",
        "DELETE FROM output_chunks WHERE run = 1",
        "DELETE FROM transitions WHERE run = 1",
        "DELETE FROM runs WHERE id = 1",
        f"DELETE FROM threads WHERE ts = '{root}'",
    )


def client(bot: Bot) -> AsyncWebClient:
    return slack_client(bot.settings.bot_token.get_secret_value(), bot.settings.api_url)


async def settled() -> None:
    """Wait for nothing: the bot has ended."""


async def found(bot: Bot) -> list[str]:
    """Return what is wrong, without where that is."""
    async with Database.open(bot.settings.database_url) as kept:
        witness = Witness(
            kept=SqlKeptMessages(kept),
            shown=await SlackShownMessages.introduced(client(bot)),
            settle=settled,
        )
        assert await SqlKeptMessages(kept).channels() == (bot.channel,)
        named = [finding async for finding in witness.compare(bot.channel)]
        named += [it async for it in witness.unwitnessed(EVER, datetime.now(UTC))]
        return [f"{it.what.partition(' (')[0]}: {it.why}" for it in named]


def replies(bot: Bot, run: int) -> list[str]:
    root = bot.roots()[run - 1]["ts"]
    thread = bot.sandbox.thread(bot.channel, root)[1:]
    return [m["ts"] for m in thread if m.get("bot_id") and not m.get("files")]


async def test_what_handrail_told_agrees(told: Bot) -> None:
    assert await found(told) == []


async def test_messages_that_were_deleted_are_named(told: Bot) -> None:
    root, reply = told.roots()[0]["ts"], replies(told, 2)[0]
    for ts in (root, reply):
        await client(told).chat_delete(channel=told.channel, ts=ts)

    assert await found(told) == [
        "first message of run 1 on net-prod: it was deleted in Slack",
        "message of run 2 on net-prod: it was deleted in Slack",
    ]


async def test_a_message_that_was_changed_is_named(told: Bot) -> None:
    await client(told).chat_update(
        channel=told.channel, ts=replies(told, 1)[-1], text="all is well", blocks=[]
    )

    assert await found(told) == [
        "message of run 1 on net-prod: it was changed in Slack"
    ]


async def test_messages_whose_digests_were_removed_are_named(told: Bot) -> None:
    forge(told, "DELETE FROM messages")

    named = await found(told)

    gone = "the row with what it showed was removed"
    assert f"message of run 1 on net-prod: {gone}" in named
    assert f"message of run 2 on net-prod: {gone}" in named


async def test_a_message_of_which_no_row_is_left_is_named(told: Bot) -> None:
    forget(told, told.roots()[0]["ts"])

    named = await found(told)

    unknown = "the database knows nothing of it: its rows were removed"
    assert set(named) == {f"message of run 1: {unknown}"}
    assert len(named) == 1 + len(replies(told, 1))


async def test_an_output_file_that_was_deleted_is_named(told: Bot) -> None:
    thread = told.sandbox.thread(told.channel, told.roots()[1]["ts"])
    (file,) = [it["id"] for m in thread for it in m.get("files", ()) if it.get("name")]
    await client(told).files_delete(file=file)

    why = "its file net-prod-run-2.log was deleted in Slack"
    assert await found(told) == [f"final message of run 2 on net-prod: {why}"]


async def test_replies_below_a_deleted_message_of_no_row_are_named(told: Bot) -> None:
    root, there = told.roots()[0]["ts"], len(replies(told, 1))
    await client(told).chat_delete(channel=told.channel, ts=root)
    forget(told, root)

    named = await found(told)

    assert len([it for it in named if it.startswith("message of run 1: ")]) == there


async def test_a_run_that_was_put_in_is_named(told: Bot) -> None:
    forge(
        told,
        "INSERT INTO threads (channel, stack) SELECT channel, stack FROM threads "
        "WHERE id = 1",
        "CREATE TEMP TABLE forged AS SELECT * FROM runs WHERE id = 1",
        "UPDATE forged SET id = 9, thread = (SELECT max(id) FROM threads)",
        "INSERT INTO runs SELECT * FROM forged",
    )

    assert await found(told) == ["run 9 on net-prod: no message tells of it"]


async def test_a_final_message_that_is_gone_from_slack_and_database_is_named(
    told: Bot,
) -> None:
    ts = replies(told, 1)[-1]
    await client(told).chat_delete(channel=told.channel, ts=ts)
    forge(
        told,
        f"DELETE FROM messages WHERE ts = '{ts}'",
        f"DELETE FROM outbox WHERE message_ts = '{ts}'",
    )

    (named,) = await found(told)

    why = "run 1 on net-prod: no final message vouches for its end (audit row "
    assert named.startswith(why)


async def test_a_chain_that_was_cut_at_its_end_is_named(told: Bot) -> None:
    forge(
        told,
        "DELETE FROM audit WHERE ordinal >= "
        "(SELECT max(ordinal) FROM audit WHERE verb = 'ended')",
    )

    (named,) = await found(told)

    assert named.startswith("final message of run 2: it vouches for audit row ")
    assert named.endswith(", which was removed")


async def test_a_chain_that_was_sealed_anew_is_named(told: Bot) -> None:
    async with Database.open(told.settings.database_url) as kept:
        rows = [row async for row in read(kept)]
    previous, statements = GENESIS, []
    for row in rows:
        forged = sealed(row.deed, ordinal=row.ordinal, previous=previous, salt="0" * 32)
        statements.append(
            f"UPDATE audit SET previous = '{previous}', hash = '{forged.hash}', "
            f"salt = '{forged.salt}' WHERE ordinal = {row.ordinal}"
        )
        previous = forged.hash
    forge(told, *statements)

    async with Database.open(told.settings.database_url) as kept:
        assert (await verify(kept)).broken is None
    assert [named.partition(":")[0] for named in await found(told)] == [
        "final message of run 1",
        "final message of run 2",
    ]


async def test_the_command_names_what_the_channel_witnesses(told: Bot) -> None:
    verify_all = ("audit", "verify", "--channel", "all")
    before = await handrail(*verify_all, **told.environ)
    await client(told).chat_delete(channel=told.channel, ts=replies(told, 1)[-1])
    after = await handrail(*verify_all, "--since", "1d", **told.environ)

    assert (before.code, before.err) == (0, "")
    witnessed = (
        r"^\d+ messages in 1 channel, .* up to row 8, and nobody the 3 behind it\.$"
    )
    assert re.search(witnessed, before.out, re.M)
    assert after.code == 1
    assert after.err.startswith("message of run 1 on net-prod (C0INFRA ")
    assert after.err.endswith("): it was deleted in Slack\n")


async def test_a_channel_that_cannot_be_read_is_no_sound_one(told: Bot) -> None:
    done = await handrail("audit", "verify", "--channel", "C0NOWHERE", **told.environ)

    assert done.code == 1
    assert done.err == (
        "Slack could not be asked about C0NOWHERE (channel_not_found): invite Handrail "
        "to it.\n"
    )


async def test_all_are_the_channels_that_slack_knows_of_too(told: Bot) -> None:
    forge(told, "UPDATE threads SET channel = 'C0NOWHERE'")

    done = await handrail("audit", "verify", "--channel", "all", **told.environ)

    assert done.code == 1
    assert "Slack could not be asked about C0NOWHERE" in done.err
    assert "message of run 1 (" in done.err


async def test_without_a_token_no_channel_is_asked(told: Bot) -> None:
    own = {"HANDRAIL_DATA_DIR": told.environ["HANDRAIL_DATA_DIR"]}

    done = await handrail("audit", "verify", "--channel", "all", **own)

    assert done.code == 1
    assert done.err.startswith("SLACK_BOT_TOKEN is not set")
