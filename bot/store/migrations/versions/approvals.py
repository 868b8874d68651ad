"""What approvals need: who has to agree to a run, who did, and what policies saw.

And who sent a command, to be told where nobody acted on it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns of runs, and the new tables."""
    _add_to_runs()
    op.add_column("deliveries", sa.Column("sent_by", sa.String))
    op.add_column("deliveries", sa.Column("command", sa.String))
    _create_reviews()
    _create_policy_samples()


def downgrade() -> None:
    """Refuse: the record is never thrown away."""
    raise NotImplementedError("runs that wait for people would start at once")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _add_to_runs() -> None:
    # To what was started before now nobody had to agree.
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("preset", sa.String, nullable=False, server_default=""),
        sa.Column("parameters", sa.Text, nullable=False, server_default="{}"),
        sa.Column("session", sa.Text),
        sa.Column("approval", sa.String, nullable=False, server_default="none"),
        sa.Column("approval_note", sa.Text, nullable=False, server_default=""),
        _moment("approval_expires"),
        _moment("asked_at"),
        sa.Column("subject", sa.String(64)),
        _moment("subject_changed_at"),
    )
    for column in columns:
        op.add_column("runs", column)


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        *(_name(f"actor_{part}") for part in ("kind", "id", "team", "name")),
        _text("session"),
        _name("decision"),
        _text("note"),
        _moment("at", nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        _moment("voided_at"),
    )
    op.create_index("reviews_by_run", "reviews", ["run", "ordinal"])


def _create_policy_samples() -> None:
    op.create_table(
        "policy_samples",
        sa.Column("id", sa.Integer, primary_key=True),
        _name("policy"),
        _text("document"),
        _text("ruling"),
        _moment("at", nullable=False),
    )
    op.create_index("policy_samples_by_policy", "policy_samples", ["policy", "id"])
