"""Whatever people, API keys and CI jobs do, the record is what the algebra says."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, func, select

from bot.domain.approval import Judgment, Outcome
from bot.domain.audit import Verb
from bot.domain.errors import HandrailError, IllegalTransition, StaleFence
from bot.domain.lock import EVERY, Hold
from bot.domain.people import Actor, api_actor
from bot.domain.run import Approval, Run, RunId, RunState, RunType
from bot.domain.stack import StackName
from bot.store import audit, locks, tables
from bot.store.approvals import SqlApprovals
from bot.store.database import Database
from bot.store.record import SqlRecord
from bot.store.rows import actor_of, run_of
from bot.store.tables import metadata, outbox, runs, threads, wishes
from tests.contract.store.model import Model
from tests.contract.store.opened import FINISHED, UNPROVEN
from tests.support.builders import NOON, a_hold, a_new_run, an_actor

T = TypeVar("T")

STACKS: Final = tuple(map(StackName, ("a", "b", "c")))
PEOPLE: Final = tuple(map(an_actor, ("ann", "bob", "ada")))
ADA: Final = PEOPLE[2]
ABOVE: Final = frozenset({ADA.id})
KEYS: Final = (api_actor("ci"), api_actor("cd"))
HANDS: Final = PEOPLE + KEYS
HOLD_VERBS: Final = (Verb.HELD, Verb.FROZEN, Verb.RELEASED, Verb.STOLEN, Verb.EXPIRED)

a_stack = st.sampled_from(STACKS)
a_hand = st.sampled_from(HANDS)
some_stacks = st.lists(a_stack, min_size=1, max_size=3, unique=True)
a_while = st.sampled_from((None, 30, 300))
#: which of those there are; the newest first, as the most is to be tried with it
which = st.integers(min_value=0, max_value=7)


class Opened:
    """A record that machines use in turn, each from an empty database on."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._resources = AsyncExitStack()
        entered = self._resources.enter_async_context(Database.open(url))
        self.database = self.wait(entered)
        self.record = SqlRecord(self.database, above=ABOVE)
        self.approvals = SqlApprovals(self.database, above=ABOVE)

    def wait(self, work: Coroutine[None, None, T]) -> T:
        """Return what *work* comes to."""
        return self._runner.run(work)

    async def empty(self) -> int:
        """Forget everything but the audit, and return how far that goes."""
        async with self.database.write("empty the tables") as db:
            for table in reversed(metadata.sorted_tables):
                if table is not tables.audit:
                    await db.execute(delete(table))
            newest = await db.execute(select(func.max(tables.audit.c.ordinal)))
            return newest.scalar_one() or 0

    def close(self) -> None:
        """Close the database, and the loop."""
        self.wait(self._resources.aclose())
        self._runner.close()


class Coordination(RuleBasedStateMachine):
    """Random verbs by random hands, on the record and on the model alike."""

    opened: Opened

    def __init__(self) -> None:
        super().__init__()
        self.record = self.opened.record
        self.model = Model(ABOVE)
        self.now = NOON
        self.audited = self.opened.wait(self.opened.empty())

    @rule(seconds=st.sampled_from((10, 45, 100, 400)))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(stack=a_stack, by=a_hand)
    def submit(self, stack: StackName, by: Actor) -> None:
        new = replace(a_new_run(stack=stack), actor=by)
        self.model.add(self.opened.wait(self.record.submit(new, self.tick())))

    @rule(stack=a_stack, by=st.sampled_from(KEYS))
    def announce(self, stack: StackName, by: Actor) -> None:
        task = replace(a_new_run(stack=stack), actor=by)
        new = replace(task, type=RunType.TRACKED, outside=True)
        self.model.add(self.opened.wait(self.record.submit(new, self.tick())))

    @rule(stack=a_stack, by=a_hand)
    def ask(self, stack: StackName, by: Actor) -> None:
        new = replace(a_new_run(stack=stack), actor=by, approval=Approval.PENDING)
        self.model.add(self.opened.wait(self.record.submit(new, self.tick())))

    @precondition(lambda self: self.asked())
    @rule(which=which)
    def propose(self, which: int) -> None:
        run, at = self.asked()[::-1][which % len(self.asked())], self.tick()
        subject = at.isoformat()
        proposed = self.opened.approvals.propose(run.id, subject, "", at)
        assert self.opened.wait(proposed) == self.model.propose(run.id, subject, at)

    @precondition(lambda self: self.asked())
    @rule(which=which, outcome=st.sampled_from(Outcome), is_seen_right=st.booleans())
    def judge(self, which: int, outcome: Outcome, *, is_seen_right: bool) -> None:
        run, at = self.asked()[::-1][which % len(self.asked())], self.tick()
        subject = run.subject if is_seen_right else "another"
        judging = self.opened.approvals.judge(
            run.id, Judgment(outcome=outcome), at, seen=(), subject=subject
        )
        expected = self.model.judge(run.id, outcome, subject, at)
        assert self.opened.wait(judging) == expected

    @rule()
    def promote(self) -> None:
        at = self.tick()
        promoted = self.opened.wait(self.record.promote(at))
        assert [run.id for run in promoted] == self.model.promote(at)

    @rule()
    def promote_in_two_places_at_once(self) -> None:
        at = self.tick()

        async def twice() -> list[RunId]:
            both = await asyncio.gather(*(self.record.promote(at) for _ in range(2)))
            return [run.id for promoted in both for run in promoted]

        assert self.opened.wait(twice()) == self.model.promote(at)

    @precondition(lambda self: self.any_run(RunState.READY, outside=False))
    @rule(which=which)
    def start(self, which: int) -> None:
        run, at = self.run_in(which, RunState.READY, outside=False), self.tick()
        started = self.opened.wait(self.record.start(run.id, at))
        assert (started and started.state) == self.model.start(run.id, at)

    @precondition(lambda self: self.any_run(RunState.READY, outside=True))
    @rule(which=which)
    def begin(self, which: int) -> None:
        run, at = self.run_in(which, RunState.READY, outside=True), self.tick()
        begun = self.opened.wait(self.record.begin(run.id, at))
        assert begun == self.model.begin(run.id, at)

    @precondition(lambda self: self.model.heard)
    @rule(which=which)
    def begin_out_of_turn(self, which: int) -> None:
        run, at = self.run_in(which, *RunState, outside=True), self.tick()
        if run.state is not RunState.READY:
            found = self.fate(lambda: self.record.begin(run.id, at))
            assert found == self.fate_of(lambda: self.model.begin(run.id, at))

    @precondition(lambda self: self.model.heard)
    @rule(which=which, off=st.sampled_from((None, 0, 0, 0, 1)))
    def heartbeat(self, which: int, off: int | None) -> None:
        run, at = self.run_in(which, *RunState, outside=True), self.tick()
        claim = self.model.locks.claims.get(run.stack)
        fence = None if off is None or claim is None else claim.fence + off
        found = self.fate(lambda: self.record.heartbeat(run.id, fence, at))
        expected = self.fate_of(lambda: self.model.heartbeat(run.id, fence, at))
        assert (found in FAILED or None) == (expected in FAILED or None)
        assert found == expected or found not in FAILED

    @rule()
    def lapse(self) -> None:
        at = self.tick()
        lapsed = self.opened.wait(self.record.lapse(at))
        assert sorted(run.id for run in lapsed) == sorted(self.model.lapse(at))

    @precondition(lambda self: self.any_run(RunState.PREPARING))
    @rule(which=which)
    def perform(self, which: int) -> None:
        run, at = self.run_in(which, RunState.PREPARING), self.tick()
        performing = self.record.advance(run.id, RunState.PERFORMING, at)
        moved = self.opened.wait(performing)
        assert (moved and moved.state) == self.model.advance(run.id, at)

    @precondition(lambda self: self.any_run(RunState.PERFORMING))
    @rule(which=which, ended=st.sampled_from((FINISHED, FINISHED, UNPROVEN)))
    def end(self, which: int, ended: object) -> None:
        run, at = self.run_in(which, RunState.PERFORMING), self.tick()
        as_it_is = UNPROVEN if ended is UNPROVEN else FINISHED
        over = self.opened.wait(self.record.end(run.id, as_it_is, at))
        assert over.keeps_claim == self.model.end(run.id, as_it_is, at)

    @precondition(lambda self: self.model.runs)
    @rule(which=which)
    def settle(self, which: int) -> None:
        run = self.run_in(which, *RunState)
        settled = self.record.release_claim(run.id, ADA, "gone", self.tick())
        assert self.opened.wait(settled) == self.model.settle(run.id)

    @precondition(lambda self: self.model.runs)
    @rule(which=which, by=a_hand)
    def stop(self, which: int, by: Actor) -> None:
        run, at = self.run_in(which, *RunState), self.tick()
        answer = self.opened.wait(self.record.ask_stop(run.id, by, at))
        assert answer == self.model.stop(run.id, by, at)

    @rule(stacks=some_stacks, by=a_hand, seconds=a_while)
    def hold(self, stacks: list[StackName], by: Actor, seconds: int | None) -> None:
        at = self.tick()
        wanted = [a_hold_of(stack, by, at, seconds) for stack in stacks]
        answer = self.opened.wait(self.record.hold(wanted))
        assert (answer.taken, set(answer.holds)) == self.model.hold(wanted)

    @rule(by=a_hand, seconds=a_while)
    def freeze(self, by: Actor, seconds: int | None) -> None:
        wanted = a_hold_of(EVERY, by, self.tick(), seconds)
        answer = self.opened.wait(self.record.freeze(wanted))
        expected = self.model.hold([wanted], Verb.FROZEN)
        assert (answer.taken, set(answer.holds)) == expected

    @precondition(lambda self: self.model.locks.holds)
    @rule(count=st.integers(1, 3), which=which, is_seen_right=st.booleans())
    def release(self, count: int, which: int, *, is_seen_right: bool) -> None:
        seen = self.seen_holds(count, which, is_seen_right=is_seen_right)
        releasing = self.record.release_holds(seen, ADA, "", self.tick(), None)
        assert self.opened.wait(releasing) == self.model.release_holds(seen)

    @precondition(lambda self: self.model.locks.holds)
    @rule(which=which, by=a_hand, is_seen_right=st.booleans())
    def steal(self, which: int, by: Actor, *, is_seen_right: bool) -> None:
        (held,) = self.seen_holds(1, which, is_seen_right=is_seen_right)
        wanted = a_hold_of(held.stack, by, self.tick(), None)
        stolen = self.opened.wait(self.record.steal(held, wanted))
        assert stolen == self.model.steal(held, wanted)

    @rule()
    def expire(self) -> None:
        at = self.tick()
        assert self.opened.wait(self.record.expire(at)) == self.model.expire(at)

    @rule(stack=a_stack, by=a_hand)
    def wish(self, stack: StackName, by: Actor) -> None:
        self.opened.wait(self.record.notify_when_free(stack, by, self.tick()))
        self.model.wishes.add((stack, by))

    @invariant()
    def the_record_is_what_the_algebra_says(self) -> None:
        self.model.grant_wishes()
        self.opened.wait(self._compare())

    @invariant()
    def no_stack_has_two_active_runs(self) -> None:
        taken = Counter(
            run.stack
            for run in self.model.runs.values()
            if run.keeps_claim
            or not (run.state.is_terminal or run.state is RunState.QUEUED)
        )
        assert max(taken.values(), default=0) <= 1
        assert set(taken) == set(self.model.locks.claims)

    def teardown(self) -> None:
        """Compare what was audited and told, verb by verb."""
        self.opened.wait(self._compare_deeds())

    async def _compare(self) -> None:
        expected = self.model
        async with self.opened.database.read("compare") as db:
            assert await locks.all_locks(db) == expected.locks
            rows = (await db.execute(select(runs).order_by(runs.c.id))).mappings()
            found = [standing(run_of(row)) for row in rows]
            wished = (await db.execute(select(wishes))).mappings()
            pending = {(StackName(row["stack"]), actor_of(row)) for row in wished}
        assert found == [standing(run) for run in expected.runs.values()]
        assert pending == expected.wishes

    async def _compare_deeds(self) -> None:
        rows = audit.read(self.opened.database, after=self.audited)
        deeds = [row.deed.verb async for row in rows]
        done = Counter(verb for verb in deeds if verb in HOLD_VERBS)
        assert done == +self.model.deeds
        free = select(threads.c.channel).join(outbox, outbox.c.thread == threads.c.id)
        free = free.where(
            outbox.c.kind == "notice", outbox.c.telling.contains('"free"')
        )
        async with self.opened.database.read("compare") as db:
            told = Counter((await db.execute(free)).scalars())
        granted = self.model.granted.items()
        assert told == Counter({by.id: n for by, n in granted if by in PEOPLE})

    def tick(self) -> datetime:
        """Return a later time than any before, so that no two holds are as old."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def any_run(self, *states: RunState, outside: bool | None = None) -> bool:
        """Tell whether there is a run to choose."""
        return bool(self._runs_in(states, outside=outside))

    def run_in(self, which: int, *states: RunState, outside: bool | None = None) -> Run:
        """Choose a run, the newest first."""
        found = self._runs_in(states, outside=outside)
        return found[::-1][which % len(found)]

    def asked(self) -> list[Run]:
        """Return the runs that people have, or had, to agree to."""
        everything = self.model.runs.values()
        return [run for run in everything if run.approval is not Approval.NONE]

    def _runs_in(
        self, states: Sequence[RunState], *, outside: bool | None
    ) -> list[Run]:
        return [
            run
            for run in self.model.runs.values()
            if run.state in states and outside in (None, run.outside)
        ]

    def seen_holds(self, count: int, which: int, *, is_seen_right: bool) -> list[Hold]:
        """Choose holds in force; the last one seen wrong, as another's or older."""
        in_force = list(self.model.locks.holds.values())
        turned = in_force[which % len(in_force) :] + in_force
        seen = list({hold.stack: hold for hold in turned[:count]}.values())
        if not is_seen_right:
            by = HANDS[which % len(HANDS)]
            older = seen[-1].since - timedelta(seconds=which % 2)
            seen[-1] = replace(seen[-1], actor=by, since=older)
        return seen

    def fate(self, call: Callable[[], Coroutine[None, None, T]]) -> object:
        """Return what the record answers, or the kind of its error."""
        return self.fate_of(lambda: self.opened.wait(call()))

    def fate_of(self, call: Callable[[], T]) -> object:
        """Return what *call* answers, or the kind of its error."""
        try:
            return call()
        except FAILED as error:
            return type(error)


FAILED: Final[tuple[type[HandrailError], ...]] = (IllegalTransition, StaleFence)


def a_hold_of(stack: StackName, by: Actor, at: datetime, seconds: int | None) -> Hold:
    """Return the hold that *by* wants at a time."""
    until = None if seconds is None else at + timedelta(seconds=seconds)
    return replace(a_hold(stack=stack, since=at), actor=by, until=until)


def standing(run: Run) -> tuple[object, ...]:
    """Return what coordination decides of a run."""
    is_lost = run.lost_since is not None
    agreed = run.approval, run.subject
    return run.id, run.stack, run.state, run.keeps_claim, is_lost, agreed


@pytest.fixture
def opened(url: str) -> Iterator[Opened]:
    record = Opened(url)
    yield record
    record.close()


# Where it finds something, it looks for the shortest way there, for up to 5 minutes.
@pytest.mark.timeout(600)
def test_the_record_is_what_the_algebra_says(opened: Opened) -> None:
    machine = type("OnThis", (Coordination,), {"opened": opened})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert opened.wait(audit.verify(opened.database)).broken is None
