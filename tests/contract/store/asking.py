"""Runs that people have to agree to, as tests ask for them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.approval import (
    Decision,
    Judgment,
    Outcome,
    Review,
)
from bot.domain.audit import Verb
from bot.domain.policy import Session
from bot.domain.run import Approval, Run
from bot.ports import NewRun
from tests.contract.store.opened import Store
from tests.support.builders import STACK, a_new_run, an_actor, later

SUBJECT, OTHER = "a" * 64, "b" * 64
IMAGE = "sha256:c0ffee"
SESSION = Session(login="U0BOB", name="Bob", teams=("platform", "sre"), admin=True)
APPROVED = Judgment(outcome=Outcome.APPROVED, notes=("2 of @platform agree.",))
REJECTED = Judgment(outcome=Outcome.REJECTED, notes=("No.", "Bob says why."))
UNDECIDED = Judgment(outcome=Outcome.UNDECIDED, notes=("1 of @platform has to.",))
WEEK = 7 * 24 * 3600


def asked(
    command: str = "terraform apply", *, by: str = "ann", stack: str = STACK
) -> NewRun:
    """Return what becomes a run that people have to agree to within a week."""
    new = a_new_run(command, by=by, stack=stack)
    return replace(
        new, approval=Approval.PENDING, approval_expires=later(WEEK), session=SESSION
    )


def said(
    run: Run,
    *,
    by: str = "bob",
    decision: Decision = Decision.APPROVE,
    note: str = "",
    subject: str = SUBJECT,
    at: datetime = later(5),  # noqa: B008 (a constant)
) -> Review:
    """Return what somebody says of *run*."""
    return Review(
        run=run.id,
        actor=an_actor(by),
        session=SESSION,
        decision=decision,
        note=note,
        at=at,
        subject=subject,
    )


async def proposed(store: Store, new: NewRun | None = None) -> Run:
    """Submit a run, and have people asked to agree to it."""
    run = await store.record.submit(new or asked(), later(0))
    assert await store.approvals.propose(run.id, SUBJECT, IMAGE, later(1))
    return await store.archive.run(run.id)


async def judged(
    store: Store,
    run: Run,
    judgment: Judgment = APPROVED,
    *,
    seen: Sequence[Review] | None = None,
    subject: str | None = SUBJECT,
) -> bool:
    """Judge *run* by the reviews that there are, or those that somebody has *seen*."""
    if seen is None:
        seen = await store.approvals.reviews(run.id)
    return await store.approvals.judge(
        run.id, judgment, later(6), seen=seen, subject=subject
    )


async def approved(store: Store, new: NewRun | None = None) -> Run:
    """See a run to where bob has agreed to it."""
    run = await proposed(store, new)
    await store.approvals.review(said(run))
    assert await judged(store, run)
    return await store.archive.run(run.id)


async def verbs(store: Store) -> list[Verb]:
    return [deed.verb for deed in await store.deeds()]


async def details(store: Store, verb: Verb) -> list[str]:
    return [deed.detail for deed in await store.deeds() if deed.verb is verb]
