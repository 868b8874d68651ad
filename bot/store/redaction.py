"""Take texts out of what is stored of a run, and have what was posted posted anew."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb, voucher
from bot.domain.lock import EVERY
from bot.domain.people import Actor, ActorKind
from bot.domain.run import STOPPABLE, WAITING, Approval, Run, RunState
from bot.domain.stack import StackName
from bot.domain.telling import Card, Echo, Header, Planned, Tail, Telling, Waiting
from bot.domain.telling import Final as Ending
from bot.ports import Ended, Hide
from bot.store import audit, output
from bot.store.audit_redaction import redact_details
from bot.store.chunk_hiding import ChunkHiding, Hidden
from bot.store.conclusions import hidden_conclusion
from bot.store.endings import end_run, stop_run
from bot.store.moves import fetch
from bot.store.outbox import post, put_back, redact_holds_letters, redact_letters
from bot.store.places import gained, in_all, places
from bot.store.reviewing import forget_subject
from bot.store.samples import hidden_json
from bot.store.submissions import forget_digest
from bot.store.tables import (
    holds,
    outbox,
    policy_samples,
    reviews,
    runs,
    threads,
    transitions,
)
from bot.store.tellings import hidden, kind_of

_OTHER_COMMAND: Final = "Its command was redacted before it began."
_AT_ONCE: Final = 64
_UNFINISHED: Final = tuple(state.value for state in RunState if not state.is_terminal)
#: the threads of stacks, and not those of runs or of direct messages
_CARDS: Final = select(outbox.c.thread).where(outbox.c.kind == kind_of(Card(stack="")))


def _hidden_in_text(text: str, hide: Hide) -> str:
    return hide.text(text)


async def redact_run(
    db: AsyncConnection,
    run: Run,
    hide: Hide,
    actor: Actor,
    at: datetime,
    why: str,
    *,
    above: frozenset[str],
) -> int:
    """Hide what *hide* knows wherever it is stored of *run*; return in how many places.

    A run whose command would become another one does not begin any more.
    """
    run = await _call_off(db, run, hide, actor, at, above)
    if any(hide.text(words) != words for words in _typed(run)):
        await forget_digest(db, run.id)
        await forget_subject(db, run.id)
    said = await _hide_in_words(db, run, hide)
    held = await _hide_in_holds(db, run, hide)
    printed = await _hide_in_output(db, run, hide)
    told = await redact_letters(db, run.thread, hide)
    told += await redact_holds_letters(db, _held_stacks(run), run.thread, hide)
    details, vouched = await redact_details(db, run, hide)
    sampled = await _hide_in_samples(db, hide)
    changed = said + held + printed + told + details + sampled
    if said or printed:
        await _tell_again(db, run, said=bool(said), printed=bool(printed))
    if said or held:
        await _refresh_stack(db, run, held=bool(held))
    if changed or actor.kind is not ActorKind.HANDRAIL:
        detail = voucher(hide.text(why), changed, vouched)
        await audit.append(db, audit.deed_on(run, Verb.REDACTED, actor, at, detail))
    return changed


async def _call_off(
    db: AsyncConnection,
    run: Run,
    hide: Hide,
    actor: Actor,
    at: datetime,
    above: frozenset[str],
) -> Run:
    """End *run*, or have it stopped, if what it has still to do would be changed."""
    if not any(hide.text(words) != words for words in _ahead(run)):
        return run
    if run.state in STOPPABLE:
        await stop_run(db, run, actor, at, above=above)
        return await fetch(db, run.id)
    ended = Ended(state=RunState.DISCARDED, actor=actor, note=_OTHER_COMMAND)
    return await end_run(db, run, ended, at, above=above)


def _ahead(run: Run) -> tuple[str, ...]:
    """Return what *run* has still to do: commands that no container was given yet."""
    if run.state in {RunState.QUEUED, RunState.READY}:
        return _typed(run)
    return (run.apply,) if run.state in STOPPABLE | WAITING else ()


def _typed(run: Run) -> tuple[str, ...]:
    return run.command, run.apply, *run.parameters.values()


async def _hide_in_words(db: AsyncConnection, run: Run, hide: Hide) -> int:
    same = runs.c.id == run.id
    of_run = ("command", "apply", "note", "commit", "image_digest", "summary")
    said = (*of_run, "approval_note")
    return (
        await _hide_in(db, runs, said, same, hide)
        + await _hide_in(db, runs, ("parameters",), same, hide, hidden_in=hidden_json)
        + await _hide_in(db, runs, ("state_lock",), same, hide, hidden_in=hidden)
        + await _hide_in(
            db, runs, ("concluded",), same, hide, hidden_in=hidden_conclusion
        )
        + await _hide_in(db, transitions, ("note",), transitions.c.run == run.id, hide)
        + await _hide_in(db, reviews, ("note",), reviews.c.run == run.id, hide)
    )


async def _hide_in_samples(db: AsyncConnection, hide: Hide) -> int:
    # No sample says of which run it was, and there are few.
    asked = ("document", "ruling")
    return await _hide_in(
        db, policy_samples, asked, true(), hide, hidden_in=hidden_json
    )


async def _hide_in_holds(db: AsyncConnection, run: Run, hide: Hide) -> int:
    said = select(holds.c.reason).where(holds.c.stack.in_(_held_stacks(run)))
    # Those taken together with one of the stack have its reason too.
    same = holds.c.reason.in_(said.scalar_subquery())
    return await _hide_in(db, holds, ("reason",), same, hide)


def _held_stacks(run: Run) -> tuple[StackName, ...]:
    return run.stack, EVERY


async def _hide_in(
    db: AsyncConnection,
    table: Table,
    columns: tuple[str, ...],
    where: ColumnElement[bool],
    hide: Hide,
    *,
    hidden_in: Callable[[str, Hide], str] = _hidden_in_text,
) -> int:
    changed = 0
    for row in (await db.execute(select(table).where(where))).mappings().all():
        texts = {name: row[name] for name in columns if row[name]}
        after = {name: hidden_in(text, hide) for name, text in texts.items()}
        if after == texts:
            continue
        changed += sum(places(texts[name], after[name]) for name in texts)
        same = [column == row[column] for column in table.primary_key]
        await db.execute(update(table).where(*same).values(after))
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
    kinds = [kind_of(Ending(run=run.id))]
    in_place: list[Telling] = []
    if said:
        kinds += [kind_of(Echo(run=run.id)), kind_of(Planned(run=run.id))]
        in_place.append(Header(run=run.id))
    if said and run.approval is not Approval.NONE:
        in_place.append(Waiting(run=run.id))  # it says who agreed, and why
    if printed:
        in_place.append(Tail(run=run.id))
    await put_back(db, (outbox.c.thread == run.thread) & outbox.c.kind.in_(kinds))
    await post(db, run.thread, in_place, redacted=True)


async def _refresh_stack(db: AsyncConnection, run: Run, *, held: bool) -> None:
    """Tell anew what shows the newest runs of the stack, and who holds it."""
    cards = select(threads.c.id, threads.c.stack)
    cards = cards.where(threads.c.id.in_(_CARDS))
    if held:  # by a freeze, maybe, which every stack shows
        await _refresh_unfinished(db)
    else:
        cards = cards.where(threads.c.stack == run.stack)
    for thread, stack in (await db.execute(cards)).all():
        await post(db, thread, [Card(stack=stack)], redacted=True)


async def _refresh_unfinished(db: AsyncConnection) -> None:
    waiting = select(runs.c.id, runs.c.thread, runs.c.state)
    unfinished = waiting.where(runs.c.state.in_(_UNFINISHED)).order_by(runs.c.id)
    for other, thread, state in (await db.execute(unfinished)).all():
        tellings: list[Telling] = [Header(run=other)]
        if state == RunState.QUEUED:
            tellings.append(Waiting(run=other))
        await post(db, thread, tellings, redacted=True)
