"""The output of a run: compressed chunks, each where it came to be."""

import asyncio
import zlib
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.run import RunId
from bot.store.tables import output_chunks

#: bytes of a chunk before compression: what is unpacked at a time
CHUNK: Final = 64 * 1024

_FAST: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A part of the output; the next one starts at *end*."""

    start: int
    end: int
    data: bytes


async def size(db: AsyncConnection, run: RunId) -> int:
    """Return how many bytes were kept, redacted since or not."""
    end = output_chunks.c.start + output_chunks.c.length
    return await _last(db, run, select(end))


async def position(db: AsyncConnection, run: RunId) -> int:
    """Return how much of the container's output is kept."""
    return await _last(db, run, select(output_chunks.c.position))


async def is_last(db: AsyncConnection, run: RunId, data: bytes, read: int) -> bool:
    """Tell whether *data*, read up to *read*, is what was kept last."""
    return await position(db, run) == read and await tail(db, run, len(data)) == data


async def append(
    db: AsyncConnection, run: RunId, data: bytes, start: int, position: int
) -> None:
    """Put *data*, read up to *position*, behind the *start* bytes that were kept."""
    for offset in range(0, len(data), CHUNK):
        piece = data[offset : offset + CHUNK]
        await db.execute(
            insert(output_chunks).values(
                run=run,
                start=start + offset,
                length=len(piece),
                position=position,
                data=packed(piece),
            )
        )


async def rewrite(db: AsyncConnection, run: RunId, start: int, data: bytes) -> None:
    """Put *data* in the place of what the chunk at *start* has."""
    at = (output_chunks.c.run == run) & (output_chunks.c.start == start)
    await db.execute(update(output_chunks).where(at).values(data=packed(data)))


async def chunk_at(db: AsyncConnection, run: RunId, start: int) -> Chunk | None:
    """Return the chunk that starts at *start*; None behind the last."""
    chunk = select(output_chunks).where(
        output_chunks.c.run == run, output_chunks.c.start == start
    )
    row = (await db.execute(chunk)).mappings().one_or_none()
    return None if row is None else _chunk(row)


async def rest_of(db: AsyncConnection, run: RunId, start: int) -> Chunk | None:
    """Return what *start* lies in, from there on; None behind the last chunk.

    The whole chunk where a redaction has moved what it had.
    """
    # No chunk is longer than CHUNK: those that start earlier need not be looked at.
    near = output_chunks.c.start > start - CHUNK
    reaches = output_chunks.c.start + output_chunks.c.length > start
    chunk = (
        select(output_chunks)
        .where(output_chunks.c.run == run, near, reaches)
        .order_by(output_chunks.c.start)
        .limit(1)
    )
    row = (await db.execute(chunk)).mappings().one_or_none()
    if row is None:
        return None
    whole = _chunk(row)
    skipped = start - whole.start
    if skipped <= 0 or len(whole.data) != row["length"]:
        return whole
    return replace(whole, start=start, data=whole.data[skipped:])


async def chunks_from(
    db: AsyncConnection, run: RunId, start: int, *, limit: int
) -> list[Chunk]:
    """Return up to *limit* chunks in order, the first of which starts at *start*."""
    chunks = (
        select(output_chunks)
        .where(output_chunks.c.run == run, output_chunks.c.start >= start)
        .order_by(output_chunks.c.start)
        .limit(limit)
    )
    rows = (await db.execute(chunks)).mappings().all()
    return await asyncio.to_thread(lambda: [_chunk(row) for row in rows])


async def tail(db: AsyncConnection, run: RunId, wanted: int) -> bytes:
    """Return the last *wanted* bytes, reading from the last chunk backwards."""
    last = b""
    start = await size(db, run)
    while start > 0 and len(last) < wanted:
        chunk = await _chunk_before(db, run, start)
        last = chunk.data + last
        start = chunk.start
    return last[-wanted:] if wanted > 0 else b""


def packed(data: bytes) -> bytes:
    """Return *data* as a chunk keeps it."""
    return zlib.compress(data, _FAST)


async def _chunk_before(db: AsyncConnection, run: RunId, end: int) -> Chunk:
    chunk = (
        select(output_chunks)
        .where(output_chunks.c.run == run, output_chunks.c.start < end)
        .order_by(output_chunks.c.start.desc())
        .limit(1)
    )
    return _chunk((await db.execute(chunk)).mappings().one())


async def _last(db: AsyncConnection, run: RunId, wanted: Select[int]) -> int:
    of_run = wanted.where(output_chunks.c.run == run)
    newest = of_run.order_by(output_chunks.c.start.desc()).limit(1)
    return (await db.execute(newest)).scalar() or 0


def _chunk(row: RowMapping) -> Chunk:
    return Chunk(
        start=row["start"],
        end=row["start"] + row["length"],
        data=zlib.decompress(row["data"]),
    )
