"""The port to whoever follows a run."""

from typing import Protocol

from runner.events import Event


class Watcher(Protocol):
    """Follows one run.

    Each call is awaited before the run goes on. An error of a watcher ends the
    following, not the run: its container stays as it is, to be resumed.
    """

    async def tell(self, event: Event) -> None:
        """Store *event*."""

    async def may_perform(self) -> bool:
        """Store that the run performs; False means that it was called off."""
