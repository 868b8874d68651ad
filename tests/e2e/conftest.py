"""The browser for the end-to-end tests.

`page` runs on its test's own event loop and starts a browser of its own.
`shared_page` shares one among all tests, which then run on the session's loop.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.e2e.chromium import Complaints, chromium, fresh_page
from tests.e2e.page_stub import PageStub, page_stub


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    """Open a fresh page; a complaint on its console fails the test."""
    async with fresh_page(browser, complaints) as page:
        yield page
    assert complaints.told == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def shared_page(
    shared_browser: Browser, complaints: Complaints
) -> AsyncIterator[Page]:
    """Open a fresh page of the one browser; as strict as `page`."""
    async with fresh_page(shared_browser, complaints) as page:
        yield page
    assert complaints.told == []


@pytest_asyncio.fixture(loop_scope="session")
async def stub() -> AsyncIterator[PageStub]:
    async with page_stub() as serving:
        yield serving
