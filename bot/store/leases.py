"""By whose clock it is judged who is alive: by one that all replicas share."""

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

# Not when the transaction began: it may have waited for its turn since.
_NOW: Final = select(func.clock_timestamp())


async def lease_time(db: AsyncConnection, at: datetime) -> datetime:
    """Return the time by which leases begin and end; *at* where one process is alone.

    The clocks of hosts may be further apart than a lease is long.
    """
    if db.dialect.name == "sqlite":
        return at
    now: datetime = (await db.execute(_NOW)).scalar_one()
    return now
