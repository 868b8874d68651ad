import asyncio
import os
from pathlib import Path

import pytest
from docker.errors import NotFound
from hypothesis import given
from hypothesis import strategies as st

from runner.docker.address import EngineAddress
from runner.docker.calls import Calls
from runner.docker.logs import Frame, Log, Newlines, Position, frames, since
from runner.docker.pipe import Abandoned
from tests.unit.runner.docker.engine_stub import CUT, EngineStub

PART = 16 * 1024


def encoded(frame: Frame) -> bytes:
    payload = frame.timestamp + b" " + frame.data
    return b"\x01\0\0\0" + len(payload).to_bytes(4, "big") + payload


def at(second: int, data: bytes = b"line\n") -> Frame:
    return Frame(b"2026-11-22T02:11:%02d.439793150Z" % second, data)


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 60))
def test_frames_do_not_depend_on_how_the_stream_is_cut(
    lines: list[bytes], size: int
) -> None:
    sent = [at(second, line) for second, line in enumerate(lines)]
    stream = b"".join(map(encoded, sent))

    cut = [stream[start : start + size] for start in range(0, len(stream), size)]

    assert list(frames(cut)) == sent


def test_half_a_frame_at_the_end_is_not_taken() -> None:
    assert list(frames([encoded(at(1)), encoded(at(2))[:-1]])) == [at(1)]


def test_a_timestamp_becomes_seconds_and_nanoseconds() -> None:
    assert since(b"2026-11-22T02:11:14.439793150Z") == "1795313474.439793150"
    assert since(b"1970-01-01T00:00:01.000000007Z") == "1.000000007"


def test_what_was_read_before_is_not_read_again() -> None:
    log = [at(1, b"a"), at(2, b"b"), at(2, b"c"), at(2, b"d"), at(3, b"e")]
    position = Position()

    first = list(position.unread(log[:3]))
    again = list(position.unread(log[1:]))

    assert (first, again) == ([b"a", b"b", b"c"], [b"d", b"e"])


@given(st.lists(st.integers(0, 4), max_size=20), st.lists(st.integers(0, 20)))
def test_any_number_of_interruptions_loses_and_doubles_nothing(
    seconds: list[int], stops: list[int]
) -> None:
    log = [at(second, b"%d" % n) for n, second in enumerate(sorted(seconds))]
    position, read = Position(), list[bytes]()
    ends = [*sorted(stops), len(log)]

    for end in ends:
        asked = position.since
        again = [f for f in log[:end] if asked is None or since(f.timestamp) >= asked]
        read.extend(position.unread(again))

    assert read == [frame.data for frame in log]


def parts_of(line: bytes) -> list[bytes]:
    """Cut as the `local` log driver of Engine 20.10 does."""
    body, newline = line.removesuffix(b"\n"), line.endswith(b"\n")
    if len(line) <= PART and newline:
        return [line]
    whole = len(body) // PART * PART
    parts = [body[start : start + PART] for start in range(0, whole, PART)]
    rest = body[whole:]
    return [*parts, rest] if rest or newline else parts


@given(
    st.lists(st.sampled_from([0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 5])),
    st.sampled_from([0, 1, PART - 1, PART, PART + 1]),
)
def test_lost_newlines_are_put_back(lengths: list[int], tail: int) -> None:
    lines = [b"x" * length + b"\n" for length in lengths] + [b"end\n", b"y" * tail]
    newlines = Newlines()

    restored = [newlines.restored(part) for line in lines for part in parts_of(line)]

    assert b"".join(restored) == b"".join(lines)


def open_files() -> set[str]:
    """Return what this process has open: of each socket a name of its own."""
    files = set()
    for file in Path("/dev/fd").iterdir():
        try:
            files.add(os.readlink(file))  # noqa: PTH115 - of a socket no path is made
        except OSError:
            continue  # the listing's own
    return files


@pytest.mark.parametrize(
    ("status", "is_closed", "raised"), [(200, True, Abandoned), (404, False, NotFound)]
)
async def test_nothing_stays_open_of_a_reading_that_did_not_begin(
    stub: EngineStub, status: int, is_closed: bool, raised: type[Exception]
) -> None:
    stub.logs, stub.log_status = [encoded(at(1)) + CUT], status
    calls = Calls(EngineAddress(url=stub.url, origin="a test"))
    assert calls.api is not None  # and with it whatever the SDK itself keeps open
    before = open_files()
    log = Log(calls, "one", exact=True)
    if is_closed:
        log.close()

    with pytest.raises(raised) as caught:
        next(log.read(follow=True))

    async with asyncio.timeout(5):  # for the stub's end of it
        while open_files() - before:  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.01)
    assert caught.value.__traceback__  # which has kept hold of all it went through
    await calls.close()
