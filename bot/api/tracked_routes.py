"""Runs that an outside CI performs: announce, begin, be alive, finish."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from bot.api import endpoints
from bot.api.asked import Finish, Heartbeat, NewTrackedRun
from bot.api.call import Call, Handle, answer
from bot.api.endpoints import Endpoint
from bot.api.models import Begun, Run
from bot.api.reading import read_idempotency_key
from bot.api.run_routes import granted
from bot.control.requests import Requests
from bot.domain.lock import LEASE


class TrackedRoutes:
    """Answers what the CI of an outside run asks."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.handlers: Final[Mapping[Endpoint, Handle]] = {
            endpoints.NEW_TRACKED_RUN: self._announce,
            endpoints.BEGIN: self._begin,
            endpoints.HEARTBEAT: self._heartbeat,
            endpoints.FINISH: self._finish,
        }

    async def _announce(self, call: Call) -> web.StreamResponse:
        new = call.of(NewTrackedRun)
        name = read_idempotency_key(call.request)
        return granted(
            await self._requests.announce(call.key, new.stack, new.command, name)
        )

    async def _begin(self, call: Call) -> web.StreamResponse:
        seen, claim = await self._requests.begin(call.key, call.run)
        begun = Begun(
            run=Run.of(seen),
            fence=claim.fence,
            lease_seconds=int(LEASE.total_seconds()),
        )
        return answer(begun)

    async def _heartbeat(self, call: Call) -> web.StreamResponse:
        fence = call.of(Heartbeat).fence
        return answer(Run.of(await self._requests.heartbeat(call.key, call.run, fence)))

    async def _finish(self, call: Call) -> web.StreamResponse:
        end = call.of(Finish)
        over = await self._requests.finish(call.key, call.run, end.fence, end.exit_code)
        return answer(Run.of(over))
