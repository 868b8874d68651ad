"""What the record promises of output, and the archive of reading it."""

import pytest

from bot.domain.run import RunId, RunState
from bot.domain.telling import Tail
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import Store
from tests.support.builders import an_actor, later

PLENTY = 10_000_000


async def kept(store: Store, run: RunId) -> bytes:
    return b"".join([piece async for piece in store.archive.output(run)])


async def test_output_is_kept_in_order_as_it_came(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    pieces = [b"one\n", b"\x00\xff", b"three" * 50_000]

    went_on = [
        await store.record.append_output(run.id, piece, position=0, limit=PLENTY)
        for piece in pieces
    ]

    assert went_on == [True, True, True]
    assert await kept(store, run.id) == b"".join(pieces)
    assert await store.archive.output_size(run.id) == len(b"".join(pieces))


async def test_the_position_kept_is_that_of_the_newest_output(store: Store) -> None:
    run, other = await store.finished(), await store.finished()
    await store.record.append_output(run.id, b"*****", position=30, limit=PLENTY)
    await store.record.append_output(run.id, b"x" * 70_000, position=40, limit=PLENTY)

    assert await store.archive.output_position(run.id) == 40
    assert await store.archive.output_position(other.id) == 0


async def test_the_position_of_output_that_is_not_kept_does_not_count(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.append_output(run.id, b"abcd", position=4, limit=4)
    await store.record.append_output(run.id, b"more", position=8, limit=4)

    assert await store.archive.output_position(run.id) == 4


async def test_a_run_without_output_has_none(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)

    assert await kept(store, run.id) == b""
    assert await store.archive.output_size(run.id) == 0
    assert await store.archive.tail(run.id, 10) == b""


async def test_the_output_of_runs_is_kept_apart(store: Store) -> None:
    run, other = await store.finished(), await store.finished()
    await store.record.append_output(run.id, b"mine", position=0, limit=PLENTY)
    await store.record.append_output(other.id, b"theirs", position=0, limit=PLENTY)

    assert await kept(store, run.id) == b"mine"
    assert await store.archive.tail(other.id, 100) == b"theirs"


@pytest.mark.parametrize("limit", [1, 5, 7, 8, 9])
async def test_output_is_cut_exactly_at_the_limit(store: Store, limit: int) -> None:
    run = await store.run_in(RunState.PERFORMING)

    answers = [
        await store.record.append_output(run.id, piece, position=0, limit=limit)
        for piece in (b"abcd", b"efgh", b"ijkl")
    ]

    assert await kept(store, run.id) == b"abcdefghijkl"[:limit]
    assert answers == [limit > 4, limit > 8, False]


async def test_output_behind_the_limit_tells_nothing(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.append_output(run.id, b"abcd", position=0, limit=4)
    await store.told()

    assert not await store.record.append_output(run.id, b"more", position=0, limit=4)
    assert await store.told() == []


async def test_much_output_is_one_tail_until_it_is_told(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.told()

    for _ in range(5):
        await store.record.append_output(run.id, b"line\n", position=0, limit=PLENTY)

    assert await store.told() == [Tail(run=run.id)]


@pytest.mark.parametrize("size", [0, 1, 9, 10, 65_536, 65_537, 200_010, 300_000])
async def test_a_tail_is_the_end_of_the_output_whatever_its_size(
    store: Store, size: int
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    output = bytes(i % 251 for i in range(200_000)) + b"last lines"
    await store.record.append_output(run.id, output[:150_000], position=0, limit=PLENTY)
    await store.record.append_output(run.id, output[150_000:], position=0, limit=PLENTY)

    tail = await store.archive.tail(run.id, size)

    assert tail == output[max(len(output) - size, 0) :]


async def test_output_can_be_read_while_it_grows(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.append_output(run.id, b"one ", position=0, limit=PLENTY)

    read = []
    async for piece in store.archive.output(run.id):
        read.append(piece)
        if len(read) == 1:
            await store.record.append_output(run.id, b"two", position=0, limit=PLENTY)

    assert read == [b"one ", b"two"]


async def from_offset(store: Store, run: RunId, start: int) -> list[tuple[int, bytes]]:
    return [piece async for piece in store.archive.output_from(run, start)]


async def test_output_is_read_on_from_where_a_piece_ended(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    for piece in (b"one\n", b"two\n", b"three\n"):
        await store.record.append_output(run.id, piece, position=0, limit=100)

    pieces = await from_offset(store, run.id, 0)

    assert pieces == [(4, b"one\n"), (8, b"two\n"), (14, b"three\n")]
    for already, (end, _) in enumerate(pieces, start=1):
        assert await from_offset(store, run.id, end) == pieces[already:]


async def test_output_is_read_from_the_middle_of_a_piece(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.append_output(run.id, b"one\n", position=0, limit=100)

    assert await from_offset(store, run.id, 2) == [(4, b"e\n")]
    assert await from_offset(store, run.id, 99) == []


async def test_a_redaction_moves_no_piece(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    for piece in (b"a hunter2 b\n", b"hun", b"ter2", b"end"):
        await store.record.append_output(run.id, piece, position=0, limit=100)
    hide = Masks((Secret("redacted", b"hunter2"),))

    await store.record.redact(run.id, hide, an_actor(), later(9), why="-")

    pieces = [(12, b"a ***** b\n"), (15, b"*****"), (19, b""), (22, b"end")]
    assert await from_offset(store, run.id, 0) == pieces
    assert await from_offset(store, run.id, 15) == pieces[2:]
    # What was moved within a piece is not cut: it is read once more.
    assert await from_offset(store, run.id, 5) == pieces
