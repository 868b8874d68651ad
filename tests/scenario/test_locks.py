"""Replies and buttons that lock, unlock, stop and ask; talk is left alone."""

from bot.domain.run import RunId
from tests.support.bot import INIT, Bot


async def test_a_lock_refuses_other_writers_with_who_why_and_since(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.tells(ts, "finished")

    await bot.reply("lock: moving the state", to=ts, by="ann")
    await bot.tells(ts, "holds *net-prod*: moving the state")
    await bot.slash("net-prod ls", by="bob")

    sentence = await bot.whispers("bob", "ann has held net-prod for")
    assert "moving the state" in sentence
    assert "Ask ann to reply unlock" in sentence
    assert len(bot.roots()) == 1


async def test_the_holder_goes_on_and_unlocks(bot: Bot) -> None:
    first = await bot.task("net-prod ls", by="ann")
    await bot.reply("lock", to=first, by="ann")
    await bot.tells(first, "holds *net-prod*")

    second = await bot.task("net-prod ls", by="ann")
    await bot.tells(second, "finished")
    await bot.reply("Unlock", to=second, by="ann")
    await bot.tells(second, "released *net-prod*")

    third = await bot.task("net-prod ls", by="bob")
    await bot.tells(third, "finished")


async def test_nobody_but_an_admin_with_a_reason_unlocks_for_another(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.reply("lock", to=ts, by="ann")
    await bot.tells(ts, "holds *net-prod*")

    await bot.reply("unlock", to=ts, by="bob")
    await bot.whispers("bob", "ann has held net-prod")
    await bot.reply("unlock", to=ts, by="ada")
    await bot.whispers("ada", "unlock: &lt;reason&gt;")
    await bot.reply("unlock: ann is on leave", to=ts, by="ada")

    told = await bot.tells(ts, "released *net-prod*")
    assert f"from <@{bot.people['ann']}>: ann is on leave" in told


async def test_a_second_lock_names_the_first(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.reply("lock", to=ts, by="ann")
    await bot.tells(ts, "holds *net-prod*")

    await bot.reply("lock", to=ts, by="bob")
    await bot.whispers("bob", "ann has held net-prod")
    await bot.reply("lock", to=ts, by="ann")
    await bot.tells(ts, "You hold net-prod already")


async def test_buttons_do_what_the_words_do(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.tells(ts, "finished")

    await bot.press("lock", on=ts, by="bob")
    await bot.tells(ts, f"<@{bot.people['bob']}> holds *net-prod*")
    await bot.shows(ts, "Unlock")
    await bot.press("unlock", on=ts, by="bob")

    await bot.tells(ts, f"<@{bot.people['bob']}> released *net-prod*")


async def test_a_reader_cannot_lock(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")

    await bot.reply("lock", to=ts, by="rita")

    await bot.whispers("rita", "You are no writer")


async def test_talk_in_the_thread_is_left_alone(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.tells(ts, "finished")
    before = len(bot.told(ts))

    for talk in ("please lock it", "Blocked the deploy, unlock later", "lock it"):
        await bot.reply(talk, to=ts, by="bob")
    await bot.sandbox.say("lock", by=bot.people["bob"], channel=bot.channel)
    await bot.sandbox.say(
        "lock",
        by=bot.people["bob"],
        channel=bot.channel,
        thread_ts=ts,
        broadcast=True,
    )
    await bot.reply("status", to=ts, by="bob")

    await bot.tells(ts, "net-prod is free and nothing waits")
    assert len(bot.told(ts)) == before + 1


async def test_another_bot_cannot_lock(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.tells(ts, "finished")
    bot.people["hal"] = bot.sandbox.workspace.add_person("hal", is_bot=True)
    bot.sandbox.workspace.join(bot.channel, bot.people["hal"])

    await bot.reply("lock", to=ts, by="hal")
    await bot.reply("status", to=ts, by="ann")

    await bot.tells(ts, "net-prod is free and nothing waits")


async def test_a_lock_delivered_twice_is_taken_once(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.reply("lock", to=ts, by="ann")
    await bot.tells(ts, "holds *net-prod*")

    await bot.sandbox.redeliver_last()
    await bot.reply("help", to=ts, by="ann")

    await bot.tells(ts, "/task &lt;stack&gt;")
    assert not any("already" in text for text in bot.told(ts))


async def test_stop_while_initializing_ends_the_run_before_its_command(
    bot: Bot,
) -> None:
    bot.engine.on(INIT, b"initializing\n", block=True)
    ts = await bot.task("net-prod terraform apply", by="ann")
    await bot.shows(ts, "initializing")

    await bot.reply("stop", to=ts, by="bob")

    await bot.tells(ts, f"<@{bot.people['bob']}> asked to stop the run")
    await bot.tells(ts, "*stopped")
    await bot.shows(ts, "stopped")
    passed = await bot.handrail.archive.transitions(RunId(1))
    assert [step.to_state for step in passed] == [
        "queued",
        "ready",
        "preparing",
        "initializing",
        "stopped",
    ]


async def test_performing_cannot_be_stopped(bot: Bot) -> None:
    bot.engine.on("terraform apply", b"applying\n", block=True)
    ts = await bot.task("net-prod terraform apply", by="ann")
    await bot.shows(ts, "performing")

    await bot.reply("stop", to=ts, by="ann")

    await bot.whispers("ann", "cannot be stopped by anyone")
    bot.engine.release("terraform apply")
    await bot.tells(ts, "finished")


async def test_a_queued_run_is_discarded_and_the_next_goes_on(bot: Bot) -> None:
    bot.engine.on("sleep", block=True)
    await bot.task("net-prod sleep", by="ann")
    second = await bot.task("net-prod second", by="ann")
    third = await bot.task("net-prod third", by="bob")
    await bot.tells(third, "Queued, number 2")

    await bot.press("stop", on=second, by="bob")
    await bot.shows(second, "discarded")
    bot.engine.release("sleep")

    await bot.tells(third, "finished")
    assert [job.script.command for job in bot.engine.jobs] == ["sleep", "third"]


async def test_a_card_shows_the_stack_and_takes_locks(bot: Bot) -> None:
    await bot.slash("net-prod", by="rita")
    await bot.sandbox.wait_for(bot.roots)
    ts = bot.roots()[0]["ts"]
    assert "net-prod is free and nothing waits" in bot.root(ts)

    await bot.reply("lock: audit", to=ts, by="bob")

    await bot.shows(ts, "bob has held net-prod")


async def test_whoever_may_only_read_unlocks_nothing(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")
    await bot.reply("lock: moving the state", to=ts, by="ann")
    await bot.tells(ts, "holds *net-prod*")

    for word in ("unlock", "unlock: I need it"):
        await bot.reply(word, to=ts, by="rita")
    sentence = await bot.whispers("rita", "ann has held net-prod")

    assert "moving the state" in sentence
    assert "Ask ann to reply unlock" in sentence
    assert len(await bot.handrail.archive.holds()) == 1


async def test_a_lock_of_two_months_is_none(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")

    await bot.reply("lock 60d: long", to=ts, by="ann")

    await bot.whispers("ann", "from 1 minute to 30 days")
    assert await bot.handrail.archive.holds() == ()


async def test_release_without_a_reason_asks_for_one(bot: Bot) -> None:
    ts = await bot.task("net-prod ls", by="ann")

    await bot.reply("release", to=ts, by="ada")

    await bot.whispers("ada", "release: &lt;reason&gt;")
