"""The steps that bring a database's tables up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def migrate(connection: Connection) -> None:
    """Bring the tables up to date within the transaction of *connection*."""
    if MigrationContext.configure(connection).get_current_heads() == (newest(),):
        # Alembic's upgrade is for one database at a time in a whole process.
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def versions() -> tuple[str, ...]:
    """Return every version that tables may have, the newest first."""
    script = ScriptDirectory.from_config(_config())
    return tuple(step.revision for step in script.walk_revisions())


def newest() -> str:
    """Return the version of tables that are up to date."""
    return versions()[0]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
