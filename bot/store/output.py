"""The output of a run: compressed chunks, each at its offset."""

import zlib
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.run import RunId
from bot.store.tables import output_chunks

#: bytes of a chunk before compression: what is unpacked at a time
CHUNK: Final = 64 * 1024

_FAST: Final = 1


async def size(db: AsyncConnection, run: RunId) -> int:
    """Return how many bytes are kept."""
    newest = (
        select(output_chunks.c.start + output_chunks.c.length)
        .where(output_chunks.c.run == run)
        .order_by(output_chunks.c.start.desc())
        .limit(1)
    )
    return (await db.execute(newest)).scalar() or 0


async def append(db: AsyncConnection, run: RunId, data: bytes, *, start: int) -> None:
    """Put *data* behind the *start* bytes that are kept already."""
    for offset in range(0, len(data), CHUNK):
        piece = data[offset : offset + CHUNK]
        await db.execute(
            insert(output_chunks).values(
                run=run,
                start=start + offset,
                length=len(piece),
                data=zlib.compress(piece, _FAST),
            )
        )


async def chunk_at(db: AsyncConnection, run: RunId, start: int) -> bytes:
    """Return the chunk that starts at *start*; empty behind the last."""
    chunk = select(output_chunks.c.data).where(
        output_chunks.c.run == run, output_chunks.c.start == start
    )
    packed = (await db.execute(chunk)).scalar_one_or_none()
    return b"" if packed is None else zlib.decompress(packed)


async def tail(db: AsyncConnection, run: RunId, wanted: int) -> bytes:
    """Return the last *wanted* bytes, reading from the last chunk backwards."""
    last = b""
    start = await size(db, run)
    while start > 0 and len(last) < wanted:
        chunk = await _chunk_before(db, run, start)
        last = chunk + last
        start -= len(chunk)
    return last[-wanted:] if wanted > 0 else b""


async def _chunk_before(db: AsyncConnection, run: RunId, end: int) -> bytes:
    chunk = (
        select(output_chunks.c.data)
        .where(output_chunks.c.run == run, output_chunks.c.start < end)
        .order_by(output_chunks.c.start.desc())
        .limit(1)
    )
    return zlib.decompress((await db.execute(chunk)).scalar_one())
