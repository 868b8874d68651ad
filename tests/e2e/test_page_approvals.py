"""Approvals as people see them: asked for, given, refused and withheld in the page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval, Reason
from runner.scripted import ScriptedEngine
from tests.e2e.page_visit import composer
from tests.support.bot import Bot, a_running_bot, a_stack

COMMAND = "terraform taint aws_instance.web"


@pytest.fixture
async def bot(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    stack = a_stack(approvals=getattr(request, "param", ApprovalRule(count=1)))
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        yield bot


@pytest.fixture
async def run(bot: Bot, page: Page) -> Locator:
    """The message of a run that ann asked for and that waits, its thread open."""
    await page.goto(bot.sandbox.url)
    await become(page, "Ann")
    await composer(page).fill(f"/task net-prod {COMMAND}")
    await composer(page).press("Enter")
    run = page.locator("#main .message").last
    await expect(run).to_contain_text("net-prod · waits for approval", timeout=15_000)
    await run.get_by_role("button", name="replies").click()
    await expect(waiting(page)).to_contain_text(
        "Reply approve, approve: note or reject"
    )
    return run


async def become(page: Page, name: str) -> None:
    """Look at the page as another person."""
    await page.get_by_role("radio", name=name).click()


def thread(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Thread")


def waiting(page: Page) -> Locator:
    """The thread's message that says who has to agree."""
    return thread(page).locator(".message").filter(has_text="blocks no other run")


async def open_thread(page: Page, run: Locator) -> None:
    await run.get_by_role("button", name="replies").click()
    await expect(thread(page)).to_be_visible()


async def test_a_second_person_approves_by_button(
    bot: Bot, page: Page, run: Locator, tmp_path: Path
) -> None:
    await page.screenshot(path=tmp_path / "waiting.png")
    await waiting(page).get_by_role("button", name="Approve").click()
    own = thread(page).get_by_text("Only visible to you")
    await expect(own).to_be_visible()
    await page.screenshot(path=tmp_path / "own.png")

    await become(page, "Bob")
    await open_thread(page, run)
    await expect(own).to_be_hidden()
    await waiting(page).get_by_role("button", name="Approve").click()

    await expect(run).to_contain_text("finished, exit code 0", timeout=15_000)
    await expect(thread(page)).to_contain_text("@bob approved this run.")
    await expect(thread(page)).to_contain_text("It was approved by @bob.")
    await expect(thread(page)).to_contain_text("approved by @bob, and its turn came")
    await expect(run).to_contain_text("approved by @bob")
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(page.get_by_role("button", name="Reject")).to_have_count(0)
    picture = await page.screenshot(path=tmp_path / "approved.png")
    assert picture.startswith(b"\x89PNG")
    assert (await bot.run(1)).approval is Approval.APPROVED


async def test_a_reader_is_refused_and_nobody_else_sees_it(
    bot: Bot, page: Page, run: Locator, tmp_path: Path
) -> None:
    await become(page, "Rita")
    await open_thread(page, run)

    await waiting(page).get_by_role("button", name="Approve").click()

    refusal = thread(page).locator(".message").filter(has_text="Only visible to you")
    await expect(refusal).to_be_visible()
    await page.screenshot(path=tmp_path / "refused.png")
    await become(page, "Bob")
    await open_thread(page, run)
    await expect(waiting(page)).to_be_visible()
    await expect(refusal).to_be_hidden()
    assert (await bot.run(1)).approval is Approval.PENDING


async def test_whoever_rejects_is_asked_why(
    bot: Bot, page: Page, run: Locator, tmp_path: Path
) -> None:
    await become(page, "Bob")
    await open_thread(page, run)
    await waiting(page).get_by_role("button", name="Reject").click()
    form = page.get_by_role("dialog", name="Reject a run")
    await expect(form).to_contain_text("The run does not start.")
    await page.screenshot(path=tmp_path / "form.png", animations="disabled")

    await form.get_by_label("Why?").fill("not during the <!channel> freeze & so on")
    await form.get_by_role("button", name="Reject").click()

    await expect(run).to_contain_text("failed", timeout=15_000)
    said = "@bob rejected this run: not during the <!channel> freeze & so on"
    await expect(thread(page)).to_contain_text(said)
    await expect(thread(page)).to_contain_text("It was rejected by @bob after")
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await page.screenshot(path=tmp_path / "rejected.png")
    assert (await bot.run(1)).reason is Reason.REJECTED


@pytest.mark.parametrize(
    "bot", [ApprovalRule(count=1, from_=("@security", "U0RITA"))], indirect=True
)
async def test_only_who_is_asked_approves_and_the_thread_names_them(
    bot: Bot, page: Page, run: Locator, tmp_path: Path
) -> None:
    bot.sandbox.workspace.add_group("security", members=[bot.people["ada"]])
    asked = "1 of @security or @rita has to agree; nobody has."
    await expect(waiting(page)).to_contain_text(asked)
    await expect(run).to_contain_text(asked)
    await become(page, "Bob")
    await open_thread(page, run)
    await waiting(page).get_by_role("button", name="Approve").click()
    refusal = thread(page).locator(".message").filter(has_text="Only visible to you")
    await expect(refusal).to_contain_text(f"counts for run 1. {asked}")
    await page.screenshot(path=tmp_path / "not_asked.png")

    await become(page, "Rita")
    await open_thread(page, run)
    await waiting(page).get_by_role("button", name="Approve").click()

    await expect(run).to_contain_text("finished, exit code 0", timeout=15_000)
    await expect(run).to_contain_text("approved by @rita")
    await expect(thread(page)).not_to_contain_text("@bob approved this run")
    picture = await page.screenshot(path=tmp_path / "asked.png")
    assert picture.startswith(b"\x89PNG")


async def test_who_takes_a_waiting_run_back_is_named(
    page: Page, run: Locator, tmp_path: Path
) -> None:
    await become(page, "Bob")
    await open_thread(page, run)

    await run.get_by_role("button", name="Stop").click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop").click()

    await expect(run).to_contain_text("discarded by @bob")
    await expect(thread(page)).to_contain_text("It was discarded by @bob after")
    await expect(thread(page)).to_contain_text("What was still open: 1 of the writers")
    picture = await page.screenshot(path=tmp_path / "taken_back.png")
    assert picture.startswith(b"\x89PNG")


async def test_a_reply_approves_with_a_note(page: Page, run: Locator) -> None:
    await become(page, "Bob")
    await open_thread(page, run)

    reply = thread(page).get_by_role("textbox", name="Reply in thread")
    await reply.fill("approve: paired on it")
    await reply.press("Enter")

    await expect(run).to_contain_text("finished, exit code 0", timeout=15_000)
    await expect(thread(page)).to_contain_text("@bob approved this run: paired on it")


async def test_who_agreed_is_named_on_the_card_and_in_the_history(
    page: Page, run: Locator, tmp_path: Path
) -> None:
    await become(page, "Bob")
    await run.get_by_role("button", name="Approve").click()
    await expect(run).to_contain_text("finished, exit code 0", timeout=15_000)

    newest = page.locator("#main .message").last
    for line, title in (("net-prod", "net-prod is free"), ("history net-prod", "took")):
        await composer(page).fill(f"/task {line}")
        await composer(page).press("Enter")
        await expect(newest).to_contain_text(title)
        await expect(newest).to_contain_text("approved by @bob")

    picture = await page.screenshot(path=tmp_path / "history.png")
    assert picture.startswith(b"\x89PNG")
