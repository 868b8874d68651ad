"""Replies that an earlier version heard are not heard again after the upgrade."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from bot.domain.late_words import said_at
from bot.store import migrations
from bot.store.database import Database
from bot.store.words import SqlWords

_THREAD = (
    "INSERT INTO threads (id, channel, ts, stack) VALUES "
    "(1, 'C0INFRA', '1700000000.000100', 'net-prod')"
)
_HOLD = (
    "INSERT INTO holds (stack, actor_kind, actor_id, actor_team, actor_name, reason, "
    "since, thread) VALUES ('net-prod', 'person', 'U0ANN', 'T0HOME', 'ann', '', "
    "'2026-11-20 12:00:00.000000', 1)"
)


def released(path: Path) -> None:
    """Make a database of the last version that knew replies by their events."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in (_THREAD, _HOLD):
            connection.execute(text(statement))
    engine.dispose()


async def test_an_open_thread_is_read_from_the_upgrade_on(tmp_path: Path) -> None:
    path = tmp_path / "handrail.db"
    released(path)
    before = datetime.now(UTC)

    async with Database.open(f"sqlite+aiosqlite:///{path}") as database:
        (thread,) = await SqlWords(database).open_threads(datetime.now(UTC))

    # A minute before the newest reply that was read is read again.
    read_from = said_at(thread.seen_ts)
    assert read_from is not None
    assert before <= read_from - timedelta(minutes=1) <= datetime.now(UTC)
