"""What the commands on policies work with, whether the bot ever ran here or not."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.catalog.load import load
from bot.cli.record import ensure_there
from bot.domain.errors import StoreUnavailable
from bot.domain.stack import Catalog
from bot.policies.missing import NoPolicies
from bot.policies.opa import OpaPolicies, opened
from bot.settings import opa_at, stored_at
from bot.store.database import Database


def catalog() -> Catalog:
    """Return what handrail.yaml says; raise ConfigProblems."""
    return load(Path(os.environ.get("HANDRAIL_CONFIG") or "handrail.yaml"))


@asynccontextmanager
async def record() -> AsyncIterator[Database]:
    """Open the record that the settings name, or an empty one where there is none."""
    with TemporaryDirectory(prefix="handrail-") as empty:
        async with Database.open(_url(empty)) as database:
            yield database


@asynccontextmanager
async def evaluating() -> AsyncIterator[OpaPolicies | NoPolicies]:
    """Open the policies, beside the bot's own OPA where that runs."""
    opa = opa_at(os.environ)
    with TemporaryDirectory(prefix="handrail-") as folder:
        async with opened(opa, Path(folder)) as policies:
            yield policies


def _url(empty: str) -> str:
    url = stored_at(os.environ)
    try:
        ensure_there(url)
    except StoreUnavailable:
        return f"sqlite+aiosqlite:///{empty}/handrail.db"
    return url
