"""Replicas: the processes of the bot that work on one record."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NewType

ReplicaId = NewType("ReplicaId", str)

#: for how long a replica that is not heard of is believed to live
REPLICA_LEASE: Final = timedelta(seconds=20)
#: how often a replica lets itself be heard of
REPLICA_RENEWAL: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process, from its start to its end: it never comes again."""

    id: ReplicaId
    #: the engine it starts containers on, by the engine's own name for itself
    engine: str = ""
    host: str = ""  #: for people: where it runs
    slots: int = 1000  #: how many runs may be active on its engine at once


#: what a store is told that only reads, or that a test uses alone
SOLO: Final = Replica(id=ReplicaId("solo"))
