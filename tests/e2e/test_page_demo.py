"""The demo as a newcomer sees it: typed in the page, run by Terraform, read there."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.demo.scene import Scene, scene
from tests.e2e.page_visit import composer
from tests.support.docker import clear_away, engine_address

RUN = "sample · finished, exit code 0"
RESOURCES = ("terraform_data.network", 'terraform_data.service["api"]')


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Scene]:
    environ = {**os.environ, **engine_address().environment}
    async with scene(tmp_path, environ, print) as played:
        yield played
    installation = (tmp_path / "demo" / "installation").read_text()
    assert clear_away(installation) == []


async def test_a_newcomer_runs_a_task_reads_its_thread_and_locks_the_stack(
    played: Scene, page: Page, tmp_path: Path
) -> None:
    await page.goto(played.sandbox.url)
    await become(page, "Ann Writer")
    await type_task(page, "sample terraform state list")
    run = page.locator("#main .message").last
    await expect(run).to_contain_text(RUN, timeout=30_000)

    await run.get_by_role("button", name="replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    final = thread.locator(".message").filter(has_text="finished, exit code 0, after")
    for resource in RESOURCES:
        await expect(final.locator("pre")).to_contain_text(resource)

    await become(page, "Rita Reader")
    await type_task(page, "sample terraform state rm terraform_data.network")
    refusal = page.locator("#main").get_by_text("You are no writer of sample.")
    await expect(refusal).to_be_visible()
    await become(page, "Bob Writer")
    await expect(run).to_contain_text(RUN)
    await expect(refusal).to_be_hidden()

    await run.get_by_role("button", name="Lock").click()
    await expect(run).to_contain_text("held by @bob")
    await expect(run.get_by_role("button", name="Unlock")).to_be_visible()
    picture = await page.screenshot(path=tmp_path / "page.png")
    assert picture.startswith(b"\x89PNG")


async def become(page: Page, name: str) -> None:
    """Look at the page as another person."""
    await page.get_by_role("radio", name=name).click()


async def type_task(page: Page, text: str) -> None:
    """Send a slash command from the channel's composer."""
    await composer(page).fill(f"/task {text}")
    await composer(page).press("Enter")
