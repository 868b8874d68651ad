"""A task is filled in: the form opens at once, and becomes one run."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.audit import Verb
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.stack import FromCommand, StackName
from bot.sandbox.delivery import Kind
from bot.sandbox.faults import Refuse
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_running_bot, a_stack, text_of

RESTART = Preset(
    name="restart",
    command='./restart.sh "$PARAM_SERVICE" "$PARAM_COUNT"',
    description="Restart one service",
    parameters={
        "service": Parameter(name="service", kind=Choice(of=("api", "web"))),
        "count": Parameter(name="count", kind=Integer(least=1, most=9), default="1"),
        "note": Parameter(name="note", kind=Pattern(pattern="[a-z ]*"), default=""),
    },
    runners=("#infra",),
)


PARAMETER = "task_parameter|net-prod|restart|{}"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stacks = (
        a_stack("net-prod", presets={"restart": RESTART}),
        a_stack("net-test"),
        a_stack("secret", writers=("U0NOBODY",)),
        a_stack("only-presets", presets={"restart": RESTART}, deny_tasks=True),
    )
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        yield bot


async def form(bot: Bot, *, by: str = "ann") -> dict[str, Any]:
    """Type `/task` alone, and return the form once it can be filled in."""
    await bot.slash("", by=by)
    return await shows(bot, "task_stack", by=by)


async def shows(bot: Bot, block: str, *, by: str = "ann") -> dict[str, Any]:
    """Wait until the form has a field."""

    def found() -> dict[str, Any]:
        views = bot.sandbox.views(bot.people[by])
        return next((it for it in views if block in blocks(it)), {})

    return await bot.sandbox.wait_for(found)


def blocks(view: dict[str, Any]) -> list[str]:
    return [block["block_id"] for block in view["blocks"]]


def options(view: dict[str, Any], block: str) -> list[str]:
    (field,) = [it for it in view["blocks"] if it["block_id"] == block]
    return [option["value"] for option in field["element"]["options"]]


async def choose(
    bot: Bot,
    view: dict[str, Any],
    action: str,
    value: str,
    by: str = "ann",
    **filled: Any,
) -> None:
    answer = await bot.sandbox.click(
        action_id=action,
        selected=value,
        by=bot.people[by],
        view_id=view["id"],
        filled=filled,
    )
    assert answer.ok, answer.error


async def test_the_form_opens_at_once_with_the_stacks_one_may_use(bot: Bot) -> None:
    view = await form(bot)

    assert options(view, "task_stack") == ["net-prod", "net-test", "only-presets"]
    methods = [call.method for call in bot.sandbox.calls]
    at = methods.index("views.open")
    assert "users.info" not in methods[:at]
    assert methods.index("views.update") > at


async def test_what_is_filled_in_becomes_one_run(bot: Bot) -> None:
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-test")

    answer = await bot.submit_view(values={"task_command": "echo one\necho two\n"})
    await bot.sandbox.redeliver_last(Kind.INTERACTIVE)

    assert answer.ok, answer.error or answer.errors
    run = await bot.ends(1)
    assert (run.stack, run.command, run.skip_init) == (
        "net-test",
        "echo one\necho two",
        False,
    )
    assert bot.sandbox.views(bot.people["ann"]) == []
    assert len(bot.roots()) == 1


async def test_what_is_typed_into_the_form_runs_as_it_was_typed(bot: Bot) -> None:
    typed = "echo 'a < b' && cat <<X\n&amp; <@U1> \u2014x\nX"
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-test")

    await bot.submit_view(values={"task_command": typed})

    assert (await bot.ends(1)).command == typed
    told = bot.told(str(bot.roots()[0]["ts"]))
    assert any("begins with a long dash" in text for text in told)


async def test_the_init_is_skipped_where_it_was_unticked(bot: Bot) -> None:
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-test")

    await bot.submit_view(values={"task_command": "true", "task_init": []})

    assert (await bot.ends(1)).skip_init


async def test_a_preset_is_chosen_and_its_parameters_filled_in(bot: Bot) -> None:
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-prod")
    view = await shows(bot, "task_preset|net-prod")
    assert options(view, "task_preset|net-prod") == ["-", "restart"]
    await choose(bot, view, "task_preset", "restart")
    view = await shows(bot, PARAMETER.format("service"))

    answer = await bot.submit_view(
        values={
            PARAMETER.format("service"): "web",
            PARAMETER.format("note"): "at night",
        }
    )

    assert answer.ok, answer.error or answer.errors
    run = await bot.ends(1)
    assert (run.preset, run.command) == ("restart", RESTART.command)
    assert run.parameters == {"service": "web", "count": "1", "note": "at night"}


async def test_who_may_run_presets_alone_is_offered_nothing_else(bot: Bot) -> None:
    view = await form(bot, by="rita")
    assert options(view, "task_stack") == ["net-prod", "only-presets"]
    assert "task_command" not in blocks(view)
    await choose(bot, view, "task_stack", "net-prod", by="rita")
    view = await shows(bot, PARAMETER.format("service"), by="rita")
    assert options(view, "task_preset|net-prod") == ["restart"]
    assert not {"task_command", "task_init"} & set(blocks(view))

    answer = await bot.submit_view("rita", {PARAMETER.format("service"): "api"})

    assert answer.ok, answer.error or answer.errors
    assert (await bot.ends(1)).actor.id == bot.people["rita"]


async def test_a_bad_command_is_said_at_its_field_and_can_be_mended(bot: Bot) -> None:
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-test")

    refused = await bot.submit_view(values={"task_command": "echo 'oops"})
    mended = await bot.submit_view(values={"task_command": "echo 'oops'"})

    assert refused.errors is not None
    assert list(refused.errors) == ["task_command"]
    assert "never closes it" in refused.errors["task_command"]
    assert mended.ok, mended.error or mended.errors
    assert (await bot.ends(1)).command == "echo 'oops'"
    (row,) = [row for row in await bot.audit() if row.deed.verb is Verb.REFUSED]
    assert row.deed.detail == "bad_command: /task net-test echo 'oops"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", "99", "a whole number from 1 to 9"),
        ("count", "$(id)", "a whole number from 1 to 9"),
        ("note", "x" * 1_001, "1,000 are the most"),
        ("note", "Not This", "matches as a whole"),
    ],
)
async def test_a_wrong_parameter_is_said_at_its_field(
    bot: Bot, name: str, value: str, words: str
) -> None:
    view = await form(bot)
    await choose(bot, view, "task_stack", "only-presets")
    one = PARAMETER.replace("net-prod", "only-presets")
    await shows(bot, one.format("service"))

    refused = await bot.submit_view(
        values={one.format("service"): "web", one.format(name): value}
    )

    assert refused.errors is not None
    assert list(refused.errors) == [one.format(name)]
    assert words in refused.errors[one.format(name)]
    assert bot.roots() == []


async def test_a_held_stack_says_so_when_it_is_chosen_and_at_its_field(
    bot: Bot,
) -> None:
    ts = await bot.task("net-test true", by="bob")
    await bot.ends(1)
    await bot.reply("lock: by hand", to=ts, by="bob")
    await bot.shows(ts, "held by")
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-test")
    await bot.sandbox.wait_for(lambda: "bob has held" in shown_to(bot, "ann"))

    refused = await bot.submit_view(values={"task_command": "true"})

    assert refused.errors is not None
    assert list(refused.errors) == ["task_stack"]
    assert "by hand" in refused.errors["task_stack"]


async def test_a_command_is_not_lost_while_presets_are_looked_at(bot: Bot) -> None:
    view = await form(bot)
    await choose(bot, view, "task_stack", "net-prod")
    view = await shows(bot, "task_preset|net-prod")
    typed = {"task_command": "terraform pl"}
    await choose(bot, view, "task_preset", "restart", task_command=typed)
    view = await shows(bot, PARAMETER.format("service"))
    assert "task_command" not in blocks(view)

    await choose(bot, view, "task_preset", "-")

    view = await shows(bot, "task_command")
    (field,) = [it for it in view["blocks"] if it["block_id"] == "task_command"]
    assert field["element"]["initial_value"] == "terraform pl"


async def test_a_form_whose_trigger_expired_gets_the_typed_way(bot: Bot) -> None:
    bot.sandbox.faults.add("views.open", Refuse("expired_trigger_id"), times=1)

    await bot.slash("")

    await bot.whispers("ann", "Type /task &lt;stack&gt; &lt;command&gt; instead")
    assert bot.sandbox.views(bot.people["ann"]) == []


async def test_a_command_that_is_delivered_twice_opens_one_form(bot: Bot) -> None:
    view = await form(bot)

    await bot.sandbox.redeliver_last(Kind.SLASH)
    await bot.slash("help")
    await bot.whispers("ann", "unlock all mine")

    assert [it["id"] for it in bot.sandbox.views(bot.people["ann"])] == [view["id"]]
    assert len(bot.sandbox.ephemerals(bot.people["ann"])) == 1


async def test_a_guest_is_told_in_the_form_that_it_is_not_for_them(bot: Bot) -> None:
    await bot.slash("", by="eve")

    await bot.sandbox.wait_for(lambda: "Guests cannot use" in shown_to(bot, "eve"))


async def test_what_takes_longer_than_slack_waits_is_answered_in_the_form(
    tmp_path: Path,
) -> None:
    slow = FromCommand(arguments=("sh", "-c", "sleep 2.2; printf swordfish-99"))
    stacks = a_stack("net-prod", secrets={"TOKEN": slow}), a_stack("net-test")
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        view = await form(bot)
        await choose(bot, view, "task_stack", "net-prod")
        said = {"task_command": "login swordfish-99", "task_init": []}
        answer = await bot.submit_view(values=said)
        assert answer.response_action == "update"
        view = await shows(bot, "task_command")
        assert "the value of TOKEN" in shown_to(bot, "ann")
        assert bot.roots() == []
        (field,) = [it for it in view["blocks"] if it["block_id"] == "task_command"]
        assert field["element"]["initial_value"] == "login swordfish-99"

        await bot.submit_view(values={"task_command": "login"})

        await bot.sandbox.wait_for(lambda: "Run 1 of" in shown_to(bot, "ann"))
        run = await bot.run(1)
        assert (run.command, run.skip_init) == ("login", True)


async def test_more_than_a_hundred_stacks_are_found_by_their_names(
    tmp_path: Path,
) -> None:
    stacks = [a_stack(f"net-{number}") for number in range(150)]
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        view = await form(bot)
        asked = {"by": bot.people["ann"], "view_id": view["id"]}
        every = await bot.sandbox.suggest("", action_id="task_stack", **asked)
        found = await bot.sandbox.suggest("-14", action_id="task_stack", **asked)
        await choose(bot, view, "task_stack", "net-149")

        answer = await bot.submit_view(values={"task_command": "true"})

        assert answer.ok, answer.error or answer.errors
        assert len(every) == 100
        assert [it["value"] for it in found[:2]] == ["net-14", "net-140"]
        assert len(found) == 11
        assert (await bot.ends(1)).stack == "net-149"


async def test_what_is_not_there_any_more_is_said_at_its_field(
    tmp_path: Path,
) -> None:
    stacks = a_stack("net-prod", presets={"restart": RESTART}), a_stack("net-test")
    async with a_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        async with bot.start() as bot.handrail:
            view = await form(bot)
            await choose(bot, view, "task_stack", "net-prod")
            view = await shows(bot, "task_preset|net-prod")
            await choose(bot, view, "task_preset", "restart")
            await shows(bot, PARAMETER.format("service"))
        del bot.stacks[StackName("net-test")]
        kept = bot.stacks[StackName("net-prod")]
        bot.stacks[StackName("net-prod")] = replace(kept, presets={})

        async with bot.start() as bot.handrail:
            values = {PARAMETER.format("service"): "api"}
            no_preset = await bot.submit_view(values=values)
            values |= {"task_stack": "net-test"}
            no_stack = await bot.submit_view(values=values)

        assert no_preset.errors is not None
        assert list(no_preset.errors) == ["task_preset|net-prod"]
        assert "no preset 'restart'" in no_preset.errors["task_preset|net-prod"]
        assert no_stack.errors is not None
        assert "no stack 'net-test'" in no_stack.errors["task_stack"]


async def test_a_form_opened_at_the_home_asks_where_the_run_is_told(bot: Bot) -> None:
    bot.sandbox.open_home(by=bot.people["ann"])
    home = await bot.sandbox.wait_for(lambda: bot.sandbox.home(bot.people["ann"]) or {})
    (row,) = [it for it in home["blocks"] if "*net-test*" in text_of({"blocks": [it]})]
    await bot.sandbox.click(
        action_id="home_run",
        block_id=row["block_id"],
        by=bot.people["ann"],
        view_id=home["id"],
    )
    view = await shows(bot, "task_channel")
    (menu,) = [it["element"] for it in view["blocks"] if it["block_id"] == "task_stack"]
    assert menu["initial_option"]["value"] == "net-test"

    answer = await bot.submit_view(
        values={"task_command": "true", "task_channel": bot.channel}
    )

    assert answer.response_action == "update"
    assert f"recorded in <#{bot.channel}>" in shown_to(bot, "ann")
    assert (await bot.ends(1)).stack == "net-test"


def shown_to(bot: Bot, who: str) -> str:
    """Return all that the form of a person shows."""
    return "\n".join(map(text_of, bot.sandbox.views(bot.people[who])))
