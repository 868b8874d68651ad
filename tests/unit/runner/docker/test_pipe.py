import asyncio
from threading import Thread

import pytest

from runner.docker.pipe import CAPACITY, Abandoned, Pipe
from runner.errors import EngineUnavailable


@pytest.fixture
async def pipe() -> Pipe:
    return Pipe()


async def rest(pipe: Pipe) -> bytes:
    taken = b""
    while (data := await pipe.read()) is not None:
        taken += data
    return taken


async def test_all_that_is_written_is_read_until_the_end(pipe: Pipe) -> None:
    def write() -> None:
        for number in range(2000):
            pipe.write(b"%d " % number)
            pipe.write(b"")
        pipe.end()

    writer = Thread(target=write)
    writer.start()
    taken = await rest(pipe)
    writer.join()

    assert taken == b"".join(b"%d " % number for number in range(2000))


async def test_more_than_it_holds_waits_for_the_reader(pipe: Pipe) -> None:
    written = list[int]()

    def write() -> None:
        for number in range(4):
            pipe.write(b"x" * CAPACITY)
            written.append(number)
        pipe.end()

    writer = Thread(target=write)
    writer.start()
    first = await pipe.read()
    seen = len(written)
    others = await rest(pipe)
    writer.join()

    assert first is not None
    assert seen <= 2
    assert len(first) + len(others) == 4 * CAPACITY


async def test_an_error_comes_after_what_was_written(pipe: Pipe) -> None:
    pipe.write(b"before")
    pipe.end(EngineUnavailable("gone"))

    assert await pipe.read() == b"before"
    with pytest.raises(EngineUnavailable, match="gone"):
        await pipe.read()


async def test_the_end_is_told_to_whoever_asks_again(pipe: Pipe) -> None:
    pipe.end()

    assert await pipe.read() is None
    assert await pipe.read() is None


async def test_a_writer_learns_that_nobody_reads_any_more(pipe: Pipe) -> None:
    pipe.write(b"x" * CAPACITY)
    waiting = asyncio.create_task(asyncio.to_thread(pipe.write, b"more"))

    pipe.abandon()

    with pytest.raises(Abandoned):
        await waiting


async def test_output_that_keeps_coming_is_read_in_few_pieces(pipe: Pipe) -> None:
    loop = asyncio.get_running_loop()

    def write(left: int) -> None:
        pipe.write(b"x")
        if left == 1:
            pipe.end()
        else:
            loop.call_soon(write, left - 1)

    loop.call_soon(write, 1000)
    pieces = 0
    while await pipe.read() is not None:
        pieces += 1

    assert pieces < 100
