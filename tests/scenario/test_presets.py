"""Presets: named commands with typed parameters, for people who run nothing else."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.audit import Verb
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval, Reason, RunId, RunState
from bot.domain.stack import FromEnv
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack

COMMAND = './restart "$PARAM_SERVICE"'
#: the least that is said for `restart`
RESTART = "net-prod !restart service=api"
SECRET = "swordfish-99"


def a_preset(name: str, command: str, *parameters: Parameter, **more: Any) -> Preset:
    named = {parameter.name: parameter for parameter in parameters}
    return Preset(name=name, command=command, parameters=named, **more)


PRESETS = (
    a_preset(
        "restart",
        COMMAND,
        Parameter(name="service", kind=Choice(of=("api", "worker"))),
        Parameter(name="note", kind=Pattern(pattern=".*"), default=""),
        Parameter(name="count", kind=Integer(least=1, most=5), default="1"),
        runners=("@oncall",),
        description="Restarts one service.",
    ),
    a_preset(
        "say",
        "./say",
        Parameter(name="text", kind=Pattern(pattern="(?s).*")),
        runners=("@oncall",),
        skip_init=True,
    ),
    a_preset("drain", "./drain"),
)


def environment(given: Mapping[str, str]) -> bytes:
    """Print the parameters that a command finds in its environment."""
    return json.dumps({k: v for k, v in given.items() if "PARAM_" in k}).encode()


async def given(bot: Bot, run: int) -> dict[str, str]:
    """Return the parameters that the command of *run* found."""
    found: dict[str, str] = json.loads(await bot.output(run))
    return found


def set_presets(bot: Bot, *presets: Preset, **changes: Any) -> None:
    """Have handrail.yaml give net-prod these presets from the next start on."""
    changes["presets"] = {preset.name: preset for preset in presets}
    bot.stacks = {name: replace(stack, **changes) for name, stack in bot.stacks.items()}


@pytest.fixture
async def idle(tmp_path: Path) -> AsyncIterator[Bot]:
    """Rita may read, and is on call; ann and bob write; eve is a guest."""
    stack = a_stack(secrets={"PASSWORD": FromEnv(variable="NET_PASSWORD")})
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.environ["NET_PASSWORD"] = SECRET
        bot.sandbox.workspace.add_group("oncall", members=[bot.people["rita"]])
        set_presets(bot, *PRESETS)
        for command in (COMMAND, "./say"):
            bot.engine.prepare(command, environment)
        yield bot


@pytest.fixture
async def bot(idle: Bot) -> AsyncIterator[Bot]:
    async with idle.start() as idle.handrail:
        yield idle


async def refused(bot: Bot, text: str, words: str, *, by: str = "rita") -> str:
    """Send what must be refused; nothing may have run."""
    await bot.slash(text, by=by)
    sentence = await bot.whispers(by, words)
    assert bot.roots() == []
    assert [row.deed.verb for row in await bot.audit()] == [Verb.REFUSED]
    return sentence


async def test_a_runner_who_is_no_writer_runs_the_preset_and_nothing_else(
    bot: Bot,
) -> None:
    ts = await bot.task(f'{RESTART} note="two words"', by="rita")
    await bot.slash("net-prod ./restart api", by="rita")

    run = await bot.ends(1)
    await bot.whispers("rita", "You are no writer of net-prod")
    assert len(bot.roots()) == 1
    assert run.actor.id == bot.people["rita"]
    assert (run.command, run.preset) == (COMMAND, "restart")
    assert run.parameters == {"service": "api", "note": "two words", "count": "1"}
    assert run.state is RunState.FINISHED
    await bot.tells(ts, "*finished")


async def test_a_writer_runs_every_preset(bot: Bot) -> None:
    await bot.task("net-prod !drain", by="ann")

    assert (await bot.ends(1)).command == "./drain"


async def test_who_is_neither_runner_nor_writer_is_told_who_is(bot: Bot) -> None:
    bot.sandbox.workspace.set_group_members(*oncall(bot, "bob"))

    sentence = await refused(bot, RESTART, "You may not run restart of net-prod")

    assert "@oncall" in sentence
    await bot.slash("net-prod !drain", by="rita")
    await bot.whispers("rita", "You are no writer of net-prod")


async def test_a_guest_runs_no_preset(bot: Bot) -> None:
    await refused(bot, RESTART, "Guests cannot use Handrail", by="eve")


@pytest.mark.parametrize(
    "value",
    [
        "$(reboot)",
        "`reboot`; reboot & reboot | reboot > /etc/passwd",
        'it\'s a "quote" \\ and $HOME ${IFS} *?',
        "one\ntwo\n",
        "",
        "--no-init",
        "größer 🙂",
        "x" * 1_000,
    ],
)
async def test_a_value_reaches_the_command_as_a_variable_and_stays_what_it_is(
    bot: Bot, value: str
) -> None:
    typed = value.replace("\\", "\\\\").replace('"', '\\"')

    await bot.task(f'net-prod !say text="{typed}"', by="rita")
    run = await bot.ends(1)

    assert await given(bot, 1) == {"PARAM_TEXT": value}
    assert run.parameters == {"text": value}
    job = bot.engine.jobs[0]
    assert job.script.command == "./say"
    assert value == "" or value not in str(job.script)
    assert job.script.initializing == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("net-prod !restart", "`service` is missing"),
        ("net-prod !restart service=db", "`service` cannot be 'db'"),
        ("net-prod !restart service=$(reboot)", "`service` cannot be"),
        (f"{RESTART} count=6", "`count` cannot be '6'"),
        (f"{RESTART} count=01", "`count` cannot be '01'"),
        (f'{RESTART} note="one\ntwo"', "`note` cannot be"),
        (f"{RESTART} servce=api", "did you mean `service`"),
        (f"{RESTART} note={'x' * 10_000}", "`note` has 10,000 characters"),
        (f"{RESTART} note='it's'", "Behind the closing quote of note"),
        (f"{RESTART} worker", "'worker' is no parameter"),
        ("net-prod !restrat service=api", "Did you mean !restart?"),
        ("net-prod !zzz", "net-prod has no preset 'zzz'. There are: "),
        ("net-prd !restart", "Did you mean net-prod?"),
    ],
)
async def test_what_is_wrong_is_refused_with_a_sentence(
    bot: Bot, text: str, words: str
) -> None:
    await refused(bot, text, words)


async def test_a_stack_without_presets_says_so(idle: Bot) -> None:
    set_presets(idle)
    async with idle.start() as idle.handrail:
        await refused(idle, RESTART, "It has none at all")


async def test_a_secret_in_a_value_is_refused_and_kept_nowhere(bot: Bot) -> None:
    words = "The command contains the value of PASSWORD"

    await refused(bot, f"net-prod !say text=x{SECRET}", words)

    rows = await bot.audit()
    assert rows[-1].deed.detail == "unsafe: /task net-prod !say text=x*****"


async def test_the_thread_shows_who_called_the_preset_and_what_exactly_runs(
    bot: Bot,
) -> None:
    ts = await bot.task(f'{RESTART} note="two `words` <!channel>"', by="rita")
    await bot.ends(1)

    echo = next(text for text in bot.told(ts) if "exactly this" in text)
    call = '!restart service=api note="two `words` <!channel>" count=1'
    assert call in echo.replace("\u200b", "")
    assert COMMAND in echo
    assert "!restart service=api" in bot.root(ts)
    await bot.slash("history net-prod", by="rita")
    await bot.whispers("rita", "!restart service=api")


async def test_the_card_lists_the_presets_and_how_each_is_called(bot: Bot) -> None:
    ts = await bot.task("net-prod", by="rita")

    card = bot.root(ts)

    assert "!restart service=&lt;api|worker&gt; [note=&lt;.*&gt;]" in card
    assert "Restarts one service." in card
    assert "!drain" in card


async def test_run_again_repeats_a_preset_with_its_parameters(bot: Bot) -> None:
    ts = await bot.task(f'{RESTART} note="two words"', by="ann")
    first = await bot.ends(1)

    await bot.press("again", on=ts, by="rita")
    pressed = await bot.ends(2)
    await bot.task("net-prod !1", by="rita")
    typed = await bot.ends(3)

    for run in (pressed, typed):
        assert (run.preset, run.parameters) == ("restart", first.parameters)
        assert (run.again, run.actor.id) == (1, bot.people["rita"])
    assert await given(bot, 3) == await given(bot, 1)


async def test_run_again_is_for_those_who_may_run_the_preset(bot: Bot) -> None:
    ts = await bot.task("net-prod !drain", by="ann")
    await bot.ends(1)

    await bot.press("again", on=ts, by="rita")
    await bot.slash("net-prod !1", by="rita")

    await bot.sandbox.wait_for(lambda: len(shown(bot, "rita", "no writer")) == 2)
    assert len(bot.roots()) == 1


async def test_what_was_hidden_in_a_parameter_is_not_run_again(bot: Bot) -> None:
    ts = await bot.task("net-prod !say text=hunter2hunter2", by="ann")
    await bot.ends(1)
    await bot.reply("redact: hunter2hunter2", to=ts, by="ann")
    await bot.tells(ts, "Redacted")

    await bot.slash("net-prod !1", by="rita")

    await bot.whispers("rita", "Something in the command of run 1 is hidden")
    assert "hunter2" not in str(await bot.run(1))


async def test_a_hold_refuses_the_presets_of_others(bot: Bot) -> None:
    ts = await bot.task("net-prod !drain", by="ann")
    await bot.ends(1)
    await bot.reply("lock: moving", to=ts, by="ann")
    await bot.tells(ts, "holds")

    await bot.slash(RESTART, by="rita")

    await bot.whispers("rita", "moving")
    assert len(bot.roots()) == 1


async def test_where_tasks_are_denied_presets_are_run_all_the_same(idle: Bot) -> None:
    set_presets(idle, *PRESETS, deny_tasks=True)
    async with idle.start() as idle.handrail:
        await idle.slash("net-prod ./restart api", by="ann")
        await idle.whispers("ann", "preset")
        assert idle.roots() == []

        await idle.task(RESTART, by="rita")
        assert (await idle.ends(1)).state is RunState.FINISHED


async def test_who_has_to_agree_is_each_presets_own(idle: Bot) -> None:
    asks, free = ApprovalRule(count=1), ApprovalRule(count=0)
    restart, say, drain = PRESETS
    own = replace(restart, approvals=asks), replace(say, approvals=free), drain
    set_presets(idle, *own)
    async with idle.start() as idle.handrail:
        ts = await idle.task(RESTART, by="rita")
        await idle.shows(ts, "waits for approval")
        await idle.task("net-prod !say text=x", by="rita")
        await idle.ends(2)
        await idle.task("net-prod !drain", by="bob")
        await idle.ends(3)

        await idle.reply("approve", to=ts, by="rita")
        await idle.reply("approve", to=ts, by="ann")
        run = await idle.ends(1)

        assert (run.state, run.approval) == (RunState.FINISHED, Approval.APPROVED)
        assert await given(idle, 1) == {
            "PARAM_SERVICE": "api",
            "PARAM_NOTE": "",
            "PARAM_COUNT": "1",
        }


async def test_an_approval_is_of_these_parameters_and_no_others(idle: Bot) -> None:
    restart, *others = PRESETS
    set_presets(idle, replace(restart, approvals=ApprovalRule(count=1)), *others)
    async with idle.start() as idle.handrail:
        first = await idle.task(RESTART, by="rita")
        second = await idle.task("net-prod !restart service=worker", by="rita")
        for ts in (first, second):
            await idle.shows(ts, "waits for approval")

        await idle.reply("approve", to=first, by="ann")
        await idle.ends(1)

        assert (await idle.run(2)).state is RunState.QUEUED
        one, other = await idle.run(1), await idle.run(2)
        assert one.subject != other.subject


async def queued(idle: Bot) -> str:
    """Have rita's preset wait behind a run that performs, and stop the bot."""
    idle.engine.on("apply", block=True)
    async with idle.start() as idle.handrail:
        ts = await idle.task("net-prod apply", by="ann")
        await idle.shows(ts, "performing")
        waiting = await idle.task(RESTART, by="rita")
        await idle.tells(waiting, "Queued")
    return waiting


async def test_a_queued_preset_runs_where_nothing_changed(idle: Bot) -> None:
    waiting = await queued(idle)

    async with idle.start() as idle.handrail:
        idle.engine.release("apply")
        await idle.tells(waiting, "*finished")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (None, "The preset restart of net-prod was removed from handrail.yaml"),
        ({"command": "./reboot"}, "The preset restart of net-prod was changed"),
        ({"skip_init": True}, "The preset restart of net-prod was changed"),
        ({"parameters": {}}, "`!restart` has no parameter 'service'"),
        ({"runners": ()}, "You are no writer of net-prod"),
    ],
)
async def test_a_queued_preset_that_is_not_what_it_was_does_not_run(
    idle: Bot, changes: dict[str, Any] | None, words: str
) -> None:
    waiting = await queued(idle)
    restart, *others = PRESETS
    kept = [] if changes is None else [replace(restart, **changes)]
    set_presets(idle, *kept, *others)

    async with idle.start() as idle.handrail:
        idle.engine.release("apply")
        await idle.tells(waiting, words)
        run = await idle.ends(2)

    assert (run.state, run.reason) == (RunState.FAILED, Reason.REJECTED)
    assert all(job.script.command != COMMAND for job in idle.engine.jobs)


async def test_a_runner_who_left_the_group_does_not_run_what_waits(bot: Bot) -> None:
    bot.engine.on("apply", block=True)
    ts = await bot.task("net-prod apply", by="ann")
    await bot.shows(ts, "performing")
    waiting = await bot.task(RESTART, by="rita")
    await bot.tells(waiting, "Queued")

    bot.sandbox.workspace.set_group_members(*oncall(bot, "bob"))
    bot.engine.release("apply")

    await bot.tells(waiting, "You may not run restart of net-prod")
    assert (await bot.ends(2)).reason is Reason.REJECTED


async def test_the_author_of_a_preset_run_stops_it_and_no_other_run(bot: Bot) -> None:
    bot.engine.on("apply", block=True)
    theirs = await bot.task("net-prod apply", by="ann")
    await bot.shows(theirs, "performing")
    own = await bot.task(RESTART, by="rita")
    await bot.tells(own, "Queued")

    await bot.reply("stop", to=theirs, by="rita")
    await bot.whispers("rita", "You are no writer of net-prod")
    await bot.reply("stop", to=own, by="rita")

    await bot.tells(own, "discarded")
    assert (await bot.run(2)).state is RunState.DISCARDED
    bot.engine.release("apply")
    await bot.ends(1)


async def test_the_audit_says_what_was_called_and_what_runs(bot: Bot) -> None:
    await bot.task(RESTART, by="rita")
    await bot.ends(1)

    rows = [row.deed for row in await bot.audit() if row.deed.run == RunId(1)]
    submitted = next(deed for deed in rows if deed.verb is Verb.SUBMITTED)
    assert "!restart service=api" in submitted.detail
    assert COMMAND in submitted.detail


def oncall(bot: Bot, *names: str) -> tuple[str, list[str]]:
    """Return the group on call, and the ids of *names*."""
    groups = bot.sandbox.workspace.groups
    group = next(it.id for it in groups.values() if it.handle == "oncall")
    return group, [bot.people[name] for name in names]


def shown(bot: Bot, to: str, words: str) -> list[str]:
    """Return what only *to* was shown that says *words*."""
    texts = [str(whisper) for whisper in bot.sandbox.ephemerals(bot.people[to])]
    return [text for text in texts if words in text]
