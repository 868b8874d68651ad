"""Output is uploaded as the size that was announced, or at once not at all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientError

from bot.slack.refusals import is_passing
from bot.slack.upload import upload
from tests.contract.slack.conftest import Town

SIZE = 300_000


async def output(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def uploaded(town: Town, *pieces: bytes) -> bytes | None:
    """Upload *pieces* as a file of SIZE bytes, and return what arrived."""
    ts = (await town.client.chat_postMessage(channel=town.infra, text="run"))["ts"]
    async with asyncio.timeout(10):
        file = await upload(
            town.client,
            output(*pieces),
            size=SIZE,
            filename="all.log",
            channel=town.infra,
            thread_ts=ts,
        )
    return town.workspace.files[file].content


@pytest.mark.parametrize(
    "pieces",
    [
        [b"x" * SIZE],
        [b"x" * 100_000] * 3,
        [b"", b"x" * 200_000, b"", b"x" * 100_000, b""],
    ],
    ids=["one piece", "pieces", "empty pieces"],
)
async def test_output_arrives_whole(town: Town, pieces: list[bytes]) -> None:
    assert await uploaded(town, *pieces) == b"x" * SIZE


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"x" * (SIZE - 1)],
        [b"x" * 100_000] * 2,
        [b"x" * (SIZE + 1)],
        [b"x" * SIZE, b"x"],
        [b"x" * 100_000] * 4,
    ],
    ids=["none", "short", "ends early", "long", "one more", "goes on"],
)
async def test_output_that_changed_meanwhile_is_to_be_sent_again_at_once(
    town: Town, pieces: list[bytes]
) -> None:
    with pytest.raises(ClientError, match="changed while it was sent") as changed:
        await uploaded(town, *pieces)

    assert is_passing(changed.value)
    assert town.called("files.completeUploadExternal") == 0
    assert all(file.content is None for file in town.workspace.files.values())
    assert await uploaded(town, b"x" * SIZE) == b"x" * SIZE
