"""Where OPA is: of the bot's own, or one that runs already."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from bot.domain.errors import PolicyUnavailable
from bot.policies.process import own_opa
from bot.policies.rest import OpaClient, client_at

_ADDRESSES: Final = ("http://", "https://", "unix://")


class Server(Protocol):
    """An OPA that can be asked."""

    @property
    def client(self) -> OpaClient:
        """Return what asks it."""

    @property
    def incarnation(self) -> int:
        """Return how many were started so far; each begins without policies."""

    @property
    def trouble(self) -> str:
        """Return why it does not answer, as a sentence; empty: it does."""

    @property
    def remedy(self) -> str:
        """Return what to do where it does not, as a sentence."""

    async def ready(self) -> None:
        """Wait until it can be asked."""

    def overran(self) -> None:
        """Be told that an evaluation was dropped because it took too long."""


class RunningOpa:
    """An OPA that somebody else runs."""

    incarnation = 1
    trouble = ""
    remedy = "Start it, or set HANDRAIL_OPA to the address of an OPA that runs."

    def __init__(self, client: OpaClient) -> None:
        self.client = client

    async def ready(self) -> None:
        """Return: whether it is there is seen when it is asked."""

    def overran(self) -> None:
        """Leave it to OPA, which cancels what nobody waits for."""


@asynccontextmanager
async def server_at(opa: str, data_dir: Path) -> AsyncIterator[Server]:
    """Open the OPA that *opa* is the address or the program of.

    Raise PolicyUnavailable where there is no such program.
    """
    if opa.startswith(_ADDRESSES):
        async with client_at(opa) as client:
            yield RunningOpa(client)
        return
    program = shutil.which(opa)
    if program is None:
        raise PolicyUnavailable(
            f"HANDRAIL_OPA is {opa}, where there is no program. Install Open Policy "
            "Agent 1.0 or newer there, or set HANDRAIL_OPA to the path of an opa, or "
            "to the address of one that runs."
        )
    async with own_opa(program, data_dir) as own:
        yield own
