"""The form that `/task` alone opens, filled in as people do it in the page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bot.domain.preset import Choice, Integer, Parameter, Preset
from runner.scripted import ScriptedEngine
from tests.e2e.page_visit import composer
from tests.support.bot import Bot, a_bot, a_running_bot, a_stack

RESTART = Preset(
    name="restart",
    command='./restart.sh "$PARAM_SERVICE" "$PARAM_COUNT"',
    description="Restarts one service, a few instances at a time.",
    parameters={
        "service": Parameter(
            name="service",
            kind=Choice(of=("api", "web", "worker")),
            description="Which one.",
        ),
        "count": Parameter(name="count", kind=Integer(least=1, most=9), default="2"),
    },
    runners=("#infra",),
)


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stacks = (
        a_stack("net-prod", presets={"restart": RESTART}),
        a_stack("net-test"),
        a_stack("db-prod"),
    )
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        yield bot


async def become(page: Page, name: str) -> None:
    """Look at the page as another person."""
    await page.get_by_role("radio", name=name).click()


async def opened(page: Page, bot: Bot, name: str = "Ann") -> Locator:
    """Send `/task` alone, and return the form."""
    await page.goto(bot.sandbox.url)
    await become(page, name)
    await composer(page).fill("/task")
    await composer(page).press("Enter")
    form = page.get_by_role("dialog", name="Run a task")
    await expect(form.get_by_label("Stack", exact=True)).to_be_visible()
    return form


async def test_a_task_is_filled_in_mended_and_run(
    bot: Bot, page: Page, tmp_path: Path
) -> None:
    form = await opened(page, bot)
    await expect(form.get_by_label("Stack", exact=True)).to_be_focused()
    await expect(form.get_by_label("Run the stack's init first")).to_be_checked()
    await page.screenshot(path=tmp_path / "form.png")

    await form.get_by_label("Stack", exact=True).select_option("net-test")
    await form.get_by_label("Command").fill("echo one\necho 'two")
    await form.get_by_label("Run the stack's init first").uncheck()
    await form.get_by_role("button", name="Run", exact=True).click()
    await expect(form.get_by_text("never closes it")).to_be_visible()
    await expect(form.get_by_label("Command")).to_have_value("echo one\necho 'two")
    await expect(form.get_by_label("Run the stack's init first")).not_to_be_checked()
    await page.screenshot(path=tmp_path / "refused.png")
    await form.get_by_label("Command").fill("echo one\necho two")
    await form.get_by_role("button", name="Run", exact=True).click()

    await expect(form).to_be_hidden()
    run = page.locator("#main .message").last
    await expect(run).to_contain_text("net-test · finished", timeout=15_000)
    await expect(run).to_contain_text("--no-init")
    assert (await bot.run(1)).command == "echo one\necho two"


async def test_a_preset_shows_its_fields_and_what_was_typed_comes_back(
    bot: Bot, page: Page, tmp_path: Path
) -> None:
    form = await opened(page, bot)
    await form.get_by_label("Stack", exact=True).select_option("net-prod")
    await expect(form.get_by_label("What to run")).to_be_visible()
    await form.get_by_label("Command").fill("terraform pl")

    await form.get_by_label("What to run").select_option("restart")
    await expect(form.get_by_label("service")).to_be_visible()
    await expect(form.get_by_label("Command")).to_be_hidden()
    await expect(form.get_by_text("A whole number from 1 to 9.")).to_be_visible()
    await page.screenshot(path=tmp_path / "preset.png")
    await form.get_by_label("What to run").select_option("-")
    await expect(form.get_by_label("Command")).to_have_value("terraform pl")
    await form.get_by_label("What to run").select_option("restart")
    await form.get_by_label("service").select_option("worker")
    await form.get_by_label("count").fill("$(id)")
    await form.get_by_role("button", name="Run", exact=True).click()
    await expect(form.get_by_text("cannot be '$(id)'")).to_be_visible()
    await expect(form.get_by_label("service")).to_have_value("worker")
    await form.get_by_label("count").fill("3")
    await form.get_by_role("button", name="Run", exact=True).click()

    await expect(form).to_be_hidden()
    run = page.locator("#main .message").last
    await expect(run).to_contain_text("net-prod · finished", timeout=15_000)
    assert (await bot.run(1)).parameters == {"service": "worker", "count": "3"}


async def test_a_reader_is_offered_presets_alone(bot: Bot, page: Page) -> None:
    form = await opened(page, bot, "Rita")
    stack = form.get_by_label("Stack", exact=True)
    names = await stack.locator("option:not([disabled])").all_inner_texts()
    assert names == ["net-prod"]
    await stack.select_option("net-prod")
    await form.get_by_label("service").select_option("api")
    await expect(form.get_by_label("Command")).to_be_hidden()
    await form.get_by_role("button", name="Run", exact=True).click()

    run = page.locator("#main .message").last
    await expect(run).to_contain_text("net-prod · finished", timeout=15_000)


async def test_one_stack_of_many_is_found_by_typing(page: Page, tmp_path: Path) -> None:
    stacks = [a_stack(f"net-{number:03}") for number in range(140)]
    async with (
        a_bot(tmp_path, ScriptedEngine(), *stacks) as bot,
        bot.start() as bot.handrail,
    ):
        form = await opened(page, bot)
        stack = form.get_by_role("combobox", name="Stack")
        await stack.click()
        await expect(form.get_by_role("option")).to_have_count(100)
        await stack.fill("13")
        await expect(form.get_by_role("option")).to_have_count(12)
        await page.screenshot(path=tmp_path / "lookup.png")
        await stack.fill("139")
        await expect(form.get_by_role("option")).to_have_count(1)
        await stack.press("Enter")
        await expect(stack).to_have_value("net-139")
        await form.get_by_label("Command").fill("true")
        await form.get_by_role("button", name="Run", exact=True).click()

        run = page.locator("#main .message").last
        await expect(run).to_contain_text("net-139 · finished", timeout=15_000)
