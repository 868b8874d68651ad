"""What a person had redacted is nowhere any more, whatever goes wrong meanwhile."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.app import utc_now
from bot.domain.audit import Verb
from bot.domain.run import RunId, RunState
from bot.sandbox.faults import BadGateway, Delay, Drop, RateLimited, Refuse
from bot.store import audit
from bot.store.audit import Verdict
from bot.store.database import Database
from bot.store.record import SqlRecord
from bot.store.tables import outbox
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, text_of
from tests.support.builders import an_actor

TEXT = "hunter2-the-3rd"
COMMAND = f"net-prod mysql -p{TEXT}"
PRINTED = f"connecting with {TEXT}\n".encode()
LONG = b"".join(b"line %d of the output\n" % number for number in range(1_000))
POST, UPDATE = "chat.postMessage", "chat.update"
FILE = "net-prod-run-1.log"


def shown(bot: Bot) -> str:
    """Return all that the bot shows in the channel, and every file that can be read."""
    said = bot.sandbox.workspace.messages.of(bot.channel)
    own = [message for message in said if message.get("bot_id")]
    files = bot.sandbox.workspace.files.values()
    return json.dumps(own) + "".join(str(file.content) for file in files)


async def gone_from_slack(bot: Bot, within: float = 20) -> None:
    await bot.sandbox.wait_for(lambda: TEXT not in shown(bot), within)


def stored(bot: Bot) -> bool:
    """Tell whether the text stands in the bytes of any file of the bot."""
    files = filter(Path.is_file, bot.settings.data_dir.rglob("*"))
    return any(TEXT.encode() in file.read_bytes() for file in files)


async def verdict(bot: Bot) -> Verdict:
    async with Database.open(bot.settings.database_url) as database:
        return await audit.verify(database)


def files(bot: Bot, ts: str) -> list[dict[str, Any]]:
    """Return the files of a thread, deleted ones as what is left of them."""
    thread = bot.sandbox.thread(bot.channel, ts)
    return [file for message in thread for file in message.get("files", ())]


def live(bot: Bot, ts: str) -> list[str]:
    """Return the contents of the files of a thread that are still there."""
    known = bot.sandbox.workspace.files
    return [
        str((known[file["id"]].content or b"").decode())
        for file in files(bot, ts)
        if file["id"] in known
    ]


def calls(bot: Bot, method: str) -> int:
    return sum(call.method == method for call in bot.sandbox.calls)


async def ended(bot: Bot, output: bytes = PRINTED) -> str:
    """Run a command that shows the text in itself and in what it prints."""
    bot.engine.prepare(f"mysql -p{TEXT}", output)
    ts = await bot.task(COMMAND)
    await bot.ends(1)
    await bot.tells(ts, "finished")
    if len(output) > 3_500:
        await bot.sandbox.wait_for(lambda: files(bot, ts))
    return ts


async def redacted(bot: Bot, ts: str) -> str:
    """Ask for the text to be redacted, and return what the bot says of it."""
    await bot.reply(f"redact: {TEXT}", to=ts)
    return await bot.tells(ts, "Redacted: ")


async def test_a_text_is_gone_from_every_message_row_and_byte(bot: Bot) -> None:
    ts = await ended(bot)
    await bot.reply(f"lock: because of {TEXT}", to=ts)
    await bot.tells(ts, "because of")
    assert TEXT in shown(bot)
    assert stored(bot)

    said = await redacted(bot, ts)
    await gone_from_slack(bot)

    assert "6 places were changed" in said
    assert not stored(bot)
    assert await bot.output(1) == "connecting with *****"
    assert (await bot.run(1)).command == "mysql -p*****"
    await bot.tells(ts, "runs exactly this")
    assert any("mysql -p*****" in text for text in bot.told(ts))
    assert "mysql -p*****" in bot.root(ts)


async def test_messages_are_changed_where_they_stand(bot: Bot) -> None:
    ts = await ended(bot)
    before = [message["ts"] for message in bot.sandbox.thread(bot.channel, ts)]

    await redacted(bot, ts)
    await gone_from_slack(bot)

    after = bot.sandbox.thread(bot.channel, ts)
    assert [message["ts"] for message in after][: len(before)] == before
    # What came after is the reply that asked, and its answer.
    assert len(after) == len(before) + 2


async def test_the_audit_chain_says_who_and_is_still_sound(bot: Bot) -> None:
    ts = await ended(bot)

    await redacted(bot, ts)

    rows = await bot.audit()
    assert rows[0].deed.detail == "mysql -p*****"
    assert (rows[-1].deed.verb, rows[-1].deed.actor.id) == (
        Verb.REDACTED,
        bot.people["ann"],
    )
    assert await verdict(bot) == Verdict(sound=len(rows), broken=None, redacted=1)


async def test_the_file_of_the_output_is_replaced(bot: Bot) -> None:
    ts = await ended(bot, LONG + PRINTED)
    assert TEXT in live(bot, ts)[0]

    await redacted(bot, ts)
    await gone_from_slack(bot)
    await bot.sandbox.wait_for(lambda: live(bot, ts))

    assert live(bot, ts) == [(LONG + b"connecting with *****\n").decode()]
    old, new = files(bot, ts)
    assert (old["mode"], new["name"]) == ("tombstone", FILE)


async def test_output_that_is_short_by_now_needs_no_file(bot: Bot) -> None:
    ts = await ended(bot, f"{TEXT}\n".encode() * 300)
    assert len(live(bot, ts)) == 1

    await redacted(bot, ts)
    await gone_from_slack(bot)

    assert live(bot, ts) == []
    assert "attached" not in await bot.tells(ts, "*****\n*****")


async def test_a_run_goes_on_and_what_it_prints_later_is_hidden_too(bot: Bot) -> None:
    bot.engine.on(f"mysql -p{TEXT}", PRINTED, block=True)
    ts = await bot.task(COMMAND)
    await bot.tells(ts, "connecting with")

    await redacted(bot, ts)
    await gone_from_slack(bot)
    bot.engine.release(f"mysql -p{TEXT}")
    run = await bot.ends(1)

    assert run.state is RunState.FINISHED
    assert TEXT not in shown(bot)
    assert not stored(bot)


async def test_a_run_that_waits_with_the_text_in_its_command_never_starts(
    bot: Bot,
) -> None:
    bot.engine.on("sleep", block=True)
    first = await bot.task("net-prod sleep")
    await bot.shows(first, "performing")
    ts = await bot.task(COMMAND)
    await bot.tells(ts, "Queued")

    await redacted(bot, ts)
    await gone_from_slack(bot)
    bot.engine.release("sleep")
    await bot.ends(1)

    assert (await bot.run(2)).state is RunState.DISCARDED
    assert await bot.task("net-prod ls")
    assert (await bot.ends(3)).state is RunState.FINISHED
    assert not stored(bot)


async def test_a_card_of_the_stack_shows_it_no_longer(bot: Bot) -> None:
    ts = await ended(bot)
    await bot.slash("net-prod")
    await bot.sandbox.wait_for(lambda: len(bot.roots()) == 2)
    assert TEXT in text_of(bot.roots()[1])

    await redacted(bot, ts)
    await gone_from_slack(bot)

    assert "mysql -p*****" in text_of(bot.roots()[1])


@pytest.mark.parametrize(
    "fault",
    [RateLimited(), BadGateway(), Drop(), Drop(after=True)],
    ids=repr,
)
@pytest.mark.parametrize(
    "method", [UPDATE, "files.delete", "files.completeUploadExternal"]
)
async def test_slack_in_trouble_delays_it_and_keeps_one_file(
    bot: Bot, method: str, fault: BadGateway
) -> None:
    ts = await ended(bot, LONG + PRINTED)
    bot.sandbox.faults.add(method, fault, times=2)

    await bot.reply(f"redact: {TEXT}", to=ts)
    await bot.tells(ts, "Redacted: ", within=40)
    await gone_from_slack(bot)

    await bot.sandbox.wait_for(lambda: live(bot, ts))
    assert live(bot, ts) == [(LONG + b"connecting with *****\n").decode()]
    assert not stored(bot)


async def test_a_crash_before_slack_took_it_is_made_up_for(tmp_path: Path) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        async with bot.start() as bot.handrail:
            ts = await ended(bot, LONG + PRINTED)
            for method in (UPDATE, POST, "files.delete", "conversations.replies"):
                bot.sandbox.faults.add(method, BadGateway(), times=1_000)
            before = calls(bot, UPDATE)
            await bot.reply(f"redact: {TEXT}", to=ts)
            await bot.sandbox.wait_for(lambda: calls(bot, UPDATE) > before + 1)
        assert TEXT in shown(bot)
        assert not stored(bot)

        bot.sandbox.faults.clear()
        async with bot.start() as bot.handrail:
            await gone_from_slack(bot)
            await bot.tells(ts, "Redacted: ")
            await bot.sandbox.wait_for(lambda: live(bot, ts))

        assert live(bot, ts) == [(LONG + b"connecting with *****\n").decode()]


@pytest.mark.parametrize("kind", ["echo", "final"])
async def test_a_post_that_a_crash_left_without_a_note_is_corrected(
    tmp_path: Path, kind: str
) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        async with bot.start() as bot.handrail:
            ts = await ended(bot)
        before = len(bot.sandbox.thread(bot.channel, ts))
        async with Database.open(bot.settings.database_url) as database:
            async with database.write("forget a note") as db:
                forgotten = update(outbox).where(outbox.c.kind == kind)
                await db.execute(forgotten.values(fate=None, message_ts=None))
            hide = Masks((Secret("redacted", TEXT.encode()),))
            record, actor = SqlRecord(database), an_actor()
            await record.redact(RunId(1), hide, actor, utc_now(), why="a test")

        async with bot.start() as bot.handrail:
            await gone_from_slack(bot)

        assert len(bot.sandbox.thread(bot.channel, ts)) == before


async def test_a_final_message_that_was_on_its_way_is_corrected(bot: Bot) -> None:
    bot.engine.prepare(f"mysql -p{TEXT}", LONG + PRINTED)
    for _ in range(2):
        bot.sandbox.faults.add(POST, Delay(0))
    bot.sandbox.faults.add(POST, Delay(1.0))
    ts = await bot.task(COMMAND)
    await bot.sandbox.wait_for(lambda: files(bot, ts))
    assert not any("finished" in text for text in bot.told(ts))

    await redacted(bot, ts)
    await gone_from_slack(bot)

    await bot.tells(ts, "finished")
    await bot.sandbox.wait_for(lambda: live(bot, ts))
    assert live(bot, ts) == [(LONG + b"connecting with *****\n").decode()]


async def test_where_nothing_can_be_edited_messages_are_posted_anew(bot: Bot) -> None:
    ts = await ended(bot)
    bot.sandbox.edit_window = "never"

    await redacted(bot, ts)
    await gone_from_slack(bot)

    root, *replies = [text_of(each) for each in bot.sandbox.thread(bot.channel, ts)]
    assert root == "This message was deleted."
    assert any("mysql -p*****" in text for text in replies)
    assert any("connecting with *****" in text for text in replies)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        (POST, BadGateway()),
        (POST, Drop(after=True)),
        ("chat.delete", Drop(after=True)),
        ("chat.delete", BadGateway()),
    ],
    ids=repr,
)
async def test_a_message_that_is_posted_anew_is_there_once_whatever_slack_does(
    bot: Bot, method: str, fault: BadGateway | Drop
) -> None:
    ts = await ended(bot)
    bot.sandbox.edit_window = "never"
    bot.sandbox.faults.add(method, fault, times=3)

    await redacted(bot, ts)
    await gone_from_slack(bot)

    replies = bot.told(ts)
    assert sum("mysql -p*****" in text for text in replies) == 1
    assert sum("connecting with *****" in text for text in replies) == 1
    assert sum("Redacted: " in text for text in replies) == 1


async def test_a_message_that_somebody_deleted_is_posted_anew(bot: Bot) -> None:
    ts = await ended(bot)
    thread = bot.sandbox.thread(bot.channel, ts)
    [echo] = [each for each in thread if "exactly this" in text_of(each)]
    workspace = bot.sandbox.workspace
    workspace.messages.remove(workspace.channel(bot.channel), echo["ts"])

    await redacted(bot, ts)
    await gone_from_slack(bot)

    assert sum("mysql -p*****" in text for text in bot.told(ts)) == 1


async def test_a_file_that_cannot_be_deleted_is_named(bot: Bot) -> None:
    ts = await ended(bot, LONG + PRINTED)
    bot.sandbox.faults.add("files.delete", Refuse("file_deleting_disabled"), times=9)

    await redacted(bot, ts)

    told = await bot.tells(ts, "could not be deleted (file_deleting_disabled)")
    assert "is attached to this thread" in told
    assert await bot.sandbox.wait_for(lambda: len(live(bot, ts)) == 2)


async def test_two_redactions_leave_one_file(bot: Bot) -> None:
    ts = await ended(bot, LONG + PRINTED + b"and swordfish\n")

    await redacted(bot, ts)
    await bot.reply("redact: swordfish", to=ts)
    await bot.sandbox.wait_for(lambda: "swordfish" not in shown(bot))
    await bot.sandbox.wait_for(lambda: live(bot, ts))

    [content] = live(bot, ts)
    assert content.endswith("connecting with *****\nand *****\n")
    assert (await verdict(bot)).broken is None


async def test_the_reply_that_asked_is_named_where_it_cannot_be_deleted(
    bot: Bot,
) -> None:
    ts = await ended(bot)

    said = await redacted(bot, ts)

    assert "Slack does not let Handrail delete your reply" in said
