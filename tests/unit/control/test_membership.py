"""A replica is heard of while it lives, and gives everything up when it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.control.membership import Membership
from bot.domain.errors import StoreUnavailable
from bot.domain.replica import REPLICA_LEASE, Replica, ReplicaId
from bot.ports import Drained, Duty
from tests.support.builders import NOON


@dataclass
class Hands:
    """Clocks that stand still until a test moves them."""

    now: datetime = NOON
    passed: float = 100.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.passed

    def pass_by(self, time: timedelta) -> None:
        self.now += time
        self.passed += time.total_seconds()


@dataclass
class Others:
    """What the other replicas and the record say of this one."""

    said: list[str] = field(default_factory=list)
    alive: bool = True
    others: tuple[Replica, ...] = ()
    is_free: bool = True  #: the duty
    away: bool = False
    is_asked: Callable[[], None] = lambda: None  #: while it decides

    async def join(self, at: datetime, *, alone: bool) -> None:
        self._note(f"join alone={alone}")

    async def renew(self, at: datetime) -> bool:
        self._note("renew")
        return self.alive

    async def leave(self, at: datetime) -> None:
        self._note("leave")

    async def living(self, at: datetime) -> tuple[Replica, ...]:
        return self.others

    async def take(self, duty: Duty, at: datetime) -> bool:
        self._note(f"take {duty}")
        self.is_asked()
        return self.is_free

    async def drain(self, by: str, at: datetime) -> None:
        self._note("drain")

    async def end_drain(self, by: str, at: datetime) -> bool:
        return False

    async def end_if_done(self, at: datetime) -> bool:
        self._note("end_if_done")
        return True

    async def drained(self) -> Drained | None:
        return None

    def _note(self, what: str) -> None:
        if self.away:
            raise StoreUnavailable("the database is away")
        self.said.append(what)


def membership(
    others: Others, let_go: list[str], clock: Hands | None = None
) -> Membership:
    clock = clock or Hands()

    async def superseded() -> None:
        let_go.append("all")

    return Membership(
        replicas=others,
        drains=others,
        clock=clock,
        alone=False,
        superseded=superseded,
        bereaved=lambda: let_go.append("bereaved"),
        monotonic=clock.monotonic,
    )


async def test_a_process_joins_and_leaves_and_ends_a_drain_that_is_over() -> None:
    others = Others()

    async with membership(others, []).joined():
        assert others.said == ["join alone=False", "end_if_done"]

    assert others.said[-1] == "leave"


async def test_leaving_does_not_wait_for_a_database_that_is_away() -> None:
    others = Others()

    async with membership(others, []).joined():
        others.away = True

    assert "leave" not in others.said


async def test_who_was_believed_dead_lets_go_of_what_others_took_over() -> None:
    others, let_go = Others(), list[str]()
    member = membership(others, let_go)

    await member.renew()
    assert let_go == []

    others.alive = False
    await member.renew()
    assert let_go == ["all"]


async def test_a_database_that_is_away_is_no_reason_to_let_go() -> None:
    others, let_go = Others(away=True), list[str]()

    await membership(others, let_go).renew()

    assert let_go == []


async def test_the_duty_to_deliver_is_renewed_now_and_then() -> None:
    others, clock = Others(), Hands()
    member = membership(others, [], clock)

    for _ in range(10):
        assert await member.delivers()
        clock.pass_by(timedelta(seconds=1))

    assert others.said == ["take deliver"] * 2


async def test_the_duty_is_renewed_though_the_clock_is_set_back() -> None:
    others, clock = Others(), Hands()
    member = membership(others, [], clock)
    assert await member.delivers()

    clock.pass_by(REPLICA_LEASE)
    clock.now = NOON - timedelta(hours=1)
    others.is_free = False

    assert not await member.delivers()


async def test_an_answer_that_takes_longer_than_the_lease_gives_no_duty() -> None:
    others, clock = Others(), Hands()
    others.is_asked = lambda: clock.pass_by(REPLICA_LEASE)

    assert not await membership(others, [], clock).delivers()


async def test_who_does_not_deliver_looks_every_second_whether_to() -> None:
    others, clock = Others(is_free=False), Hands()
    member = membership(others, [], clock)
    for _ in range(3):
        assert not await member.delivers()
        clock.pass_by(timedelta(seconds=1))

    others.is_free = True

    assert await member.delivers()


async def test_a_database_that_is_away_ends_the_duty_with_its_lease() -> None:
    others, clock = Others(), Hands()
    member = membership(others, [], clock)
    assert await member.delivers()
    others.away = True

    clock.pass_by(REPLICA_LEASE - timedelta(seconds=1))
    assert await member.delivers()

    clock.pass_by(timedelta(seconds=1))
    assert not await member.delivers()


async def test_the_end_of_another_replica_is_noticed_once() -> None:
    others, seen = Others(others=(Replica(id=ReplicaId("b")),)), list[str]()
    member = membership(others, seen)
    await member.renew()
    assert seen == []

    others.others = ()
    await member.renew()
    await member.renew()

    assert seen == ["bereaved"]
