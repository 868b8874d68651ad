"""Stacks and the holds on them."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from bot.api import endpoints
from bot.api.asked import HoldsToRelease, NewHolds
from bot.api.call import Call, Handle, answer
from bot.api.endpoints import Endpoint
from bot.api.models import Holds, Stack, StackList
from bot.control.requests import Requests


class StackRoutes:
    """Answers what is asked of stacks and of holds."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.handlers: Final[Mapping[Endpoint, Handle]] = {
            endpoints.STACKS: self._stacks,
            endpoints.STACK: self._stack,
            endpoints.HOLDS: self._holds,
            endpoints.NEW_HOLDS: self._hold,
            endpoints.RELEASE: self._release,
        }

    async def _stacks(self, call: Call) -> web.StreamResponse:
        return answer(StackList.of(self._requests.stacks(call.key)))

    async def _stack(self, call: Call) -> web.StreamResponse:
        return answer(Stack.of(await self._requests.stack(call.key, call.stack)))

    async def _holds(self, call: Call) -> web.StreamResponse:
        return answer(Holds.of(await self._requests.holds(call.key)))

    async def _hold(self, call: Call) -> web.StreamResponse:
        new = call.of(NewHolds)
        taken = await self._requests.hold(
            call.key, new.stacks, new.reason, new.duration
        )
        return answer(Holds.of(taken), 201)

    async def _release(self, call: Call) -> web.StreamResponse:
        asked = call.of(HoldsToRelease)
        released = await self._requests.release(call.key, asked.stacks, asked.reason)
        return answer(Holds.of(released))
