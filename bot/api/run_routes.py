"""Runs: make, look, stop."""

import codecs
from collections.abc import AsyncIterator, Mapping
from typing import Final

import structlog
from aiohttp import web

from bot.api import endpoints
from bot.api.asked import NewTask, RunFilter
from bot.api.call import Call, Handle, answer
from bot.api.endpoints import BASE, PLAIN, Endpoint
from bot.api.errors import Fault, Unanswerable
from bot.api.models import Run, Runs
from bot.api.reading import read_idempotency_key
from bot.api.stream import cut, sent
from bot.control.requests import Granted, Requests
from bot.domain.errors import StoreUnavailable
from bot.domain.sentences import dropped
from bot.domain.task import PresetRequest

log = structlog.get_logger(__name__)


class RunRoutes:
    """Answers what is asked of runs."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.handlers: Final[Mapping[Endpoint, Handle]] = {
            endpoints.NEW_TASK: self._new_task,
            endpoints.RUNS: self._runs,
            endpoints.RUN: self._run,
            endpoints.OUTPUT: self._output,
            endpoints.STOP: self._stop,
        }

    async def _new_task(self, call: Call) -> web.StreamResponse:
        request = call.of(NewTask).request
        name = read_idempotency_key(call.request)
        if isinstance(request, PresetRequest):
            return granted(await self._requests.preset(call.key, request, name))
        return granted(await self._requests.task(call.key, request, name))

    async def _runs(self, call: Call) -> web.StreamResponse:
        wanted = call.of(RunFilter)
        found = await self._requests.runs(call.key, wanted.query(), wanted.stack)
        return answer(Runs.of(found, wanted.limit))

    async def _run(self, call: Call) -> web.StreamResponse:
        return answer(Run.of(await self._requests.run(call.key, call.run)))

    async def _stop(self, call: Call) -> web.StreamResponse:
        return answer(Run.of(await self._requests.stop(call.key, call.run)))

    async def _output(self, call: Call) -> web.StreamResponse:
        pieces = await self._requests.output(call.key, call.run)
        if why := dropped((await self._requests.run(call.key, call.run)).run):
            raise Unanswerable(why, code=Fault.DROPPED)
        response = call.stream(PLAIN)
        await response.prepare(call.request)
        if call.wants_head:
            return response
        try:
            await _send(response, pieces)
        except (StoreUnavailable, TimeoutError):
            cut(call.request)
        except ConnectionResetError:
            log.info("output reader gone", run=call.run)
        return response


async def _send(
    response: web.StreamResponse, pieces: AsyncIterator[tuple[int, bytes]]
) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async for _, data in pieces:
        await sent(response, decoder.decode(data).encode())
    await sent(response, decoder.decode(b"", final=True).encode())
    await response.write_eof()


def granted(done: Granted) -> web.Response:
    """Return a run that was made, or had been made by the same request before."""
    run = Run.of(done.seen)
    headers = {"Location": f"{BASE}/runs/{run.id}"}
    return answer(run, 201 if done.is_new else 200, headers)
