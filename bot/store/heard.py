"""What Slack delivered: heard once, and done or not, whoever dies over it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Superseded
from bot.domain.replica import ReplicaId
from bot.ports import DeliveryKey, Sent
from bot.store.database import upsert
from bot.store.leases import lease_time
from bot.store.tables import deliveries, replicas

#: by whom a command is heard that died with its hearer, once its sender knows
_NOBODY: Final = "-"
_IS_COMMAND: Final = deliveries.c.command.is_not(None)
#: what is acted on now, and by whom
_ACTING: Final[ContextVar[tuple[DeliveryKey, ReplicaId] | None]] = ContextVar(
    "acting", default=None
)


async def first_seen(
    db: AsyncConnection,
    key: DeliveryKey,
    at: datetime,
    own: ReplicaId,
    sent: Sent | None,
) -> bool:
    """Note a delivery; True too where whoever noted it died before acting on it."""
    noted = upsert(db, deliveries).values(
        key=key,
        at=at,
        heard_by=own,
        sent_by=sent and sent.by,
        command=sent and sent.command,
    )
    taken = noted.on_conflict_do_update(
        index_elements=[deliveries.c.key],
        set_={"heard_by": own},
        where=await _is_orphan(db, at) & (deliveries.c.heard_by != own),
    )
    new = taken.returning(deliveries.c.key)
    return (await db.execute(new)).one_or_none() is not None


async def has_orphans(db: AsyncConnection, at: datetime) -> bool:
    """Tell whether there are commands whose hearers died before acting on them."""
    lost = select(deliveries.c.key).where(_IS_COMMAND, await _is_orphan(db, at))
    return (await db.execute(lost.limit(1))).one_or_none() is not None


async def give_up(db: AsyncConnection, at: datetime) -> Sequence[Row[Any]]:
    """Have nobody act any more on commands whose hearers died, and return them."""
    lost = update(deliveries).where(_IS_COMMAND, await _is_orphan(db, at))
    given_up = lost.values(heard_by=_NOBODY).returning(
        deliveries.c.at, deliveries.c.sent_by, deliveries.c.command
    )
    return (await db.execute(given_up)).all()


@contextmanager
def answering(key: DeliveryKey, own: ReplicaId) -> Iterator[None]:
    """Have `acted` note, while the body runs, that *key* was acted on."""
    token = _ACTING.set((key, own))
    try:
        yield
    finally:
        _ACTING.reset(token)


async def acted(db: AsyncConnection) -> None:
    """Note with what is done of a delivery that it was: both, or neither.

    Raises Superseded where another replica took it over, believing this one dead.
    """
    acting = _ACTING.get()
    if acting is None:
        return
    key, own = acting
    by = deliveries.c.heard_by
    done = update(deliveries).where(deliveries.c.key == key)
    left = done.values(heard_by=case((by != own, by), else_=None)).returning(by)
    if (await db.execute(left)).scalar_one_or_none() is not None:
        raise Superseded(f"another replica acts on {key}")


async def _is_orphan(db: AsyncConnection, at: datetime) -> ColumnElement[bool]:
    now = await lease_time(db, at)
    living = select(replicas.c.id).where(replicas.c.lease > now)
    by = deliveries.c.heard_by
    return by.is_not(None) & (by != _NOBODY) & by.not_in(living)
