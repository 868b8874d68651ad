"""What people type, and what must not come of it."""

import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from bot.app import secrecy_of
from bot.domain.run import Reason, RunState
from bot.domain.stack import FromCommand, FromEnv, FromFile, StackFile, StackName
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_running_bot, a_stack
from tests.support.logs import logged

PASSWORD = "correct-horse-42"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    key = tmp_path / "key.pem"
    key.write_text("the-content-of-a-key")
    stack = a_stack(
        secrets={"PW": FromEnv(variable="PW")},
        files=(StackFile(path="key.pem", source=FromFile(path=key)),),
    )
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.environ["PW"] = PASSWORD
        async with bot.start() as bot.handrail:
            yield bot


async def details(bot: Bot) -> str:
    return "\n".join(row.deed.detail for row in await bot.audit())


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (f"mysql -p{PASSWORD} -e 'select 1'", "the value of PW"),
        ("echo Y29ycmVjdC1ob3JzZS00Mg==", "the value of PW"),
        ("echo the-content-of-a-key", "the value of key.pem"),
    ],
)
async def test_a_command_that_holds_a_secret_is_neither_run_nor_recorded(
    bot: Bot, command: str, named: str
) -> None:
    await bot.slash(f"net-prod {command}")

    sentence = await bot.whispers("ann", "so it was not run")
    assert named in sentence
    assert bot.roots() == []
    assert await bot.handrail.archive.last_runs(None, 5) == ()
    recorded = await details(bot)
    assert "unsafe: /task net-prod" in recorded
    assert "*****" in recorded
    for written in (PASSWORD, "Y29ycmVjdC1ob3JzZS00Mg", "the-content-of-a-key"):
        assert written not in recorded


async def test_a_command_that_names_the_variable_runs(bot: Bot) -> None:
    ts = await bot.task("net-prod mysql -p$PW")

    await bot.tells(ts, "*finished")


async def test_a_secret_in_a_lock_reason_is_masked(bot: Bot) -> None:
    ts = await bot.task("net-prod ls")

    await bot.reply(f"lock: I try {PASSWORD} now", to=ts)

    assert "I try ***** now" in await bot.tells(ts, "holds *net-prod*")
    assert PASSWORD not in await details(bot)


async def test_a_refused_command_of_another_kind_is_recorded_masked(bot: Bot) -> None:
    ts = await bot.task("net-prod ls")
    await bot.reply("lock", to=ts, by="bob")
    await bot.tells(ts, "holds *net-prod*")

    await bot.slash(f"net-prod mysql -p{PASSWORD}")

    await bot.whispers("ann", "so it was not run")
    assert PASSWORD not in await details(bot)


@pytest.mark.parametrize("by", ["rita", "ann"])
async def test_what_was_typed_and_refused_is_kept_without_the_secret(
    bot: Bot, by: str
) -> None:
    await bot.slash(f"net-prod echo '{PASSWORD}", by=by)  # a quote is missing
    await bot.slash(f"net-prod echo {PASSWORD}", by=by)

    await bot.sandbox.wait_for(lambda: len(bot.sandbox.ephemerals(bot.people[by])) == 2)
    kept = await details(bot)
    assert kept.count("/task net-prod echo") == 2
    assert PASSWORD not in kept


@pytest.mark.parametrize("text", ["net-prod ls", "net-prod echo 'unclosed"])
async def test_what_only_a_program_could_mask_is_not_kept_of_who_may_nothing(
    tmp_path: Path, text: str
) -> None:
    ran = tmp_path / "ran"
    told = FromCommand(arguments=("/bin/sh", "-c", f"touch {ran}; echo hunter-22"))
    stack = a_stack(secrets={"PW": told})
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        await bot.slash(text, by="rita")

        await bot.sandbox.wait_for(lambda: bot.sandbox.ephemerals(bot.people["rita"]))
        assert "/task net-prod [not kept: it could not be masked]" in await details(bot)
        assert not ran.exists()


async def test_a_secret_that_cannot_be_read_refuses_the_command(bot: Bot) -> None:
    del bot.environ["PW"]

    await bot.slash(f"net-prod echo {PASSWORD}")

    await bot.whispers("ann", "PW: the environment variable PW is not set")
    assert bot.roots() == []


async def test_what_a_run_learned_cannot_be_typed_while_it_goes_on(bot: Bot) -> None:
    bot.engine.on("announce", b"::add-mask::learned-by-the-run\nlearned\n", block=True)
    first = await bot.task("net-prod announce")
    await bot.tells(first, "learned")

    await bot.slash("net-prod psql learned-by-the-run")
    await bot.whispers("ann", "so it was not run")
    await bot.reply("lock: it is learned-by-the-run", to=first)

    assert "it is *****" in await bot.tells(first, "holds *net-prod*")
    assert "learned-by-the-run" not in await details(bot)


async def test_what_was_redacted_of_a_run_that_waits_is_hidden_when_it_prints_it(
    bot: Bot,
) -> None:
    bot.engine.on("sleep", block=True)
    bot.engine.prepare("show", b"it is a-late-text\n")
    await bot.task("net-prod sleep", by="bob")
    second = await bot.task("net-prod show")
    await bot.tells(second, "Queued")
    await bot.reply("redact: a-late-text", to=second)
    await bot.tells(second, "Redacted: 0 places")

    bot.engine.release("sleep")

    assert "it is *****" in await bot.tells(second, "*finished")


@pytest.mark.parametrize(
    ("value", "refused"), [("1234", True), ("long-enough-to-mask", False)]
)
async def test_strict_masking_refuses_what_cannot_be_masked(
    tmp_path: Path, value: str, *, refused: bool
) -> None:
    stack = a_stack(secrets={"PIN": FromEnv(variable="PIN")}, strict_masking=True)
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.environ["PIN"] = value
        async with bot.start() as bot.handrail:
            await bot.slash("net-prod ls")

            if refused:
                await bot.whispers("ann", "PIN of net-prod cannot be masked")
                assert bot.roots() == []
            else:
                assert (await bot.ends(1)).state is RunState.FINISHED


async def test_a_secret_that_came_to_be_meanwhile_is_taken_out_and_not_run(
    bot: Bot,
) -> None:
    bot.engine.on("sleep", block=True)
    await bot.task("net-prod sleep", by="bob")
    second = await bot.task("net-prod echo brand-new-value")
    await bot.tells(second, "Queued")

    bot.environ["PW"] = "brand-new-value"
    bot.engine.release("sleep")

    final = await bot.tells(second, "*failed")
    run = await bot.run(2)
    assert (run.state, run.reason) == (RunState.FAILED, Reason.REJECTED)
    assert "the value of PW" in final
    assert run.command == "echo *****"
    await bot.tells(second, "echo *****")
    assert "brand-new-value" not in await details(bot)
    assert not any("brand-new-value" in text for text in bot.told(second))


def test_log_lines_hide_what_runs_must_not_say(bot: Bot) -> None:
    secrecy = secrecy_of(bot.settings, bot.environ)
    known = Masks((Secret("PW", PASSWORD.encode()),))

    with logged(secrecy.hidden) as lines, secrecy.keeping(StackName("net-prod"), known):
        library = logging.getLogger("a.library")
        library.warning("it said %s", PASSWORD)
        library.warning("own %s", bot.environ["SLACK_BOT_TOKEN"])
        structlog.get_logger("bot").info("a line of ours", said=PASSWORD)
        sys.excepthook(ValueError, ValueError(PASSWORD), None)

    printed = lines.getvalue()
    assert "it said *****" in printed
    assert "own *****" in printed
    assert '"said": "*****"' in printed
    assert "ValueError: *****" in printed
    assert PASSWORD not in printed


def test_a_log_that_cannot_be_written_is_no_reason_to_fail() -> None:
    with logged(str) as lines:
        lines.close()

        structlog.get_logger("bot").info("into the void")


def test_a_text_that_cannot_be_masked_is_withheld(bot: Bot) -> None:
    class Broken(Masks):
        def text(self, whole: str) -> str:
            raise MemoryError(whole)

    secrecy = secrecy_of(bot.settings, bot.environ)

    with secrecy.keeping(StackName("net-prod"), Broken()):
        assert secrecy.hidden(PASSWORD) == "[text withheld: masking failed]"


@pytest.mark.parametrize("mask_shapes", [True, False])
async def test_what_looks_like_a_token_is_refused_unless_the_stack_says_otherwise(
    tmp_path: Path, *, mask_shapes: bool
) -> None:
    looks = "glpat-" + "aB3dE5fG7hJ9kL1mN3pQ"
    stack = a_stack(mask_shapes=mask_shapes)
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.engine.on("env", f"TOKEN={looks}\n".encode())

        await bot.slash(f"net-prod echo {looks}")

        if mask_shapes:
            await bot.whispers("ann", "what looks like a token")
            assert looks not in await details(bot)
        else:
            await bot.ends(1)
        ts = await bot.task("net-prod env")
        shown = "TOKEN=*****" if mask_shapes else f"TOKEN={looks}"
        assert shown in await bot.tells(ts, "*finished")
