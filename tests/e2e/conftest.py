"""The browser for the end-to-end tests."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.e2e.chromium import Complaints, chromium, fresh_page


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
async def page(browser: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    """Open a fresh page; a complaint on its console fails the test."""
    async with fresh_page(browser, complaints) as page:
        yield page
    assert complaints.told == []
