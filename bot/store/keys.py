"""The API keys, as they are kept."""

import json
from datetime import datetime

from sqlalchemy import RowMapping, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, Role
from bot.domain.stack import StackName
from bot.store import audit
from bot.store.database import Database, upsert
from bot.store.rows import actor_of, actor_values
from bot.store.tables import api_keys


class SqlKeys:
    """The port `Keys` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, key: ApiKey) -> bool:
        """Keep a new key, with its audit row; False where its name is taken."""
        async with self._database.write("keep an API key") as db:
            new = upsert(db, api_keys).values(_values(key))
            new = new.on_conflict_do_nothing(index_elements=[api_keys.c.name])
            made = await db.execute(new.returning(api_keys.c.name))
            if made.one_or_none() is None:
                return False
            deed = _deed(Verb.KEY_MADE, key.made_by, key.made_at, _in_words(key))
            await audit.append(db, deed)
            return True

    async def revoke(self, name: str, actor: Actor, at: datetime) -> bool:
        """Revoke a key; False where there is none, or it was revoked before."""
        valid = (api_keys.c.name == name) & api_keys.c.revoked_at.is_(None)
        revoked = update(api_keys).where(valid).values(revoked_at=at)
        async with self._database.write("revoke an API key") as db:
            found = await db.execute(revoked.returning(api_keys.c.name))
            if found.one_or_none() is None:
                return False
            await audit.append(db, _deed(Verb.KEY_REVOKED, actor, at, name))
            return True

    async def all(self) -> tuple[ApiKey, ...]:
        """Return every key that was ever made, by name."""
        async with self._database.read("read the API keys") as db:
            return await _keys(db, select(api_keys).order_by(api_keys.c.name))

    async def by_id(self, id: str) -> ApiKey | None:  # noqa: A002 (the port's)
        """Return the key whose public part that is."""
        return await self._key(select(api_keys).where(api_keys.c.id == id))

    async def by_name(self, name: str) -> ApiKey | None:
        """Return the key of that name."""
        return await self._key(select(api_keys).where(api_keys.c.name == name))

    async def note_use(self, name: str, address: str, at: datetime) -> None:
        """Keep when and from where a key was used last."""
        used = update(api_keys).where(api_keys.c.name == name)
        async with self._database.write("note the use of an API key") as db:
            await db.execute(used.values(used_at=at, used_from=address))

    async def _key(self, query: Select[*tuple[object, ...]]) -> ApiKey | None:
        async with self._database.read("read an API key") as db:
            found = await _keys(db, query)
        return found[0] if found else None


async def _keys(
    db: AsyncConnection, query: Select[*tuple[object, ...]]
) -> tuple[ApiKey, ...]:
    return tuple(map(_key_of, (await db.execute(query)).mappings()))


def _values(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "id": key.id,
        "digest": key.digest,
        "role": key.role.value,
        "stacks": None if key.stacks is None else json.dumps(key.stacks),
        "networks": json.dumps(key.networks),
        **actor_values("made_by", key.made_by),
        "made_at": key.made_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "used_at": key.used_at,
        "used_from": key.used_from,
    }


def _key_of(row: RowMapping) -> ApiKey:
    stacks = None if row["stacks"] is None else json.loads(row["stacks"])
    return ApiKey(
        name=row["name"],
        id=row["id"],
        digest=row["digest"],
        role=Role(row["role"]),
        stacks=None if stacks is None else tuple(map(StackName, stacks)),
        networks=tuple(json.loads(row["networks"])),
        made_by=actor_of(row, "made_by"),
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        used_at=row["used_at"],
        used_from=row["used_from"],
    )


def _in_words(key: ApiKey) -> str:
    stacks = "all stacks" if key.stacks is None else ", ".join(key.stacks)
    return f"{key.name}: {key.role.name.lower()} of {stacks}"


def _deed(verb: Verb, actor: Actor, at: datetime, detail: str) -> Deed:
    return Deed(verb=verb, actor=actor, at=at, detail=detail)
