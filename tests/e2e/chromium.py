"""A real browser, and what a page in it complains about."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, ConsoleMessage, Error, Page, async_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
)


@dataclass  # no slots: Playwright notes on an object that its method listens
class Complaints:
    """What the page's console and scripts complained about."""

    told: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Collect from *page* from now on."""
        page.on("console", self._console)
        page.on("pageerror", self._error)

    def _console(self, message: ConsoleMessage) -> None:
        # That a server went away is the matter of whoever ended it.
        gone = message.text.startswith("Failed to load resource: net::ERR_")
        if message.type in {"error", "warning"} and not gone:
            self.told.append(f"{message.text} ({message.location['url']})")

    def _error(self, error: Error) -> None:
        self.told.append(str(error))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the machine's Chromium, or else the one Playwright brought itself."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        await browser.close()


@asynccontextmanager
async def fresh_page(browser: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    """Open a page at 1280 by 800 with nothing remembered from earlier ones."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    page = await context.new_page()
    complaints.listen(page)
    yield page
    await context.close()
