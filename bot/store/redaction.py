"""Take texts out of what is stored of a run, and have what was posted posted anew."""

import asyncio
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb, voucher
from bot.domain.people import Actor, ActorKind
from bot.domain.run import Run, RunState
from bot.domain.telling import Card, Echo, Header, Tail, Telling
from bot.domain.telling import Final as Ending
from bot.ports import Ended, Hide
from bot.store import audit, output
from bot.store.audit_redaction import redact_details
from bot.store.chunk_hiding import ChunkHiding, Hidden
from bot.store.endings import end_run
from bot.store.outbox import post, put_back, redact_letters
from bot.store.places import gained, in_all, places
from bot.store.tables import holds, outbox, runs, threads, transitions
from bot.store.tellings import kind_of

_NOT_BEGUN: Final = frozenset({RunState.QUEUED, RunState.READY})
_OTHER_COMMAND: Final = "Its command was redacted before it began."
_AT_ONCE: Final = 64


async def redact_run(
    db: AsyncConnection, run: Run, hide: Hide, actor: Actor, at: datetime, why: str
) -> int:
    """Hide what *hide* knows wherever it is stored of *run*; return in how many places.

    A run whose command would become another one does not begin any more.
    """
    if run.state in _NOT_BEGUN and hide.text(run.command) != run.command:
        ended = Ended(state=RunState.DISCARDED, actor=actor, note=_OTHER_COMMAND)
        run = await end_run(db, run, ended, at)
    said = await _hide_in_words(db, run, hide)
    printed = await _hide_in_output(db, run, hide)
    told = await redact_letters(db, run.thread, hide)
    details, vouched = await redact_details(db, run, hide)
    changed = said + printed + told + details
    if changed:
        await _tell_again(db, run, said=bool(said), printed=bool(printed))
    if changed or actor.kind is not ActorKind.HANDRAIL:
        detail = voucher(hide.text(why), changed, vouched)
        await audit.append(db, audit.deed_on(run, Verb.REDACTED, actor, at, detail))
    return changed


async def _hide_in_words(db: AsyncConnection, run: Run, hide: Hide) -> int:
    of_run = ("command", "note", "commit", "image_digest")
    return (
        await _hide_in(db, runs, of_run, runs.c.id == run.id, hide)
        + await _hide_in(db, transitions, ("note",), transitions.c.run == run.id, hide)
        + await _hide_in(db, holds, ("reason",), holds.c.stack == run.stack, hide)
    )


async def _hide_in(
    db: AsyncConnection,
    table: Table,
    columns: tuple[str, ...],
    where: ColumnElement[bool],
    hide: Hide,
) -> int:
    changed = 0
    for row in (await db.execute(select(table).where(where))).mappings().all():
        texts = {name: row[name] for name in columns if row[name]}
        hidden = {name: hide.text(text) for name, text in texts.items()}
        if hidden == texts:
            continue
        changed += sum(places(texts[name], hidden[name]) for name in texts)
        same = [column == row[column] for column in table.primary_key]
        await db.execute(update(table).where(*same).values(hidden))
    return changed


async def _hide_in_output(db: AsyncConnection, run: Run, hide: Hide) -> int:
    hiding = ChunkHiding(hide.stream())
    gains: list[int] = []
    start = 0
    while chunks := await output.chunks_from(db, run.id, start, limit=_AT_ONCE):
        gains += await _rewrite(db, run, await asyncio.to_thread(hiding.feed, chunks))
        start = chunks[-1].end
    return in_all([*gains, *await _rewrite(db, run, hiding.flush())])


async def _rewrite(db: AsyncConnection, run: Run, done: list[Hidden]) -> list[int]:
    changed = [hidden for hidden in done if hidden.data != hidden.chunk.data]
    for chunk, data in changed:
        await output.rewrite(db, run.id, chunk.start, data)
    return [gained(chunk.data, data) for chunk, data in changed]


async def _tell_again(
    db: AsyncConnection, run: Run, *, said: bool, printed: bool
) -> None:
    if not said and not printed:
        return
    kinds = [kind_of(Ending(run=run.id))]
    in_place: list[Telling] = []
    if said:
        kinds.append(kind_of(Echo(run=run.id)))
        in_place.append(Header(run=run.id))
        await _refresh_cards(db, run)
    if printed:
        in_place.append(Tail(run=run.id))
    await put_back(db, (outbox.c.thread == run.thread) & outbox.c.kind.in_(kinds))
    await post(db, run.thread, in_place, redacted=True)


async def _refresh_cards(db: AsyncConnection, run: Run) -> None:
    of_runs = select(runs.c.thread)
    cards = select(threads.c.id).where(
        threads.c.stack == run.stack, threads.c.id.not_in(of_runs)
    )
    for thread in (await db.execute(cards)).scalars().all():
        await post(db, thread, [Card(stack=run.stack)], redacted=True)
