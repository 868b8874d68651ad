"""How people agree to a run: asked, answered, judged, and asked again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Decision, Judgment, Outcome, Review, ReviewAnswer
from bot.domain.audit import Verb
from bot.domain.people import HANDRAIL
from bot.domain.run import Approval, Reason, Run, RunId, RunState
from bot.domain.telling import Header, Reviewed, Said, Waiting
from bot.ports import Change, Ended
from bot.store import audit
from bot.store.database import wake
from bot.store.endings import end_run
from bot.store.outbox import post
from bot.store.queue import pass_on, post_waiting
from bot.store.rows import Value, actor_values, review_of, run_of, session_text
from bot.store.starts import requeue
from bot.store.tables import reviews, runs

_VERBS: Final = {Decision.APPROVE: Verb.APPROVED, Decision.REJECT: Verb.REJECTED}
_NOUNS: Final = {Decision.APPROVE: "approval", Decision.REJECT: "rejection"}
_NOT_BEGUN: Final = (RunState.QUEUED, RunState.READY)
_CHANGED: Final = (
    "The image or the configuration of this run is another one than when you reviewed "
    "it, so your review counts no more. Look at the run again."
)
_NOT_IN_TIME: Final = "It was not approved in time."
_ONCE_MORE: Final = "Send it again to have them asked once more."


async def reviews_of(db: AsyncConnection, run: RunId) -> tuple[Review, ...]:
    """Return all reviews of *run*, oldest first, void ones too."""
    of_run = select(reviews).where(reviews.c.run == run).order_by(reviews.c.ordinal)
    return tuple(map(review_of, (await db.execute(of_run)).mappings()))


async def propose(
    db: AsyncConnection,
    run: Run,
    subject: str,
    image: str,
    at: datetime,
    above: frozenset[str],
) -> bool:
    """Have people agree to *subject*, and to nothing that *run* was before."""
    if not _may_be_asked_for(run):
        return False
    if (run.subject, run.image_digest or "") == (subject, image):
        return True
    values: dict[str, Value] = {
        "subject": subject,
        "image_digest": image or None,
        "subject_changed_at": at,
    }
    if run.subject is not None:
        values |= await _asked_anew(db, run, at)
    await _ask(db, run, at, above, values)
    detail = f"image {image}" if image else ""
    await audit.append(db, audit.deed_on(run, Verb.PROPOSED, HANDRAIL, at, detail))
    others = reviews.c.subject != subject
    void = await _void(db, run, others, "of what the run is no more", at)
    for actor in dict.fromkeys(review.actor for review in void):
        await post(db, run.thread, (Said(text=_CHANGED, to=actor),))
    await _tell(db, run)
    return True


async def review(db: AsyncConnection, run: Run, given: Review) -> ReviewAnswer:
    """Keep what was *given* of a pending *run*."""
    if run.state.is_terminal:
        return ReviewAnswer.OVER
    if run.approval is not Approval.PENDING:
        return ReviewAnswer.NOT_ASKED
    if run.subject != given.subject:
        return ReviewAnswer.CHANGED
    row = insert(reviews).values(
        run=run.id,
        **actor_values("actor", given.actor),
        session=session_text(given.session),
        decision=given.decision.value,
        note=given.note,
        at=given.at,
        subject=given.subject,
    )
    await db.execute(row)
    verb = _VERBS[given.decision]
    deed = audit.deed_on(run, verb, given.actor, given.at, given.note)
    await audit.append(db, deed)
    told = Reviewed(actor=given.actor, decision=given.decision, note=given.note)
    await post(db, run.thread, (told,))
    await _tell(db, run)
    wake(db, Change.RUNS)
    return ReviewAnswer.TAKEN


async def withdraw(
    db: AsyncConnection,
    run: Run,
    ordinals: Sequence[int],
    why: str,
    at: datetime,
    above: frozenset[str],
) -> bool:
    """Count those reviews of *run* no more."""
    if not _may_be_asked_for(run):
        return False
    if not await _void(db, run, reviews.c.ordinal.in_(ordinals), why, at):
        return False
    values = await _asked_anew(db, run, at) if run.approval is Approval.APPROVED else {}
    await _ask(db, run, at, above, values)
    await post(db, run.thread, (Said(text=why),))
    await _tell(db, run)
    return True


async def judge(
    db: AsyncConnection,
    run: Run,
    judgment: Judgment,
    at: datetime,
    above: frozenset[str],
) -> None:
    """Have a pending *run* go on, fail or wait, as *judgment* says."""
    note = "\n".join(judgment.notes)
    waits = judgment.outcome is Outcome.UNDECIDED
    if waits and note == run.approval_note:
        return
    deed = audit.deed_on(run, Verb.JUDGED, HANDRAIL, at, _in_words(judgment))
    await audit.append(db, deed)
    values: dict[str, Value] = {"approval_note": note}
    match judgment.outcome:
        case Outcome.UNDECIDED:
            await _set(db, run, values)
            await _tell(db, run)
        case Outcome.APPROVED:
            await _set(db, run, {**values, "approval": Approval.APPROVED.value})
            await _tell(db, run)
            await post_waiting(db, (run.stack,))  # it is in line before some
            wake(db, Change.RUNS)
        case Outcome.REJECTED:
            after = await _set(db, run, values)
            ended = Ended(
                state=RunState.FAILED,
                actor=HANDRAIL,
                reason=Reason.REJECTED,
                note=" ".join(judgment.notes),
            )
            await end_run(db, after, ended, at, above=above)


async def is_as_seen(
    db: AsyncConnection, run: Run, seen: Sequence[Review], subject: str | None
) -> bool:
    """Tell whether *run* is pending, and still what *seen* were the reviews of."""
    if not run.waits_for_approval or run.subject != subject:
        return False
    now = await reviews_of(db, run.id)
    return [(it.ordinal, it.void) for it in now] == [
        (it.ordinal, it.void) for it in seen
    ]


async def discard(
    db: AsyncConnection, run: Run, at: datetime, above: frozenset[str]
) -> Run:
    """End a *run* to which nobody agreed in time."""
    said = _NOT_IN_TIME, *run.approval_note.split("\n"), _ONCE_MORE
    note = " ".join(filter(None, said))
    over = Ended(state=RunState.DISCARDED, actor=HANDRAIL, note=note)
    return await end_run(db, run, over, at, above=above)


async def forget_subject(db: AsyncConnection, run: RunId) -> None:
    """Forget what exactly was agreed to of *run*, all of it by one name from now on.

    A digest would let what was redacted be guessed, and the guess be confirmed.
    """
    known = (runs.c.id == run) & runs.c.subject.is_not(None)
    await db.execute(update(runs).where(known).values(subject=""))
    await db.execute(update(reviews).where(reviews.c.run == run).values(subject=""))


def _may_be_asked_for(run: Run) -> bool:
    return run.approval is not Approval.NONE and run.state in _NOT_BEGUN


async def _asked_anew(db: AsyncConnection, run: Run, at: datetime) -> dict[str, Value]:
    """Return what has people as long to agree from *at* on as they had at first."""
    if run.approval_expires is None:
        return {"asked_at": at}
    asked = select(runs.c.asked_at).where(runs.c.id == run.id)
    patience = run.approval_expires - (await db.execute(asked)).scalar_one()
    return {"asked_at": at, "approval_expires": at + patience}


async def _ask(
    db: AsyncConnection,
    run: Run,
    at: datetime,
    above: frozenset[str],
    values: dict[str, Value],
) -> None:
    """Have *run* wait for people, whether it did already or not."""
    wake(db, Change.RUNS)
    if run.approval is Approval.APPROVED:
        values = {"approval_note": "", **values}
    values = {"approval": Approval.PENDING.value, **values}
    if run.state is RunState.READY:
        await requeue(db, run, at, above, **values)
        return
    await _set(db, run, values)
    if run.approval is Approval.APPROVED:
        await pass_on(db, (run.stack,), above)  # it was in the way of some


async def _set(db: AsyncConnection, run: Run, values: dict[str, Value]) -> Run:
    row = update(runs).where(runs.c.id == run.id).values(values).returning(runs)
    return run_of((await db.execute(row)).mappings().one())


async def _void(
    db: AsyncConnection, run: Run, which: ColumnElement[bool], why: str, at: datetime
) -> tuple[Review, ...]:
    valid = (reviews.c.run == run.id) & reviews.c.voided_at.is_(None)
    voided = update(reviews).where(valid, which).values(voided_at=at)
    rows = (await db.execute(voided.returning(reviews))).mappings().all()
    void = sorted(map(review_of, rows), key=lambda it: it.ordinal)
    for it in void:
        whose = f"{it.actor.name or it.actor.id} ({it.actor.id})"
        detail = f"the {_NOUNS[it.decision]} of {whose}: {why}"
        await audit.append(db, audit.deed_on(run, Verb.VOIDED, HANDRAIL, at, detail))
    return tuple(void)


async def _tell(db: AsyncConnection, run: Run) -> None:
    await post(db, run.thread, (Header(run=run.id), Waiting(run=run.id)))


def _in_words(judgment: Judgment) -> str:
    return ": ".join(filter(None, (judgment.outcome, " ".join(judgment.notes))))
