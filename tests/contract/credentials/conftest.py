"""A cloud to ask, and a machine that knows the way there."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.aws import Cloud, a_cloud, moto_server


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
async def cloud(
    aws_server: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cloud]:
    """Give AWS with a user, whose keys the bot's machine has."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    async with a_cloud(aws_server) as cloud:
        keys = await cloud.add_user()
        for name, value in cloud.environment(keys).items():
            monkeypatch.setenv(name, value)
        yield cloud
