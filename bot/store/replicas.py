"""The living replicas, and what only one of them does."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.replica import REPLICA_LEASE, REPLICA_RENEWAL, Replica, ReplicaId
from bot.ports import Duty
from bot.store.adoption import hand_over
from bot.store.database import Database, upsert, wake
from bot.store.tables import duties, replicas

#: for how long a replica is known that did not leave: it may be cut off, not dead
_REMEMBERED: Final = timedelta(days=1)
#: how long it is taken for granted that another still has a duty
_ASK_AGAIN: Final = timedelta(seconds=1)


class SqlReplicas:
    """The port `Replicas` in SQL."""

    def __init__(self, database: Database, replica: Replica) -> None:
        self._database = database
        self._replica = replica
        #: when each duty was taken last, and at which epoch
        self._taken: dict[Duty, tuple[datetime, int]] = {}
        #: when another was found to have it
        self._refused: dict[Duty, datetime] = {}

    async def join(self, at: datetime, *, alone: bool) -> None:
        """Be one of them. *alone*: no other can be alive, so forget all others."""
        async with self._database.write("join the replicas") as db:
            dead = [] if alone else [replicas.c.lease <= at - _REMEMBERED]
            await db.execute(delete(replicas).where(*dead))
            if alone:
                await db.execute(update(duties).values(replica=None))
            await self._be_heard(db, at, anew=True)

    async def renew(self, at: datetime) -> bool:
        """Be heard of; False where the others have believed this one dead since.

        It is one of them again either way.
        """
        mine = replicas.c.id == self._replica.id
        alive = select(replicas.c.id).where(mine, replicas.c.lease > at)
        async with self._database.write("be heard of") as db:
            was_alive = (await db.execute(alive)).one_or_none() is not None
            await self._be_heard(db, at, anew=not was_alive)
            return was_alive

    async def leave(self, at: datetime) -> None:  # noqa: ARG002 (the port's)
        """Be none of them any more, with every duty and every run given up."""
        own = self._replica.id
        async with self._database.write("leave the replicas") as db:
            await hand_over(db, self._replica)
            given = update(duties).where(duties.c.replica == own)
            await db.execute(given.values(replica=None))
            await db.execute(delete(replicas).where(replicas.c.id == own))
            wake(db)
        self._taken.clear()

    async def living(self, at: datetime) -> tuple[Replica, ...]:
        """Return those that are heard of, by their ids."""
        living = select(replicas).where(replicas.c.lease > at)
        async with self._database.read("ask who is alive") as db:
            rows = await db.execute(living.order_by(replicas.c.id))
            return tuple(
                Replica(id=ReplicaId(row.id), engine=row.engine, host=row.host)
                for row in rows
            )

    async def take(self, duty: Duty, at: datetime) -> bool:
        """Take *duty*, or keep it for another lease; False while another has it.

        False once, too, where another had it since this one took it last: whoever
        asks is to know that it is taken anew.
        """
        last, refused = self._taken.get(duty), self._refused.get(duty)
        if last is not None and last[0] <= at < last[0] + REPLICA_RENEWAL:
            return True  # nobody else can have it yet
        if refused is not None and refused <= at < refused + _ASK_AGAIN:
            return False
        epoch = await self._ask_for(duty, at)
        if epoch is None:
            self._taken.pop(duty, None)
            self._refused[duty] = at
            return False
        self._taken[duty] = at, epoch
        return last is None or last[1] == epoch

    async def _be_heard(self, db: AsyncConnection, at: datetime, *, anew: bool) -> None:
        lease = at + REPLICA_LEASE
        row = upsert(db, replicas).values(
            id=self._replica.id,
            engine=self._replica.engine,
            host=self._replica.host,
            since=at,
            lease=lease,
        )
        place = [replicas.c.id]
        since = {"since": at} if anew else {}
        heard = row.on_conflict_do_update(
            index_elements=place, set_={"lease": lease, **since}
        )
        await db.execute(heard)

    async def _ask_for(self, duty: Duty, at: datetime) -> int | None:
        taken = select(duties.c.name).where(
            duties.c.name == duty.value, ~self._may_have_it(at)
        )
        async with self._database.read(f"ask who is to {duty}") as db:
            if (await db.execute(taken)).one_or_none() is not None:
                return None
        async with self._database.write(f"take the duty to {duty}") as db:
            return await self._take(db, duty, at)

    async def _take(self, db: AsyncConnection, duty: Duty, at: datetime) -> int | None:
        row = upsert(db, duties).values(
            name=duty.value, replica=self._replica.id, epoch=1, lease=at + REPLICA_LEASE
        )
        again = duties.c.epoch + case((self._has_it(), 0), else_=1)
        taken = row.on_conflict_do_update(
            index_elements=[duties.c.name],
            set_={
                "replica": row.excluded.replica,
                "lease": row.excluded.lease,
                "epoch": again,
            },
            where=self._may_have_it(at),
        )
        found = await db.execute(taken.returning(duties.c.epoch))
        epoch: int | None = found.scalar_one_or_none()
        return epoch

    def _may_have_it(self, at: datetime) -> ColumnElement[bool]:
        is_free = or_(duties.c.replica.is_(None), duties.c.lease <= at)
        return or_(self._has_it(), is_free)

    def _has_it(self) -> ColumnElement[bool]:
        return duties.c.replica.is_not_distinct_from(self._replica.id)
