"""Where things are on the web page."""

from playwright.async_api import Locator, Page

from tests.e2e.page_stub import PageStub


async def visit(page: Page, stub: PageStub, query: str = "") -> None:
    """Open the page and wait until it shows the workspace."""
    await page.goto(stub.url + query)
    await page.wait_for_selector("body[data-ready]")


def composer(page: Page) -> Locator:
    """Where one writes into #infra."""
    return page.get_by_role("textbox", name="Message #infra")


def newest(page: Page) -> Locator:
    """The last message in the channel."""
    return page.locator("#main .message").last
