"""`/task history`: who ran what, seen by one person, a page at a time."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.audit import Verb
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot, a_stack, text_of

RUNS = 12


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot that has told twelve runs, of two people."""
    engine = ScriptedEngine()
    async with a_running_bot(tmp_path, engine) as bot:
        engine.prepare("run 12", b"denied\n", code=3)
        for number in range(1, RUNS + 1):
            by = "bob" if number % 2 else "ann"
            await bot.task(f"net-prod run {number}", by=by)
            await bot.ends(number)
        yield bot


def pages(bot: Bot, to: str) -> list[dict[str, Any]]:
    """Return what *to* is shown of the history."""
    shown = bot.sandbox.ephemerals(bot.people[to])
    return [whisper for whisper in shown if "The last runs of" in whisper["text"]]


def commands(page: dict[str, Any]) -> list[int]:
    """Return the numbers of the commands on a page."""
    lines = text_of(page).split("`")[1::2]
    return [int(line.removeprefix("run ")) for line in lines]


async def test_the_last_runs_are_shown_to_whoever_asks_alone(told: Bot) -> None:
    before = len(told.roots())

    await told.slash("history net-prod", by="rita")

    shown = await told.whispers("rita", "run 12")
    (page,) = pages(told, "rita")
    assert commands(page) == list(range(12, 2, -1))
    newest, oldest = shown.split("\n")[1], shown.split("\n")[-3]
    assert ":x: <http" in newest
    assert f"<@{told.people['ann']}>" in newest
    assert "failed: the command failed, exit code 3" in newest
    assert f"<@{told.people['bob']}>" in oldest
    assert "took 0 s" in oldest
    assert len(told.roots()) == before


async def test_each_run_leads_to_its_thread(told: Bot) -> None:
    await told.slash("history net-prod", by="rita")

    shown = await told.whispers("rita", "run 12")

    place = told.roots()[RUNS - 1]["ts"].replace(".", "")
    assert f"archives/{told.channel}/p{place}|run 12>" in shown


async def test_older_takes_the_place_of_the_page_it_is_pressed_on(told: Bot) -> None:
    await told.slash("history net-prod", by="rita")
    await told.whispers("rita", "run 12")

    await told.press_whisper("history_older", by="rita")

    await told.sandbox.wait_for(lambda: commands(pages(told, "rita")[-1]) == [2, 1])
    assert "Older" not in text_of(pages(told, "rita")[-1])


async def test_a_page_is_shown_by_its_number(told: Bot) -> None:
    await told.slash("history net-prod 2", by="ann")
    await told.whispers("ann", "run 1>")
    await told.slash("history net-prod 3", by="ann")
    await told.whispers("ann", "No run of *net-prod* is older")

    assert [commands(page) for page in pages(told, "ann")] == [[2, 1]]


async def test_a_stack_without_a_run_has_no_history(bot: Bot) -> None:
    await bot.slash("history net-prod", by="ann")

    assert await bot.whispers("ann", "No run of *net-prod*")


@pytest.mark.parametrize(
    ("text", "by", "why"),
    [
        ("history net-prod", "eve", "Guests cannot use Handrail"),
        ("history", "ann", "/task history takes a stack"),
        ("history net-prod terraform plan", "ann", "/task history takes a stack"),
        ("history net-prod 0", "ann", "/task history takes a stack"),
        ("history nowhere", "ann", "no stack"),
    ],
)
async def test_what_is_refused_is_on_the_record(
    bot: Bot, text: str, by: str, why: str
) -> None:
    deed = await bot.refused(text, by=by, why=why)

    assert (deed.verb, deed.actor.id) == (Verb.REFUSED, bot.people[by])
    assert text in deed.detail


async def test_a_stack_may_be_called_history(tmp_path: Path) -> None:
    stack = a_stack("history")
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        await bot.task("history terraform plan")

        assert (await bot.ends(1)).command == "terraform plan"
