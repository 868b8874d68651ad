"""What durability needs: replicas and their runs, missed words, sent messages."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: replies are read again from so long before the newest one that was read
_READ_TWICE: Final = timedelta(minutes=1)


def upgrade() -> None:
    """Add the columns and indexes to what is there, and the new tables."""
    for name in ("seen_ts", "fallback", "fallback_ts", "header_ts", "refused"):
        op.add_column("threads", sa.Column(name, sa.String))
    op.add_column("threads", sa.Column("moves", sa.Integer))
    op.add_column("deliveries", sa.Column("heard_by", sa.String))
    _have_read_all()
    _add_to_runs()
    _create_indexes()
    _create_installation()
    _create_replicas()
    _create_duties()
    _create_lock_words()
    _create_sealed_words()
    _create_messages()


def downgrade() -> None:
    """Refuse: the record is never thrown away."""
    raise NotImplementedError("the owners of runs have no place in earlier tables")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _have_read_all() -> None:
    # What was replied before now was heard, and is known by other keys than that
    # by which a reply is known from here on: it must not be heard again.
    from_here = datetime.now(UTC) + _READ_TWICE
    threads = sa.table("threads", sa.column("seen_ts", sa.String))
    op.execute(threads.update().values(seen_ts=f"{from_here.timestamp():.6f}"))


def _add_to_runs() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("owner", sa.String),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("engine", sa.String),
        sa.Column("concluded", sa.Text),
        _moment("output_dropped_at"),
    )
    for column in columns:
        op.add_column("runs", column)


def _create_indexes() -> None:
    op.create_index("threads_by_fallback", "threads", ["fallback", "fallback_ts"])
    op.create_index("runs_by_actor", "runs", ["actor_id", "id"])
    op.create_index("audit_by_run", "audit", ["run", "ordinal"])
    op.create_index("audit_by_stack", "audit", ["stack", "ordinal"])
    op.create_index("audit_by_actor", "audit", ["actor_id", "ordinal"])
    op.create_index("audit_by_verb", "audit", ["verb", "ordinal"])
    op.create_index("audit_by_time", "audit", ["at"])
    several = sa.text("stack LIKE '%, %'")
    op.create_index(
        "audit_of_several",
        "audit",
        ["ordinal"],
        sqlite_where=several,
        postgresql_where=several,
    )
    op.create_index("threads_by_time", "threads", ["ts"])
    op.create_index("runs_by_time", "runs", ["created_at"])
    op.create_index("runs_by_end", "runs", ["ended_at"])
    by_actor = ["stack", "actor_id", "id"]
    op.create_index("runs_by_stack_and_actor", "runs", by_actor)
    op.create_index("deliveries_by_age", "deliveries", ["at"])


def _create_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, primary_key=True),
        _name("name"),
        _moment("drained_since"),
        sa.Column("drained_by", sa.String),
    )


def _create_replicas() -> None:
    op.create_table(
        "replicas",
        sa.Column("id", sa.String, primary_key=True),
        _name("engine"),
        _name("host"),
        _moment("since", nullable=False),
        _moment("lease", nullable=False),
    )


def _create_duties() -> None:
    op.create_table(
        "duties",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("replica", sa.String),
        sa.Column("epoch", sa.Integer, nullable=False),
        _moment("lease", nullable=False),
    )


def _create_lock_words() -> None:
    op.create_table(
        "lock_words",
        sa.Column("stack", sa.String, primary_key=True),
        sa.Column("actor_kind", sa.String, primary_key=True),
        sa.Column("actor_id", sa.String, primary_key=True),
        sa.Column("actor_team", sa.String, primary_key=True),
        _name("actor_name"),
        _name("ts"),
    )


def _create_sealed_words() -> None:
    op.create_table(
        "sealed_words",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("sealed_words_by_run", "sealed_words", ["run", "id"])


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("ts", sa.String, primary_key=True),
        sa.Column("thread", sa.Integer, sa.ForeignKey("threads.id"), nullable=False),
        sa.Column("letter", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        _moment("at", nullable=False),
    )
    op.create_index("messages_by_thread", "messages", ["thread"])
