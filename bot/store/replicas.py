"""The living replicas, and what only one of them does."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.replica import REPLICA_LEASE, Replica, ReplicaId
from bot.ports import Duty
from bot.store.adoption import hand_over
from bot.store.database import Database, upsert
from bot.store.leases import lease_time
from bot.store.tables import duties, replicas

#: for how long a replica is known that did not leave: it may be cut off, not dead
_REMEMBERED: Final = timedelta(days=1)


class SqlReplicas:
    """The port `Replicas` in SQL."""

    def __init__(self, database: Database, replica: Replica) -> None:
        self._database = database
        self._replica = replica
        #: at which epoch each duty was taken last
        self._taken: dict[Duty, int] = {}

    async def join(self, at: datetime, *, alone: bool) -> None:
        """Be one of them. *alone*: no other can be alive, so forget all others."""
        async with self._database.write("join the replicas") as db:
            now = await lease_time(db, at)
            dead = [] if alone else [replicas.c.lease <= now - _REMEMBERED]
            await db.execute(delete(replicas).where(*dead))
            if alone:
                await db.execute(update(duties).values(replica=None))
            await self._be_heard(db, now, anew=True)

    async def renew(self, at: datetime) -> bool:
        """Be heard of; False where the others have believed this one dead since.

        It is one of them again either way.
        """
        mine = replicas.c.id == self._replica.id
        async with self._database.write("be heard of") as db:
            now = await lease_time(db, at)
            alive = select(replicas.c.id).where(mine, replicas.c.lease > now)
            was_alive = (await db.execute(alive)).one_or_none() is not None
            await self._be_heard(db, now, anew=not was_alive)
            return was_alive

    async def leave(self, at: datetime) -> None:  # noqa: ARG002 (the port's)
        """Be none of them any more, with every duty and every run given up."""
        own = self._replica.id
        async with self._database.write("leave the replicas") as db:
            await hand_over(db, self._replica)
            given = update(duties).where(duties.c.replica == own)
            await db.execute(given.values(replica=None))
            await db.execute(delete(replicas).where(replicas.c.id == own))
        self._taken.clear()

    async def living(self, at: datetime) -> tuple[Replica, ...]:
        """Return those that are heard of, by their ids."""
        async with self._database.read("ask who is alive") as db:
            now = await lease_time(db, at)
            living = select(replicas).where(replicas.c.lease > now)
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
        last, epoch = self._taken.get(duty), await self._ask_for(duty, at)
        if epoch is None:
            self._taken.pop(duty, None)
            return False
        self._taken[duty] = epoch
        return last in (None, epoch)

    async def _be_heard(
        self, db: AsyncConnection, now: datetime, *, anew: bool
    ) -> None:
        lease = now + REPLICA_LEASE
        row = upsert(db, replicas).values(
            id=self._replica.id,
            engine=self._replica.engine,
            host=self._replica.host,
            since=now,
            lease=lease,
        )
        place = [replicas.c.id]
        since = {"since": now} if anew else {}
        heard = row.on_conflict_do_update(
            index_elements=place, set_={"lease": lease, **since}
        )
        await db.execute(heard)

    async def _ask_for(self, duty: Duty, at: datetime) -> int | None:
        of_name = duties.c.name == duty.value
        async with self._database.read(f"ask who is to {duty}") as db:
            mine = self._may_have_it(await lease_time(db, at))
            taken = select(duties.c.name).where(of_name, ~mine)
            if (await db.execute(taken)).one_or_none() is not None:
                return None
        async with self._database.write(f"take the duty to {duty}") as db:
            return await self._take(db, duty, await lease_time(db, at))

    async def _take(self, db: AsyncConnection, duty: Duty, now: datetime) -> int | None:
        lease = now + REPLICA_LEASE
        row = upsert(db, duties).values(
            name=duty.value, replica=self._replica.id, epoch=1, lease=lease
        )
        again = duties.c.epoch + case((self._has_it(), 0), else_=1)
        taken = row.on_conflict_do_update(
            index_elements=[duties.c.name],
            set_={
                "replica": row.excluded.replica,
                "lease": row.excluded.lease,
                "epoch": again,
            },
            where=self._may_have_it(now),
        )
        found = await db.execute(taken.returning(duties.c.epoch))
        epoch: int | None = found.scalar_one_or_none()
        return epoch

    def _may_have_it(self, now: datetime) -> ColumnElement[bool]:
        is_free = or_(duties.c.replica.is_(None), duties.c.lease <= now)
        return or_(self._has_it(), is_free)

    def _has_it(self) -> ColumnElement[bool]:
        return duties.c.replica.is_not_distinct_from(self._replica.id)
