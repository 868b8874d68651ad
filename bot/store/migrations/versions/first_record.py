"""The first record: runs, claims, holds, threads, output and audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, the audit table closed against changes."""
    _create_threads()
    _create_runs()
    _create_transitions()
    _create_locks()
    _create_outbox()
    _create_output_chunks()
    _create_audit()
    _create_deliveries()
    _close_audit()


def downgrade() -> None:
    """Refuse: the record is never thrown away."""
    raise NotImplementedError("the first migration is not taken back")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _name(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _actor(prefix: str, *, nullable: bool = False) -> list[sa.Column[str]]:
    parts = ("kind", "id", "team", "name")
    return [_name(f"{prefix}_{part}", nullable=nullable) for part in parts]


def _create_threads() -> None:
    op.create_table(
        "threads",
        sa.Column("id", sa.Integer, primary_key=True),
        _name("channel"),
        _name("ts", nullable=True),
        _name("tail_ts", nullable=True),
        _name("stack"),
        sa.UniqueConstraint("channel", "ts", name="threads_place"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        _name("type"),
        _name("stack"),
        _text("command"),
        sa.Column("skip_init", sa.Boolean, nullable=False),
        *_actor("actor"),
        sa.Column(
            "thread",
            sa.Integer,
            sa.ForeignKey("threads.id"),
            nullable=False,
            unique=True,
        ),
        _moment("created_at"),
        _name("state"),
        _moment("state_since"),
        _name("reason", nullable=True),
        sa.Column("exit_code", sa.Integer),
        _text("note"),
        _name("commit", nullable=True),
        _name("image_digest", nullable=True),
        _name("container", nullable=True),
        _moment("started_at", nullable=True),
        _moment("ended_at", nullable=True),
        *_actor("stop", nullable=True),
        sa.Column("keeps_claim", sa.Boolean, nullable=False),
    )
    op.create_index("runs_by_state", "runs", ["state", "id"])
    op.create_index("runs_by_stack", "runs", ["stack", "id"])


def _create_transitions() -> None:
    op.create_table(
        "transitions",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        _name("from_state", nullable=True),
        _name("to_state"),
        _moment("at"),
        *_actor("actor"),
        _text("note"),
    )


def _create_locks() -> None:
    op.create_table(
        "claims",
        sa.Column("stack", sa.String, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), unique=True),
        sa.Column("fence", sa.Integer, nullable=False),
        _moment("since", nullable=True),
    )
    op.create_table(
        "holds",
        sa.Column("stack", sa.String, primary_key=True),
        *_actor("actor"),
        _text("reason"),
        _moment("since"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("thread", sa.Integer, sa.ForeignKey("threads.id"), nullable=False),
        _name("kind"),
        _text("telling"),
        _name("stands_for", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        _moment("not_before", nullable=True),
        _text("error"),
        _name("fate", nullable=True),
        _name("message_ts", nullable=True),
        sa.UniqueConstraint("thread", "stands_for", name="outbox_in_place"),
    )
    op.create_index(
        "outbox_undelivered",
        "outbox",
        ["thread", "id"],
        sqlite_where=sa.text("fate IS NULL"),
        postgresql_where=sa.text("fate IS NULL"),
    )


def _create_output_chunks() -> None:
    op.create_table(
        "output_chunks",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("ordinal", sa.Integer, primary_key=True),
        _name("verb"),
        *_actor("actor"),
        _moment("at"),
        _name("stack"),
        sa.Column("run", sa.Integer),
        _text("detail"),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("key", sa.String, primary_key=True),
        _moment("at"),
    )


def _close_audit() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION 'audit rows are never changed'; END $$"
        )
        action = "FOR EACH ROW EXECUTE FUNCTION audit_is_closed()"
    else:
        action = "BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
            f"{action}"
        )
