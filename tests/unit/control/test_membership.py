"""A replica is heard of while it lives, and gives everything up when it leaves."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.control.membership import Membership
from bot.domain.errors import StoreUnavailable
from bot.domain.replica import Replica, ReplicaId
from bot.ports import Drained, Duty
from tests.support.builders import NOON


@dataclass
class Others:
    """What the other replicas and the record say of this one."""

    said: list[str] = field(default_factory=list)
    alive: bool = True
    others: tuple[Replica, ...] = ()
    away: bool = False

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
        return True

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


def membership(others: Others, let_go: list[str]) -> Membership:
    async def superseded() -> None:
        let_go.append("all")

    return Membership(
        replicas=others,
        drains=others,
        clock=lambda: NOON,
        alone=False,
        superseded=superseded,
        bereaved=lambda: let_go.append("bereaved"),
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


async def test_the_duty_to_deliver_is_asked_for() -> None:
    others = Others()

    assert await membership(others, []).delivers()
    assert others.said == ["take deliver"]


async def test_the_end_of_another_replica_is_noticed_once() -> None:
    others, seen = Others(others=(Replica(id=ReplicaId("b")),)), list[str]()
    member = membership(others, seen)
    await member.renew()
    assert seen == []

    others.others = ()
    await member.renew()
    await member.renew()

    assert seen == ["bereaved"]
