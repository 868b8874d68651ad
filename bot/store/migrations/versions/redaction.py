"""What redaction needs: positions of output, salts of audit rows, revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: all but what a redaction changes
_KEPT = (
    *("ordinal", "verb", "actor_kind", "actor_id", "actor_team", "actor_name"),
    *("at", "stack", "run", "previous", "hash"),
)


def upgrade() -> None:
    """Add the columns, and let a redaction through to the audit table."""
    _add_position()
    op.add_column("audit", sa.Column("salt", sa.String, nullable=True))
    op.add_column(
        "outbox", sa.Column("revision", sa.Integer, nullable=False, server_default="0")
    )
    _let_redactions_through()


def downgrade() -> None:
    """Refuse: the record is never thrown away."""
    raise NotImplementedError("what was redacted is not brought back")


def _add_position() -> None:
    position = sa.Column("position", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("output_chunks", position)
    # What was kept so far is how much was told, which is where a run was taken up
    # until now. It is exact where nothing was masked, and no run outlives an upgrade.
    op.execute("UPDATE output_chunks SET position = start + length")


def _let_redactions_through() -> None:
    # A redaction gives the row a new salt, a slip of the hand does not.
    if op.get_bind().dialect.name == "postgresql":
        kept = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in _KEPT)
        op.execute("DROP TRIGGER audit_refuses_update ON audit")
        op.execute(
            "CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit FOR EACH ROW "
            "WHEN (NEW.salt IS NULL OR NEW.salt IS NOT DISTINCT FROM OLD.salt OR "
            f"{kept}) EXECUTE FUNCTION audit_is_closed()"
        )
        return
    kept = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _KEPT)
    op.execute("DROP TRIGGER audit_refuses_update")
    op.execute(
        "CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit "
        f"WHEN NEW.salt IS NULL OR NEW.salt IS OLD.salt OR {kept} "
        "BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
    )
