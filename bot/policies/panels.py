"""Several policies in one question: OPA answers for all of them, or for none."""

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Final

import structlog

from bot.domain.errors import HandrailError
from bot.policies.answers import NotEvaluated
from bot.policies.library import Library
from bot.policies.loading import ROOT, Loaded, digest
from bot.policies.rest import OpaClient, OpaLost, OpaUnusable
from bot.policies.server import Server
from bot.ports import Document

log = structlog.get_logger(__name__)

#: OPA keeps the last hundred questions prepared, and policies are some of them
_MOST: Final = 50
_LEFT_ALONE_FOR: Final = 600.0  #: seconds
_NEVER: Final = -math.inf
_ANSWERS: Final = "answers"


class NotTogether(HandrailError):
    """Policies have to be asked one by one."""


class Panels:
    """The panels that OPA has: modules that have the answers of several policies.

    One that was asked in vain is left alone for a while.
    """

    def __init__(self, server: Server, library: Library) -> None:
        self._server = server
        self._library = library
        #: when each was asked in vain; the one that was wanted last comes last
        self._in_vain: dict[str, float] = {}

    async def answers(self, panel: str, document: Document) -> list[object]:
        """Return what each policy of *panel* answers.

        Raise NotTogether where OPA does not have it, else as `OpaClient.ask` does.
        """
        loaded = self._library.at_hand(panel)
        if loaded is None or self._is_left_alone(panel):
            raise NotTogether
        self._use(panel)
        try:
            lists = await self._server.client.ask(loaded.home, loaded.answer, document)
        except asyncio.CancelledError:
            self._leave_alone(panel)
            self._server.overran()
            raise
        except (NotEvaluated, OpaLost):
            self._leave_alone(panel)
            raise
        if not isinstance(lists, list) or not all(lists):
            self._library.forget(panel)
            raise NotTogether
        return [answer for [answer] in lists]

    def bring(self, panel: str) -> None:
        """Have *panel* loaded, unless somebody would have to wait for that.

        While OPA takes up a module, whoever asks it waits for what it was asked
        before, and that may be without end.
        """
        if not self._server.client.is_asked and not self._is_left_alone(panel):
            self._use(panel)
            self._library.coming(panel, self._load)

    async def _load(self, client: OpaClient, panel: str) -> Loaded:
        while len(self._in_vain) > _MOST:
            oldest = next(iter(self._in_vain))
            del self._in_vain[oldest]
            self._library.forget(oldest)
            await unload_panel(client, oldest)
        try:
            return await _load_panel(client, panel)
        except OpaUnusable as error:
            log.warning("policies are not asked together", error=str(error))
            self._leave_alone(panel)
            raise

    def _use(self, panel: str) -> None:
        self._in_vain[panel] = self._in_vain.pop(panel, _NEVER)

    def _leave_alone(self, panel: str) -> None:
        self._in_vain[panel] = time.monotonic()

    def _is_left_alone(self, panel: str) -> bool:
        since = self._in_vain.get(panel, _NEVER)
        return time.monotonic() - since < _LEFT_ALONE_FOR


def panel_of(members: Sequence[Loaded]) -> str:
    """Return the panel that asks *members*; each has its answer in a list.

    The list of one that OPA does not have is empty.
    """
    asked = "".join(f"\t[it | it := data.{it.home}.{it.answer}],\n" for it in members)
    home = f"{ROOT}.panel_{digest(asked)}"
    return f"package {home}\n\n{_ANSWERS} := [\n{asked}]\n"


async def unload_panel(client: OpaClient, panel: str) -> None:
    """Remove *panel*, if it is there."""
    await client.unload(_module_name(panel))


async def _load_panel(client: OpaClient, panel: str) -> Loaded:
    for fault in await client.load(_module_name(panel), panel):
        raise OpaUnusable(f"OPA does not take {panel!r}: {fault.message}")
    return Loaded(home=_home(panel), answer=_ANSWERS)


def _home(panel: str) -> str:
    return panel.partition("\n")[0].removeprefix("package ")


def _module_name(panel: str) -> str:
    return f"handrail/{_home(panel).rpartition('.')[2]}"
