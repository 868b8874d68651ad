"""What a redaction takes out of what people and policies said of a run."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from bot.domain.approval import Decision, Judgment, Outcome, ReviewAnswer, counted
from bot.domain.audit import Verb
from bot.domain.policy import Ruling
from bot.domain.run import Run, RunId, RunState
from bot.domain.telling import Waiting
from bot.store import audit
from bot.store.tables import reviews, runs
from tests.contract.store.asking import (
    APPROVED,
    IMAGE,
    OTHER,
    SUBJECT,
    approved,
    asked,
    details,
    judged,
    proposed,
    said,
)
from tests.contract.store.opened import Store
from tests.contract.store.test_record_redaction import (
    TEXT,
    everything,
    posted,
    redact,
)
from tests.support.builders import a_new_run, later

UNDECIDED = Judgment(outcome=Outcome.UNDECIDED, notes=(f"Who knows {TEXT} has to.",))


async def preset(store: Store, value: str = TEXT) -> Run:
    new = replace(asked(), preset="restart", parameters={"token": value, "at": "noon"})
    return await proposed(store, new)


async def test_a_text_is_gone_from_all_that_was_said_of_a_run(store: Store) -> None:
    run = await proposed(store)
    await store.approvals.review(said(run, note=f"is {TEXT} right?"))
    no = said(run, by="zoe", decision=Decision.REJECT, note=f"no {TEXT}")
    await store.approvals.review(no)
    await judged(store, run, UNDECIDED)
    await posted(store)
    assert TEXT in await everything(store)

    places = await redact(store)

    assert TEXT not in await everything(store)
    # two notes, in their tellings and deeds too, what is told of who has to agree,
    # and the deed of that
    assert places == 8
    now = await store.archive.run(run.id)
    assert now.approval_note == "Who knows ***** has to."
    assert (now.state, now.subject) == (RunState.QUEUED, SUBJECT)
    assert [it.note for it in await store.approvals.reviews(run.id)] == [
        "is ***** right?",
        "no *****",
    ]
    assert await details(store, Verb.JUDGED) == ["undecided: Who knows ***** has to."]
    told = [telling for telling, _ in await posted(store)]
    assert Waiting(run=run.id) in told
    assert (await audit.verify(store.database)).broken is None


async def test_a_run_whose_parameter_becomes_another_does_not_begin(
    store: Store,
) -> None:
    run = await preset(store)

    await redact(store)

    over = await store.archive.run(run.id)
    assert over.state is RunState.DISCARDED
    assert over.parameters == {"token": "*****", "at": "noon"}
    assert TEXT not in await everything(store)


async def test_a_text_is_found_in_a_parameter_that_is_kept_escaped(
    store: Store,
) -> None:
    run = await preset(store, f'say "{TEXT}"\nü')

    await redact(store)

    assert (await store.archive.run(run.id)).parameters["token"] == 'say "*****"\nü'
    assert TEXT not in await everything(store)


async def digests(store: Store) -> set[Any]:
    async with store.database.read("look at the digests") as db:
        of_runs = (await db.execute(select(runs.c.subject))).scalars().all()
        of_reviews = (await db.execute(select(reviews.c.subject))).scalars().all()
    return {*of_runs, *of_reviews}


async def test_no_digest_stays_of_a_command_that_was_redacted(store: Store) -> None:
    run = await proposed(store, asked(f"mysql -p{TEXT}"))
    await store.approvals.review(said(run, by="zoe"))
    await store.approvals.propose(run.id, OTHER, IMAGE, later(4))
    bob = said(run, subject=OTHER)
    assert await store.approvals.review(bob) is ReviewAnswer.TAKEN
    await judged(store, run, APPROVED, subject=OTHER)
    await store.record.promote(later(8))
    await store.record.start(run.id, later(9))

    await redact(store)

    assert await digests(store) == {""}
    assert SUBJECT not in await everything(store)
    assert OTHER not in await everything(store)
    # Who agreed to it is known all the same.
    given = counted(await store.approvals.reviews(run.id), "")
    assert [it.actor.name for it in given.approvals] == ["bob"]


async def test_other_runs_keep_what_was_agreed_to(store: Store) -> None:
    await store.record.submit(a_new_run(f"mysql -p{TEXT}", stack="db-prod"), later(0))
    other = await approved(store)

    await redact(store, RunId(1))

    assert (await store.archive.run(other.id)).subject == SUBJECT
    assert [it.subject for it in await store.approvals.reviews(other.id)] == [SUBJECT]


async def test_a_run_that_nobody_had_to_agree_to_gets_no_subject(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING, a_new_run(f"mysql -p{TEXT}"))

    await redact(store)

    assert (await store.archive.run(run.id)).subject is None


async def test_a_text_is_gone_from_what_policies_were_asked(store: Store) -> None:
    await store.finished(a_new_run(f"echo {TEXT}"))
    document = {"request": {"command": f'echo "{TEXT}"', "timestamp_ns": 7}}
    ruling = Ruling(policy="a.rego", deny=(f"{TEXT} is not for you", "ü"))
    await store.approvals.keep_sample("a.rego", document, ruling, later(0))
    await store.approvals.keep_sample("a.rego", {"other": "ü"}, ruling, later(1))

    places = await redact(store)

    assert TEXT not in await everything(store)
    assert places == 2 + 1 + 2
    (_, newer), (kept, _) = await store.approvals.samples("a.rego")
    assert kept == {"request": {"command": 'echo "*****"', "timestamp_ns": 7}}
    assert newer == replace(ruling, deny=("***** is not for you", "ü"))
