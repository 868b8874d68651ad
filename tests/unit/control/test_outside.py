"""What a CI may do with its run, and what is done where it is silent."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from bot.control.access import Access
from bot.control.outside import RENEWAL, Leases, Outside
from bot.domain.errors import Refusal, Refused, StoreUnavailable
from bot.domain.keys import ApiKey
from bot.domain.lock import LEASE
from bot.domain.people import Actor, Role
from bot.domain.run import Reason, Run, RunId, RunState, RunType
from bot.ports import Ended
from bot.store.database import Database
from bot.store.record import SqlRecord
from tests.contract.store.opened import LOST, Store
from tests.support.builders import NOON, a_hold, a_new_run, an_actor, later
from tests.unit.control.stand_ins import Keyring, People, a_catalog, a_consent

BEHIND = LEASE.total_seconds() + 1
KEY = ApiKey(
    name="ci",
    id="0123456789abcdef",
    digest="",
    role=Role.WRITER,
    stacks=None,
    made_by=an_actor("ada"),
    made_at=NOON,
)


class Watched(SqlRecord):
    """The real record, away as often as a test says, and what it was asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.away: Counter[str] = Counter()
        self.renewed: list[tuple[RunId, ...]] = []
        self.first: Ended | None = None  #: how another hand ends a run before ours
        self.heard_with: int | None = None  #: the fence of a CI that is before us

    async def renew(self, runs: Sequence[RunId], at: datetime) -> None:
        self._ask("renew")
        self.renewed.append(tuple(runs))

    async def lapse(self, at: datetime) -> tuple[Run, ...]:
        self._ask("lapse")
        return await super().lapse(at)

    async def end(
        self, run: RunId, ended: Ended, at: datetime, tell: Sequence[object] = ()
    ) -> Run:
        if self.first is not None:
            await super().end(run, self.first, at)
        return await super().end(run, ended, at)

    async def settle(self, run: RunId, actor: Actor, reason: str, at: datetime) -> bool:
        if self.first is not None:
            await super().end(run, self.first, at)
        if self.heard_with is not None:
            await super().heartbeat(run, self.heard_with, at)
        return await super().settle(run, actor, reason, at)

    def _ask(self, method: str) -> None:
        if self.away[method]:
            self.away[method] -= 1
            raise StoreUnavailable("the database is locked")


@dataclass(kw_only=True)
class Ground:
    """A store with a CI's run, a clock, and the use cases over them."""

    store: Store
    record: Watched
    now: datetime = NOON
    host: float = 0.0  #: the host's own time
    driven: tuple[RunId, ...] = ()
    wakes: list[datetime] = field(default_factory=list)
    keys: Keyring = field(default_factory=lambda: Keyring(keys={"ci": KEY}))

    def clock(self) -> datetime:
        return self.now

    def wake(self) -> None:
        self.wakes.append(self.now)

    def outside(self) -> Outside:
        catalog = a_catalog()
        people = People()
        access = Access(
            catalog=catalog, directory=people, keys=self.keys, clock=self.clock
        )
        return Outside(
            access=access,
            catalog=catalog,
            record=self.record,
            archive=self.store.archive,
            consent=a_consent(catalog, access, people, self.store.database),
            clock=self.clock,
            wake=self.wake,
        )

    def leases(self) -> Leases:
        return Leases(
            record=self.record,
            driven=lambda: self.driven,
            clock=self.clock,
            wake=self.wake,
            host=lambda: self.host,
        )

    async def ready(self) -> Run:
        """Return a run of the CI's that may begin."""
        new = replace(a_new_run(), actor=KEY.actor, type=RunType.TRACKED, outside=True)
        run = await self.record.submit(new, NOON)
        await self.record.promote(NOON)
        return await self.run(run)

    async def performing(self) -> tuple[Run, int]:
        """Return a run that the CI performs, and its fence."""
        run = await self.ready()
        claim = await self.outside().begin(KEY.actor, run.id)
        return await self.run(run), claim.fence

    async def lost(self) -> tuple[Run, int]:
        """Return a run whose CI was not heard of, and its fence."""
        run, fence = await self.performing()
        self.now = later(BEHIND)
        await self.record.lapse(self.now)
        return await self.run(run), fence

    async def run(self, run: Run) -> Run:
        return await self.store.archive.run(run.id)


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with Store.open(f"sqlite+aiosqlite:///{tmp_path}/handrail.db") as store:
        yield Ground(store=store, record=Watched(store.database))


async def test_a_key_that_is_no_writer_any_more_does_not_begin(ground: Ground) -> None:
    run = await ground.ready()
    ground.keys.keys["ci"] = replace(KEY, role=Role.READER)

    with pytest.raises(Refused) as refused:
        await ground.outside().begin(KEY.actor, run.id)

    assert refused.value.reason is Refusal.NOT_ALLOWED
    assert (await ground.run(run)).state is RunState.READY


async def test_a_hold_that_came_before_it_puts_the_run_back(ground: Ground) -> None:
    run = await ground.ready()
    await ground.record.hold([a_hold(by="ann")])

    with pytest.raises(Refused, match="waits again") as refused:
        await ground.outside().begin(KEY.actor, run.id)

    assert refused.value.reason is Refusal.TOO_LATE
    assert (await ground.run(run)).state is RunState.QUEUED


async def test_a_run_that_does_not_exist_is_unknown(ground: Ground) -> None:
    for asking in (
        ground.outside().begin(KEY.actor, RunId(9)),
        ground.outside().heartbeat(KEY.actor, RunId(9), None),
        ground.outside().finish(KEY.actor, RunId(9), 1, 0),
        ground.outside().settle(an_actor("ada"), RunId(9), "why"),
    ):
        with pytest.raises(Refused) as refused:
            await asking
        assert refused.value.reason is Refusal.UNKNOWN_RUN


async def test_a_run_that_has_not_begun_does_not_finish(ground: Ground) -> None:
    run = await ground.ready()
    claim = (await ground.store.archive.occupancy(run.stack)).claim
    assert claim is not None

    with pytest.raises(Refused, match="has not begun"):
        await ground.outside().finish(KEY.actor, run.id, claim.fence, 0)


async def test_a_finished_run_frees_its_stack_and_wakes_who_waits(
    ground: Ground,
) -> None:
    run, fence = await ground.performing()

    over = await ground.outside().finish(KEY.actor, run.id, fence, 0)

    assert (over.state, over.exit_code) == (RunState.FINISHED, 0)
    assert (await ground.store.archive.occupancy(run.stack)).claim is None
    assert ground.wakes == [NOON]


async def test_an_end_that_another_hand_was_first_with_is_refused(
    ground: Ground,
) -> None:
    run, fence = await ground.performing()
    ground.record.first = LOST

    with pytest.raises(Refused, match="is over") as refused:
        await ground.outside().finish(KEY.actor, run.id, fence, 0)

    assert refused.value.reason is Refusal.TOO_LATE
    assert (await ground.run(run)).reason is Reason.LOST


async def test_a_settled_run_is_released_with_its_reason(ground: Ground) -> None:
    run, _ = await ground.lost()

    assert await ground.outside().settle(an_actor("ada"), run.id, "it burnt")

    over = await ground.run(run)
    assert (over.state, over.reason, over.keeps_claim) == (
        RunState.FAILED,
        Reason.LOST,
        False,
    )
    assert (await ground.store.archive.occupancy(run.stack)).claim is None
    assert len(ground.wakes) == 1


async def test_a_ci_that_is_heard_of_before_it_is_settled_goes_on(
    ground: Ground,
) -> None:
    run, ground.record.heard_with = await ground.lost()

    with pytest.raises(Refused, match="still heard of") as refused:
        await ground.outside().settle(an_actor("ada"), run.id, "it burnt")

    assert refused.value.reason is Refusal.UNSAFE
    assert (await ground.run(run)).state is RunState.PERFORMING
    assert ground.wakes == []


async def test_what_its_ci_has_finished_was_not_lost(ground: Ground) -> None:
    run, fence = await ground.lost()

    over = await ground.outside().finish(KEY.actor, run.id, fence, 0)

    assert (over.state, over.lost_since) == (RunState.FINISHED, None)


async def test_another_fence_finishes_nothing(ground: Ground) -> None:
    run, fence = await ground.performing()

    with pytest.raises(Refused) as refused:
        await ground.outside().finish(KEY.actor, run.id, fence + 1, 0)

    assert refused.value.reason is Refusal.STALE
    assert (await ground.run(run)).state is RunState.PERFORMING


async def test_a_run_that_was_settled_first_by_its_ci_stays_as_it_ended(
    ground: Ground,
) -> None:
    run, _ = await ground.lost()
    ground.record.first = Ended(state=RunState.FINISHED, actor=KEY.actor, exit_code=0)

    with pytest.raises(Refused, match="is over"):
        await ground.outside().settle(an_actor("ada"), run.id, "it burnt")

    assert (await ground.run(run)).state is RunState.FINISHED


async def test_only_a_lost_outside_run_is_settled_and_with_a_reason(
    ground: Ground,
) -> None:
    run, _ = await ground.performing()
    with pytest.raises(Refused, match="still heard of") as heard:
        await ground.outside().settle(an_actor("ada"), run.id, "why")
    with pytest.raises(Refused, match="Say why") as silent:
        await ground.outside().settle(an_actor("ada"), run.id, "")

    other = await ground.record.submit(a_new_run(stack="db-prod"), NOON)
    is_settled = await ground.outside().settle(an_actor("ada"), other.id, "why")

    reasons = (heard.value.reason, silent.value.reason)
    assert reasons == (Refusal.UNSAFE, Refusal.NO_REASON)
    assert not is_settled


async def test_what_this_process_drives_is_renewed_from_time_to_time(
    ground: Ground,
) -> None:
    leases = ground.leases()
    ground.driven = (RunId(1), RunId(2))

    for seconds in (0, 5, 19, RENEWAL.total_seconds(), 25):
        ground.now = later(seconds)
        await leases.look()

    assert ground.record.renewed == [(1, 2), (1, 2)]


async def test_nobody_is_called_lost_before_a_lease_has_passed(
    ground: Ground,
) -> None:
    run, _ = await ground.performing()
    ground.now = later(3600)  # the bot was away for long
    leases = ground.leases()

    await leases.look()
    ground.now = later(3600 + BEHIND - 2)
    await leases.look()
    at_first = (await ground.run(run)).lost_since
    ground.now = later(3600 + BEHIND)
    await leases.look()

    assert at_first is None
    assert (await ground.run(run)).lost_since is not None
    assert len(ground.wakes) == 1


@pytest.mark.parametrize("method", ["renew", "lapse"])
async def test_a_store_that_was_away_starts_the_lease_anew(
    ground: Ground, method: str
) -> None:
    run, _ = await ground.performing()
    ground.driven = (RunId(9),)
    leases = ground.leases()
    await leases.look()
    ground.now = later(BEHIND)
    ground.record.away[method] = 1

    await leases.look()
    ground.now = later(BEHIND + 5)
    await leases.look()
    meanwhile = (await ground.run(run)).lost_since
    ground.now = later(2 * BEHIND + 5)
    await leases.look()

    assert meanwhile is None
    assert (await ground.run(run)).lost_since is not None


@pytest.mark.parametrize(("host", "is_lost"), [(35.0, True), (35.1, False)])
async def test_a_host_that_was_suspended_starts_the_lease_anew(
    ground: Ground, host: float, is_lost: bool
) -> None:
    run, _ = await ground.performing()
    leases = ground.leases()
    await leases.look()

    ground.now, ground.host = later(BEHIND), host
    await leases.look()
    at_once = (await ground.run(run)).lost_since
    ground.now = later(2 * BEHIND)
    await leases.look()

    assert (at_once is not None) is is_lost
    assert (await ground.run(run)).lost_since is not None
