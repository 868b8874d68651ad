import asyncio
import sys
from pathlib import Path
from signal import SIGTERM

import pytest
import requests
from docker.errors import APIError, DockerException

from runner.docker.address import EngineAddress
from runner.docker.calls import told
from runner.docker.engine import DockerEngine
from runner.errors import EngineAway, EngineUnavailable, ImageUnavailable
from tests.unit.runner.docker.engine_stub import EngineStub

#: A process that asks for an image until it is told to end.
PULLING = """
import asyncio, signal, sys
from runner.docker.address import EngineAddress
from runner.docker.engine import DockerEngine

async def pulled():
    async with DockerEngine(EngineAddress(url=sys.argv[1], origin="a test")) as engine:
        pulling = asyncio.ensure_future(engine.resolve("handrail/slow:1"))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, pulling.cancel)
        await asyncio.wait({pulling})

asyncio.run(pulled())
"""


async def test_a_process_ends_though_an_image_is_still_being_pulled(
    stub: EngineStub,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PULLING, stub.url)
    )
    try:
        assert await asyncio.to_thread(stub.pulling.wait, 20)

        process.send_signal(SIGTERM)
        async with asyncio.timeout(2):
            code = await process.wait()
    finally:
        stub.image_arrives.set()
        await process.wait()

    assert code == 0


async def test_an_error_that_nobody_thought_of_is_the_engines(
    answering_socket: Path,
) -> None:
    address = EngineAddress(url=f"unix://{answering_socket}", origin="a test")
    async with DockerEngine(address) as engine:
        with pytest.raises(EngineUnavailable, match="unexpected KeyError: 'Version'"):
            await engine.ping()


async def test_a_registry_that_is_away_is_not_an_engine_that_is(
    stub: EngineStub,
) -> None:
    stub.refusal = "Get https://registry.example/v2/: dial tcp: connection refused"
    address = EngineAddress(url=stub.url, origin="a test")
    async with DockerEngine(address) as engine:
        with pytest.raises(ImageUnavailable, match="connection refused"):
            await engine.resolve("handrail/none:1")


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (requests.ConnectionError("refused"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.Timeout("silent"), True),
        (ConnectionResetError("reset"), True),
        (APIError("500", explanation="rpc error: transport is closing"), True),
        (APIError("500", explanation="context canceled"), True),
        (APIError("404", explanation="no such container"), False),
        (APIError("500", explanation="no space left on device"), False),
        (requests.HTTPError("500"), False),
        (DockerException("Error grabbing logs: unexpected EOF"), False),
        (OSError("no space left on device"), False),
    ],
)
def test_away_is_what_could_not_be_reached(error: Exception, away: bool) -> None:
    with pytest.raises(EngineUnavailable) as raised, told("answer"):
        raise error

    assert isinstance(raised.value, EngineAway) is away
