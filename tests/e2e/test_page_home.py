"""The Home tab as people use it in the page: looking, running, approving, rejecting."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bot.domain.rule import ApprovalRule
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot, a_stack


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stacks = (
        a_stack("net-prod", approvals=ApprovalRule(count=1)),
        a_stack("net-test"),
        a_stack("db-prod"),
    )
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        yield bot


async def visit(page: Page, bot: Bot, name: str) -> Locator:
    """Open the Home as somebody, and return it."""
    await page.goto(bot.sandbox.url)
    await page.get_by_role("radio", name=name).click()
    await go_home(page)
    home = page.locator("#main .home")
    await expect(home).to_contain_text("Stacks that you may use")
    return home


async def go_home(page: Page) -> None:
    apps = page.locator("#sidebar section").filter(
        has=page.get_by_role("heading", name="Apps")
    )
    await apps.get_by_role("button", name="Handrail").click()


async def test_the_home_is_looked_at_and_a_task_is_run_from_it(
    bot: Bot, page: Page, tmp_path: Path
) -> None:
    ts = await bot.task("db-prod true", by="bob")
    await bot.ends(1)
    await bot.reply("lock 2h: restoring a backup", to=ts, by="bob")
    await bot.shows(ts, "held by")
    home = await visit(page, bot, "Ann")
    await expect(home).to_contain_text("You have run nothing yet.")
    await expect(home).to_contain_text("@bob holds it since")
    await expect(home).to_contain_text("restoring a backup")

    row = home.locator(".section").filter(has_text="net-test")
    await row.get_by_role("button", name="Run", exact=True).click()
    form = page.get_by_role("dialog", name="Run a task")
    await expect(form.get_by_label("Stack", exact=True)).to_have_value("net-test")
    await form.get_by_label("Command").fill("terraform state list")
    await form.get_by_label("Channel").select_option(bot.channel)
    await page.screenshot(path=tmp_path / "form.png")
    await form.get_by_role("button", name="Run", exact=True).click()
    await expect(form).to_contain_text("is recorded in #infra")
    await form.get_by_role("button", name="Close").last.click()
    await bot.ends(2)
    await home.get_by_role("button", name="Refresh").click()

    await expect(home).to_contain_text("net-test · finished, exit code 0")
    await page.screenshot(path=tmp_path / "home.png")
    await home.get_by_role("link", name="run 2").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_contain_text("finished, exit code 0, after")


async def test_what_waits_is_approved_and_rejected_at_the_home(
    bot: Bot, page: Page, tmp_path: Path
) -> None:
    first = await bot.task("net-prod terraform taint aws_instance.web")
    second = await bot.task("net-prod terraform destroy")
    await bot.tells(first, "to agree")
    await bot.tells(second, "to agree")
    home = await visit(page, bot, "Bob")
    await expect(home.get_by_role("button", name="Approve")).to_have_count(2)
    await page.screenshot(path=tmp_path / "waiting.png")

    await home.get_by_role("button", name="Reject").last.click()
    form = page.get_by_role("dialog", name="Reject a run")
    await form.get_by_label("Why?").fill("never")
    await form.get_by_role("button", name="Reject").click()
    await expect(form).to_be_hidden()
    await expect(home.get_by_role("button", name="Approve")).to_have_count(1)
    await home.get_by_role("button", name="Approve").click()
    await expect(home).not_to_contain_text("Waiting for your approval")

    assert (await bot.ends(1)).exit_code == 0
    await bot.tells(second, "never")


async def test_a_refused_approval_says_why_at_the_home(
    bot: Bot, page: Page, tmp_path: Path
) -> None:
    ts = await bot.task("net-prod terraform taint x")
    await bot.tells(ts, "to agree")
    home = await visit(page, bot, "Bob")
    await bot.reply("approve", to=ts, by="ada")
    await bot.ends(1)

    await home.get_by_role("button", name="Approve").click()

    await expect(home).to_contain_text("Run 1 is over")
    await page.screenshot(path=tmp_path / "refused.png")
    await expect(home.get_by_role("button", name="Approve")).to_have_count(0)


async def test_a_home_that_was_left_is_drawn_anew_when_one_comes_back(
    bot: Bot, page: Page
) -> None:
    home = await visit(page, bot, "Ann")
    await expect(home).not_to_contain_text("terraform state list")
    await page.locator("#sidebar").get_by_role("button", name="infra").click()
    await bot.task("net-test terraform state list")
    await bot.ends(1)

    await go_home(page)

    await expect(home).to_contain_text("terraform state list")
