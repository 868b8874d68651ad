"""What is hidden of the runs that are driven here, also what others ask to hide."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from bot.control.recorder import Recorder, insisting
from bot.control.secrecy import Secrecy
from bot.domain.errors import Superseded
from bot.domain.run import Run, RunId
from bot.ports import Archive, Record
from runner.errors import SealBroken
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.seal import Seal, about

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Followed:
    masks: Masks
    recorder: Recorder
    heard: int = 0  #: the number of the last piece of the record's that is hidden


class Following:
    """Every wish to hide is kept, sealed: whoever drives the run heeds it.

    So a wish outlives this process, and reaches the replica that drives the run.
    """

    def __init__(
        self,
        *,
        record: Record,
        archive: Archive,
        secrecy: Secrecy,
        seal: Seal,
        installation: str,
    ) -> None:
        self._record = record
        self._archive = archive
        self._secrecy = secrecy
        self._seal = seal
        self._installation = installation
        self._followed: dict[RunId, _Followed] = {}

    async def hide(self, run: RunId, *secrets: Secret) -> None:
        """Hide *secrets* in what *run* prints from here on."""
        if (await self._archive.run(run)).state.is_terminal:
            return
        sealed = self._seal.closed(secrets, self._name(run))
        await self._record.hide_later(run, sealed)
        if run in self._followed:
            followed = self._followed[run]
            await asyncio.to_thread(followed.masks.learn, secrets)
            with suppress(Superseded):
                await followed.recorder.flush()

    async def hear(self) -> None:
        """Hide what was asked for since, and take it out of what was told before."""
        for run, followed in tuple(self._followed.items()):
            with suppress(Superseded):  # it is over, or another replica's by now
                if await self._learn(run, followed):
                    await followed.recorder.take_back()

    @asynccontextmanager
    async def follow(
        self, run: Run, masks: Masks, recorder: Recorder
    ) -> AsyncIterator[None]:
        """Let the bot hide what *masks* hide, and *masks* what is asked for."""
        followed = _Followed(masks=masks, recorder=recorder)
        await insisting(lambda: self._learn(run.id, followed))
        self._followed[run.id] = followed
        try:
            with self._secrecy.keeping(run.stack, masks):
                async with recorder:
                    yield
        finally:
            if self._followed.get(run.id) is followed:
                del self._followed[run.id]

    async def _learn(self, run: RunId, followed: _Followed) -> bool:
        """Hide what is asked for and not hidden yet; False if there is nothing."""
        pieces = await self._archive.hidden_later(run, followed.heard)
        known = len(followed.masks.secrets)
        for number, sealed in pieces:
            try:
                secrets = self._seal.opened(sealed, self._name(run))
            except SealBroken:
                log.exception("a wish to hide is lost", run=run)
            else:
                await asyncio.to_thread(followed.masks.learn, secrets)
            followed.heard = number
        return len(followed.masks.secrets) > known

    def _name(self, run: RunId) -> str:
        return f"{about(str(run), self._installation)}/later"
