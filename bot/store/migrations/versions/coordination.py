"""What coordination needs: leases, holds with an end, tracked runs, API keys."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: how long a claim was believed in when leases came
_LEASE = timedelta(seconds=90)

_CLAIMS = sa.table(
    "claims",
    sa.column("stack", sa.String),
    sa.column("since", sa.DateTime(timezone=True)),
    sa.column("lease", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    """Add the columns to what is there, and the new tables."""
    op.add_column("threads", sa.Column("waiting_ts", sa.String))
    op.add_column("threads", sa.Column("posted_in", sa.String))
    op.create_index("threads_by_stack", "threads", ["stack", "id"])
    op.create_index("outbox_by_kind", "outbox", ["kind"])
    _add_to_runs()
    _add_lease()
    _add_to_holds()
    _create_wishes()
    _create_idempotency()
    _create_api_keys()


def downgrade() -> None:
    """Refuse: the record is never thrown away."""
    raise NotImplementedError("tracked runs have no place in earlier tables")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _refer(table: str, column: str, other: str) -> None:
    # In plain SQL, because SQLite takes a reference only together with its column.
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER REFERENCES {other}")


def _add_to_runs() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("apply", sa.Text, nullable=False, server_default=""),
        sa.Column("outside", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("summary", sa.Text, nullable=False, server_default=""),
        sa.Column("plan_digest", sa.String(64)),
        sa.Column("applied_from", sa.BigInteger, nullable=False, server_default="0"),
        *(
            sa.Column(f"confirmed_{part}", sa.String)
            for part in ("kind", "id", "team", "name")
        ),
        sa.Column("state_lock", sa.Text),
        _moment("applied_at"),
        _moment("heard_at"),
        _moment("lost_since"),
    )
    for column in columns:
        op.add_column("runs", column)
    _refer("runs", "again", "runs (id)")
    op.create_index("runs_by_stack_and_state", "runs", ["stack", "state", "id"])


def _add_lease() -> None:
    op.add_column("claims", _moment("lease"))
    db = op.get_bind()
    taken = sa.select(_CLAIMS.c.stack, _CLAIMS.c.since)
    for stack, since in db.execute(taken.where(_CLAIMS.c.since.is_not(None))).all():
        claim = sa.update(_CLAIMS).where(_CLAIMS.c.stack == stack)
        db.execute(claim.values(lease=since + _LEASE))


def _add_to_holds() -> None:
    for name in ("until", "reminded_at", "asked_at", "reported_at"):
        op.add_column("holds", _moment(name))
    _refer("holds", "thread", "threads (id)")


def _create_wishes() -> None:
    op.create_table(
        "wishes",
        sa.Column("stack", sa.String, primary_key=True),
        sa.Column("actor_kind", sa.String, primary_key=True),
        sa.Column("actor_id", sa.String, primary_key=True),
        sa.Column("actor_team", sa.String, primary_key=True),
        _name("actor_name"),
        _moment("at", nullable=False),
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("actor_kind", sa.String, primary_key=True),
        sa.Column("actor_id", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        _moment("at", nullable=False),
    )
    op.create_index("idempotency_by_age", "idempotency", ["at"])
    op.create_index("idempotency_by_run", "idempotency", ["run"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("stacks", sa.Text),
        sa.Column("networks", sa.Text, nullable=False),
        *(_name(f"made_by_{part}") for part in ("kind", "id", "team", "name")),
        _moment("made_at", nullable=False),
        _moment("expires_at"),
        _moment("revoked_at"),
        _moment("used_at"),
        _name("used_from"),
    )
