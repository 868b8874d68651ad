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


async def followed(
    stub: EngineStub, *, exact: bool = False, is_found: bool = False
) -> bytes:
    calls = Calls(EngineAddress(url=stub.url, origin="a test"))
    pipe = Pipe()
    follower = Follower(
        calls, "one", pipe, exact=exact, is_found=is_found, pauses=(0, 0)
    )
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


def log_of(*lines: bytes) -> bytes:
    return b"".join(frame(second, line) for second, line in enumerate(lines))


async def test_a_log_that_one_connection_has_brought_is_all(stub: EngineStub) -> None:
    stub.logs = [log_of(b"a\n", b"b\n")]
    stub.looks = [(True, None), (False, b"a\nb\n")]

    assert await followed(stub, exact=True) == b"a\nb\n"
    assert stub.readings == 0


async def test_an_end_that_the_log_lacks_is_read_from_the_copy(
    stub: EngineStub,
) -> None:
    stub.logs = [log_of(b"a\n")]
    stub.looks = [(False, b"a\nb\ntail")]

    assert await followed(stub, exact=True) == b"a\nb\ntail"


async def test_after_a_lost_connection_the_copy_is_read_and_the_log_rejoined(
    stub: EngineStub,
) -> None:
    stub.logs = [log_of(b"a\n", b"b\n") + CUT, log_of(b"a\n", b"b\n", b"c\n", b"d\n")]
    stub.looks = [(True, b"a\nb\nc"), (False, b"a\nb\nc\nd\n")]

    assert await followed(stub, exact=True) == b"a\nb\nc\nd\n"
    assert stub.readings == 1


async def test_a_log_with_a_gap_is_not_believed_again(stub: EngineStub) -> None:
    stub.logs = [log_of(b"a\n", b"b\n") + CUT, log_of(b"a\n", b"c\n", b"d\n", b"e\n")]
    copy = b"a\nb\nc\n"
    stub.looks = [(True, copy), (True, copy), (False, copy + b"d\ne\n")]

    assert await followed(stub, exact=True) == b"a\nb\nc\nd\ne\n"


async def test_a_log_that_ends_while_its_container_runs_is_not_believed(
    stub: EngineStub,
) -> None:
    stub.logs = [log_of(b"a\n"), log_of(b"c\n")]
    copy = b"a\nb\nc\n"
    stub.looks = [*([(True, copy)] * 30), (False, copy)]

    assert await followed(stub, exact=True) == copy


async def test_of_a_container_that_was_taken_up_the_copy_is_read_first(
    stub: EngineStub,
) -> None:
    stub.looks = [(False, b"a\nb\n")]

    assert await followed(stub, exact=True, is_found=True) == b"a\nb\n"
    assert stub.logs == []


async def test_without_a_copy_the_log_is_all_there_is(stub: EngineStub) -> None:
    stub.logs = [log_of(b"a\n") + CUT, log_of(b"a\n", b"b\n"), log_of()]

    assert await followed(stub, exact=True) == b"a\nb\n"


async def test_a_copy_that_was_cut_short_gives_way_to_the_log(
    stub: EngineStub,
) -> None:
    stub.logs = [log_of(b"a\n", b"b\n") + CUT, log_of(b"a\n", b"b\n", b"c\n"), b""]
    stub.looks = [(False, b"a\n")]

    assert await followed(stub, exact=True) == b"a\nb\nc\n"


async def test_of_a_container_that_was_killed_the_log_may_have_more_than_the_copy(
    stub: EngineStub,
) -> None:
    stub.logs = [log_of(b"a\n", b"b\n"), b""]
    stub.looks, stub.code = [(False, b"a\n")], 137

    assert await followed(stub, exact=True, is_found=True) == b"a\nb\n"


async def test_of_a_container_that_was_killed_the_copy_may_have_more_than_the_log(
    stub: EngineStub,
) -> None:
    stub.logs = [log_of(b"a\n"), b""]
    stub.looks, stub.code = [(False, b"a\nb\n")], 137

    assert await followed(stub, exact=True, is_found=True) == b"a\nb\n"
