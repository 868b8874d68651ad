"""Open the database at a URL as `handrail` does: `python -m … URL [POINT]`.

At *POINT* the process kills itself: before the statement of that number that changes
something, or before the `commit`. It prints `open` once the database is.
"""

import asyncio
import os
import signal
import sys
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

from bot.store.database import Database

_CHANGES = ("ALTER", "CREATE", "DROP", "INSERT", "UPDATE")


def kill_at(point: str) -> None:
    """Have this process killed once it has come to *point*."""
    if point == "commit":
        event.listen(Engine, "commit", lambda _: _die())
        return
    numbers = count(1)

    def about_to_execute(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().startswith(_CHANGES) and next(numbers) == int(point):
            _die()

    event.listen(Engine, "before_cursor_execute", about_to_execute)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, *points: str) -> None:
    for point in points:
        kill_at(point)
    async with Database.open(url):
        print("open")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
