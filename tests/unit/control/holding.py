"""A stage on which people hold stacks, and a clock that stands still."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.control.access import Access
from bot.control.hold_refusals import HoldRefusals
from bot.control.holds import Holds
from bot.control.notices import Notices
from bot.control.watch import Watch
from bot.domain.audit import Deed, Verb
from bot.domain.keys import ApiKey
from bot.domain.lock import Hold
from bot.domain.people import Actor, Role, UserId
from bot.domain.run import ThreadId
from bot.domain.stack import Catalog, Stack, StackName, ValueSource
from bot.domain.telling import Notice, Said, Telling
from bot.ports import DeliveryKey, HoldAnswer, Sent
from bot.store.words import SqlWords
from tests.contract.store.opened import Store
from tests.support.builders import CHANNEL, NOON, STACK, an_actor
from tests.unit.control.stand_ins import (
    FlakyRecord,
    Keyring,
    People,
    a_catalog,
    a_stage,
)

DB = StackName("db-prod")
VAULT = StackName("vault")
ANN, BOB, ADA, AMY, DORA, RITA = map(
    an_actor, ("ann", "bob", "ada", "amy", "dora", "rita")
)

Secrets = Mapping[StackName, Mapping[str, ValueSource]]

_NONE: Secrets = {}
_Told = TypeVar("_Told", bound=Telling)


class Overtaken(FlakyRecord):
    """The record, with a hand that is a moment faster than the one that acts."""

    first: Callable[[], Awaitable[object]] | None = None

    async def first_seen(
        self, key: DeliveryKey, at: datetime, sent: Sent | None = None
    ) -> bool:
        self._fail_if_away("first_seen")
        return await super().first_seen(key, at, sent)

    async def hold(self, wanted: Sequence[Hold], ts: str = "") -> HoldAnswer:
        await self._first()
        return await super().hold(wanted, ts)

    async def steal(self, held: Hold, wanted: Hold, ts: str = "") -> bool:
        await self._first()
        return await super().steal(held, wanted, ts)

    async def extend(
        self, held: Hold, until: datetime | None, at: datetime, ts: str = ""
    ) -> bool:
        await self._first()
        return await super().extend(held, until, at, ts)

    async def release_holds(
        self,
        holds: Sequence[Hold],
        actor: Actor,
        reason: str,
        at: datetime,
        thread: ThreadId | None,
        ts: str = "",
    ) -> bool:
        await self._first()
        return await super().release_holds(holds, actor, reason, at, thread, ts)

    async def expire(self, at: datetime) -> tuple[Hold, ...]:
        self._fail_if_away("expire")
        return await super().expire(at)

    async def _first(self) -> None:
        first, self.first = self.first, None
        if first is not None:
            await first()


@dataclass(kw_only=True)
class Holding:
    """Ann and bob write net-prod and db-prod, of which dora is admin.

    Ada and amy are admins of all; the vault is bob's alone.
    """

    store: Store
    record: Overtaken
    people: People
    keys: Keyring
    thread: ThreadId
    catalog: Catalog
    now: datetime = NOON
    woken: int = 0
    access: Access = field(init=False)
    holds: Holds = field(init=False)
    words: SqlWords = field(init=False)
    notices: Notices = field(init=False)
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.access = access = Access(
            catalog=self.catalog,
            directory=self.people,
            keys=self.keys,
            clock=self.clock,
        )
        self.holds = Holds(
            catalog=self.catalog,
            access=access,
            record=self.record,
            archive=self.store.archive,
            clock=self.clock,
            wake=self.wake,
            refusals=HoldRefusals(
                catalog=self.catalog,
                access=access,
                archive=self.store.archive,
                clock=self.clock,
            ),
        )
        self.words = SqlWords(self.store.database)
        self.notices = Notices(
            holds=self.holds,
            access=access,
            record=self.record,
            words=self.words,
            clock=self.clock,
        )
        self.watch = Watch(
            catalog=self.catalog,
            directory=self.people,
            keys=self.keys,
            record=self.record,
            archive=self.store.archive,
            clock=self.clock,
            wake=self.wake,
        )

    def clock(self) -> datetime:
        """Return what time it is on this stage."""
        return self.now

    def wake(self) -> None:
        """Count how often somebody was told that runs may start."""
        self.woken += 1

    async def a_key(self, *, expires_at: datetime | None = None) -> Actor:
        """Return a key that writes net-prod."""
        key = ApiKey(
            name="ci",
            id="1",
            digest="",
            role=Role.WRITER,
            stacks=(STACK,),
            made_by=ADA,
            made_at=NOON,
            expires_at=expires_at,
        )
        await self.keys.make(key)
        return key.actor

    def passes(self, **time: float) -> None:
        """Let time go by."""
        self.now += timedelta(**time)

    def taken_over(self) -> Hold:
        """Return a hold of ada's on net-prod."""
        return Hold(stack=STACK, actor=ADA, reason="first", since=self.now)

    def orphan(self) -> Hold:
        """Return a hold of rita's, who is no writer any more, on the vault."""
        until = self.now + timedelta(minutes=10)
        return Hold(stack=VAULT, actor=RITA, reason="", since=self.now, until=until)

    async def held(self) -> dict[str, Hold]:
        """Return every hold in force, by its stack."""
        return {hold.stack: hold for hold in await self.store.archive.holds()}

    async def told(self, kind: type[_Told]) -> list[_Told]:
        """Deliver what was not yet, and return that of one kind."""
        return [said for said in await self.store.told() if isinstance(said, kind)]

    async def said(self) -> list[str]:
        """Deliver what was not yet, and return the sentences."""
        return [said.text for said in await self.told(Said)]

    async def noticed(self) -> list[str]:
        """Deliver what was not yet; return to whom which direct messages went."""
        found = []
        while letters := await self.store.outbox.due(self.now + timedelta(hours=1)):
            for letter in letters:
                if isinstance(letter.telling, Notice):
                    found.append(f"{letter.thread.channel} {letter.telling.kind}")
                await self.store.outbox.delivered(letter, f"{letter.id}.5")
        return found

    async def verbs(self) -> list[Verb]:
        """Return what the audit rows say was done."""
        return [deed.verb for deed in await self.store.deeds()]

    async def refusals(self) -> list[Deed]:
        """Return what was refused."""
        deeds = await self.store.deeds()
        return [deed for deed in deeds if deed.verb is Verb.REFUSED]


@asynccontextmanager
async def a_holding(
    folder: Path, *, secrets: Secrets = _NONE
) -> AsyncIterator[Holding]:
    """Set the stage, with a card on which net-prod can be locked."""
    writers = ("U0ANN", "U0BOB")
    stacks = (
        _a_stack(STACK, writers=writers, admins=("U0DORA", "@dba", "#ops")),
        _a_stack(DB, writers=writers, admins=("U0DORA",)),
        _a_stack(VAULT, writers=("U0BOB",), readers=()),
    )
    with_secrets = [
        replace(stack, secrets=secrets.get(stack.name, {})) for stack in stacks
    ]
    async with a_stage(folder) as stage:
        record = Overtaken(stage.store.database)
        card = await record.open_card(STACK, CHANNEL)
        holding = Holding(
            store=stage.store,
            record=record,
            people=stage.people,
            keys=stage.keys,
            thread=card.id,
            catalog=a_catalog(*with_secrets, admins=(UserId("U0ADA"), UserId("U0AMY"))),
        )
        await holding.store.told()
        yield holding


def _a_stack(
    name: StackName,
    *,
    writers: tuple[str, ...],
    admins: tuple[str, ...] = (),
    readers: tuple[str, ...] | None = None,
) -> Stack:
    return Stack(
        name=name, image="sample", writers=writers, admins=admins, readers=readers
    )
