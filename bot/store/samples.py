"""What policies were asked of late: the last hundred times of each."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.policy import Ruling
from bot.ports import Document, Hide
from bot.store.tables import policy_samples

_KEPT: Final = 100


async def keep(
    db: AsyncConnection, policy: str, document: Document, ruling: Ruling, at: datetime
) -> None:
    """Keep a sample of *policy*, and forget those that are too old for it."""
    row = insert(policy_samples).values(
        policy=policy,
        document=json.dumps(document),
        ruling=json.dumps(asdict(ruling)),
        at=at,
    )
    await db.execute(row)
    of_policy = policy_samples.c.policy == policy
    newest = select(policy_samples.c.id).where(of_policy)
    newest = newest.order_by(policy_samples.c.id.desc())
    oldest = (await db.execute(newest.offset(_KEPT - 1).limit(1))).scalar_one_or_none()
    if oldest is not None:
        old = of_policy & (policy_samples.c.id < oldest)
        await db.execute(delete(policy_samples).where(old))


async def kept(db: AsyncConnection, policy: str) -> tuple[tuple[Document, Ruling], ...]:
    """Return the samples of *policy*, newest first."""
    of_policy = select(policy_samples).where(policy_samples.c.policy == policy)
    rows = await db.execute(of_policy.order_by(policy_samples.c.id.desc()))
    return tuple((json.loads(row.document), _ruling(row.ruling)) for row in rows)


def hidden_json(text: str, hide: Hide) -> str:
    """Return JSON with what *hide* knows taken out of each text in it."""
    before = json.loads(text)
    after = _hidden(before, hide)
    return text if after == before else json.dumps(after)


def _hidden(value: object, hide: Hide) -> object:
    match value:
        case str():
            return hide.text(value)
        case list():
            return [_hidden(part, hide) for part in value]
        case dict():
            return {name: _hidden(part, hide) for name, part in value.items()}
        case _:
            return value


def _ruling(text: str) -> Ruling:
    kept: dict[str, Any] = json.loads(text)
    lists = {name: tuple(it) for name, it in kept.items() if isinstance(it, list)}
    return Ruling(**{**kept, **lists})
