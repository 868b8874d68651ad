"""What the tables are made of."""

from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, Dialect, String, TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A point in time: aware in and out, kept in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 (SQLAlchemy's signature)
    ) -> datetime | None:
        """Return *value* in UTC; a time without a zone is a bug of the caller."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value and value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 (SQLAlchemy's signature)
    ) -> datetime | None:
        """Return what was stored, aware; SQLite forgets the zone."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def actor_columns(
    prefix: str, *, nullable: bool = False, key: bool = False
) -> list[Column[str]]:
    """Return the columns that keep an actor, as `rows.actor_values` names them."""
    # An actor is told from others by everything but the name.
    return [
        Column(
            f"{prefix}_{part}",
            String,
            nullable=nullable,
            primary_key=key and part != "name",
        )
        for part in ("kind", "id", "team", "name")
    ]
