"""What every run is driven with."""

from dataclasses import dataclass

from bot.control.access import Access
from bot.control.consent import Consent
from bot.control.following import Following
from bot.control.job import Jobs
from bot.control.secrecy import Secrecy
from bot.domain.stack import Catalog
from bot.ports import Archive, Clock
from runner.engine import Engine
from runner.seal import Seal
from runner.source import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every run is driven with; none of it knows of a single run."""

    catalog: Catalog
    access: Access
    consent: Consent
    archive: Archive
    jobs: Jobs
    secrecy: Secrecy
    engine: Engine
    sources: Sources
    seal: Seal
    following: Following
    clock: Clock
