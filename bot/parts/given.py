"""What the bot is given at its start."""

from collections.abc import Mapping
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.control.secrecy import Secrecy
from bot.domain.replica import Replica
from bot.domain.stack import Catalog
from bot.ports import Clock, Policies
from bot.settings import Settings
from bot.slack.pacing import Budget
from bot.store.database import Database
from runner.engine import Engine


@dataclass(kw_only=True)
class Given:
    """What every part is made of in the end."""

    settings: Settings
    catalog: Catalog
    engine: Engine
    environ: Mapping[str, str]
    client: AsyncWebClient
    database: Database
    replica: Replica
    installation: str
    secrecy: Secrecy
    budget: Budget
    clock: Clock
    policies: Policies
