"""Stand-ins for what the use cases need from outside, and a real store under them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.control.access import Access
from bot.control.consent import Consent
from bot.control.following import Following
from bot.control.job import Jobs
from bot.control.means import Means
from bot.control.perform import Perform
from bot.control.policing import Policing
from bot.control.secrecy import Secrecy
from bot.domain.errors import (
    RoleSourceUnavailable,
    SecretUnavailable,
    StoreUnavailable,
)
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, ChannelId, Person, Standing, TeamId, UserId
from bot.domain.replica import SOLO, Replica
from bot.domain.run import Run, RunId, ThreadId
from bot.domain.stack import Catalog, FromEnv, Stack, ValueSource
from bot.domain.telling import Telling
from bot.policies.missing import NoPolicies
from bot.ports import (
    Clock,
    Directory,
    Ended,
    Hide,
    Minted,
    NewRun,
    Policies,
)
from bot.store.approvals import SqlApprovals
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.record import SqlRecord
from bot.store.replicas import SqlReplicas
from runner.scripted import ScriptedEngine
from runner.source import Sources
from tests.contract.store.opened import Store
from tests.support.builders import STACK, a_new_run, later
from tests.support.runs import SEAL

TEAM = TeamId("T0HOME")


@dataclass
class People:
    """A directory that knows what a test says, and who asked for fresh answers."""

    members: dict[str, set[str]] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)
    away: bool = False
    again_in: float | None = None  #: when it may be back, while it is away
    asked_fresh: list[bool] = field(default_factory=list)

    async def person(self, user: UserId, team: TeamId, *, fresh: bool) -> Person:
        self._note(fresh=fresh)
        standing = self.standing.get(user, Standing.MEMBER)
        return Person(user=user, team=team, name=user.lower(), standing=standing)

    async def belongs(self, user: UserId, members: str, *, fresh: bool) -> bool:
        self._note(fresh=fresh)
        return user == members or user in self.members.get(members, set())

    async def teams(self, user: UserId, *, fresh: bool) -> tuple[str, ...]:
        self._note(fresh=fresh)
        groups = (it for it in self.members if it.startswith("@"))
        return tuple(sorted(it[1:] for it in groups if user in self.members[it]))

    async def is_present(self, channel: ChannelId) -> bool:
        return True

    def _note(self, *, fresh: bool) -> None:
        if self.away:
            raise RoleSourceUnavailable(
                "Slack could not be asked.", again_in=self.again_in
            )
        self.asked_fresh.append(fresh)


@dataclass
class Safe:
    """Secret values by the name of their variable."""

    values: dict[str, str] = field(default_factory=dict)

    async def content(self, source: ValueSource) -> bytes:
        return (await self.variable(source)).encode()

    async def variable(self, source: ValueSource) -> str:
        assert isinstance(source, FromEnv)
        if source.variable not in self.values:
            raise SecretUnavailable(f"{source.variable} is not set")
        return self.values[source.variable]


@dataclass
class Mint:
    """Makes for every run what a test says, or fails with its words."""

    minted: Minted = field(default_factory=Minted)
    trouble: str = ""

    async def mint(self, run: Run, stack: Stack) -> Minted:
        if self.trouble:
            raise SecretUnavailable(self.trouble)
        return self.minted


@dataclass
class Keyring:
    """API keys by their names."""

    keys: dict[str, ApiKey] = field(default_factory=dict)

    async def make(self, key: ApiKey) -> bool:
        return self.keys.setdefault(key.name, key) is key

    async def revoke(self, name: str, actor: Actor, at: datetime) -> bool:
        self.keys[name] = replace(self.keys[name], revoked_at=at)
        return True

    async def all(self) -> tuple[ApiKey, ...]:
        return tuple(self.keys.values())

    async def by_id(self, id: str) -> ApiKey | None:  # noqa: A002 (the port's)
        return next((key for key in self.keys.values() if key.id == id), None)

    async def by_name(self, name: str) -> ApiKey | None:
        return self.keys.get(name)

    async def note_use(self, name: str, address: str, at: datetime) -> None:
        self.keys[name] = replace(self.keys[name], used_at=at, used_from=address)


class FlakyRecord(SqlRecord):
    """The real record, away as often as a test says, by method."""

    def __init__(self, database: Database, replica: Replica = SOLO) -> None:
        super().__init__(database, replica=replica)
        self.away: Counter[str] = Counter()
        self.stored = asyncio.Event()  #: whether any output was kept
        self.missed = asyncio.Event()  #: whether it was asked while it was away

    async def append_output(
        self, run: RunId, data: bytes, *, position: int, limit: int
    ) -> bool:
        self._fail_if_away("append_output")
        has_room = await super().append_output(
            run, data, position=position, limit=limit
        )
        self.stored.set()
        return has_room

    async def tell(self, thread: ThreadId, tell: Sequence[Telling]) -> None:
        self._fail_if_away("tell")
        await super().tell(thread, tell)

    async def redact(
        self, run: RunId, hide: Hide, actor: Actor, at: datetime, *, why: str
    ) -> int:
        self._fail_if_away("redact")
        return await super().redact(run, hide, actor, at, why=why)

    async def ready(self) -> tuple[Run, ...]:
        self._fail_if_away("ready")
        return await super().ready()

    async def end(
        self, run: RunId, ended: Ended, at: datetime, tell: Sequence[Telling] = ()
    ) -> Run:
        self._fail_if_away("end")
        return await super().end(run, ended, at, tell)

    def _fail_if_away(self, method: str) -> None:
        if self.away[method]:
            self.away[method] -= 1
            self.missed.set()
            raise StoreUnavailable("the database is locked")


def a_stack(**changes: Any) -> Stack:
    """Return a stack that ann writes; a test names only what it is about."""
    plain: dict[str, Any] = {"image": "sample", "init": "", "writers": ("U0ANN",)}
    return Stack(name=STACK, **{**plain, **changes})


def a_catalog(*stacks: Stack, **changes: Any) -> Catalog:
    """Return a catalog of *stacks*."""
    known = {stack.name: stack for stack in stacks or (a_stack(),)}
    return Catalog(workspace=TEAM, stacks=known, **changes)


def utc_now() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


def a_policing(
    access: Access,
    people: Directory,
    database: Database,
    policies: Policies | None = None,
    clock: Clock = utc_now,
) -> Policing:
    """Return what judges by the record in *database*."""
    return Policing(
        access=access,
        directory=people,
        archive=SqlArchive(database),
        policies=policies or NoPolicies(),
        clock=clock,
    )


def a_consent(
    catalog: Catalog,
    access: Access,
    people: Directory,
    database: Database,
    policies: Policies | None = None,
) -> Consent:
    """Return what looks after what was agreed to in *database*."""
    return Consent(
        catalog=catalog,
        access=access,
        policing=a_policing(access, people, database, policies),
        approvals=SqlApprovals(database),
        clock=utc_now,
    )


@dataclass(kw_only=True)
class Stage:
    """A store, an engine, people and secrets, with one stack between them."""

    store: Store
    record: FlakyRecord
    engine: ScriptedEngine
    people: People
    safe: Safe
    mint: Mint
    keys: Keyring
    folder: Path
    stack: Stack

    def perform(self) -> Perform:
        """Return the use case over this stage."""
        catalog, secrecy = a_catalog(self.stack), Secrecy((), self.safe)
        access = Access(
            catalog=catalog, directory=self.people, keys=self.keys, clock=utc_now
        )
        following = Following(
            record=self.record,
            archive=self.store.archive,
            secrecy=secrecy,
            seal=SEAL,
            installation="test",
        )
        means = Means(
            catalog=catalog,
            access=access,
            consent=a_consent(catalog, access, self.people, self.store.database),
            archive=self.store.archive,
            jobs=Jobs(values=self.safe, credentials=self.mint, installation="test"),
            secrecy=secrecy,
            engine=self.engine,
            sources=Sources(self.folder / "sources"),
            seal=SEAL,
            following=following,
            clock=utc_now,
        )
        return Perform(means, self.record)

    async def joined_as(self, replica: Replica) -> "Stage":
        """Return the same stage as *replica* sees it, which is one of the living."""
        await SqlReplicas(self.store.database, replica).join(utc_now(), alone=False)
        return replace(self, record=FlakyRecord(self.store.database, replica))

    async def ready(self, new: NewRun | None = None) -> Run:
        """Return a run that may start."""
        run = await self.record.submit(new or a_new_run(), later(0))
        await self.record.promote(later(1))
        return await self.store.archive.run(run.id)

    async def preparing(self) -> Run:
        """Return a run that has left the queue."""
        started = await self.record.start((await self.ready()).id, later(2))
        assert started is not None
        return started

    async def performed(
        self, new: NewRun | None = None, *, stop: asyncio.Event | None = None
    ) -> Run:
        """See a run through and return it as the record has it."""
        run = await self.ready(new)
        await self.perform()(run, stop or asyncio.Event())
        return await self.store.archive.run(run.id)


@asynccontextmanager
async def a_stage(folder: Path) -> AsyncIterator[Stage]:
    """Set a stage with an empty database."""
    async with Store.open(f"sqlite+aiosqlite:///{folder}/handrail.db") as store:
        yield Stage(
            store=store,
            record=FlakyRecord(store.database),
            engine=ScriptedEngine(),
            people=People(),
            safe=Safe(),
            mint=Mint(),
            keys=Keyring(),
            folder=folder,
            stack=a_stack(),
        )
