import asyncio
from collections.abc import AsyncIterator

import pytest

from runner.docker.address import EngineAddress
from runner.docker.calls import Calls
from runner.docker.following import Follower
from runner.docker.pipe import Pipe
from runner.errors import EngineUnavailable
from tests.unit.runner.docker.engine_stub import CUT, EngineStub

OUTPUT, DAEMON = 1, 3


def frame(second: int, data: bytes) -> bytes:
    return framed(OUTPUT, b"2026-11-22T02:11:%02d.439793150Z %s" % (second, data))


def framed(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


async def followed(stub: EngineStub) -> bytes:
    calls = Calls(EngineAddress(url=stub.url, origin="a test"))
    pipe = Pipe()
    follower = Follower(calls, "one", pipe, exact=False, pauses=(0, 0))
    following = asyncio.create_task(asyncio.to_thread(follower.run))
    try:
        return b"".join([data async for data in read(pipe)])
    finally:
        await following
        await calls.close()


async def read(pipe: Pipe) -> AsyncIterator[bytes]:
    while (data := await pipe.read()) is not None:
        yield data


async def test_what_the_daemon_says_of_its_own_is_no_output(stub: EngineStub) -> None:
    trouble = framed(DAEMON, b"Error grabbing logs: unexpected EOF\n")
    a, b = frame(1, b"a\n"), frame(2, b"b\n")
    stub.logs = [a + trouble, a + b, b]

    output = await followed(stub)

    assert output == b"a\nb\n"


async def test_a_daemon_that_cannot_read_its_log_is_given_up(
    stub: EngineStub,
) -> None:
    stub.logs = [framed(DAEMON, b"Error grabbing logs: unexpected EOF\n")] * 3

    with pytest.raises(EngineUnavailable, match="Error grabbing logs: unexpected EOF"):
        await followed(stub)


async def test_connections_may_be_lost_any_number_of_times(
    stub: EngineStub,
) -> None:
    log = [frame(second, b"%d\n" % second) for second in range(10)]
    cut = [b"".join(log[max(0, n - 1) : n + 1]) + CUT for n in range(10)]
    stub.logs = [*cut, log[9], log[9]]

    output = await followed(stub)

    assert output == b"".join(b"%d\n" % second for second in range(10))


async def test_output_that_cannot_be_read_ends_with_an_error(stub: EngineStub) -> None:
    stub.logs = [framed(OUTPUT, b"yesterday a\n")]

    with pytest.raises(EngineUnavailable, match="reading the output failed"):
        await followed(stub)
