"""Tell what happens to a run as server-sent events, until it ends."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import web

from bot.api import endpoints
from bot.api.authentication import Authentication
from bot.api.call import Call, Handle
from bot.api.endpoints import EVENT_STREAM, Endpoint
from bot.api.errors import invalid
from bot.api.models import Run
from bot.api.open_streams import OpenStreams
from bot.api.place import Place
from bot.api.stream import cut, is_gone, sent
from bot.control.requests import Requests
from bot.control.sight import Seen
from bot.domain import run as runs
from bot.domain.errors import Refused, StoreUnavailable
from bot.domain.run import RunState

log = structlog.get_logger(__name__)

#: where a container speaks, unless the run is performed outside
_SPEAKING: Final = frozenset(
    {
        RunState.PREPARING,
        RunState.INITIALIZING,
        RunState.PERFORMING,
        RunState.PLANNING,
        RunState.APPLYING,
    }
)

#: not kept by proxies, which would hold an event back until the next ones come
_UNBUFFERED: Final = {"X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a stream does what."""

    look: timedelta = timedelta(milliseconds=500)
    #: a comment keeps proxies from taking a quiet stream for a dead one, and the key
    #: is looked at again
    comment: timedelta = timedelta(seconds=15)


@dataclass(slots=True)
class _Stream:
    """One reader, and what was sent so far."""

    call: Call
    response: web.StreamResponse
    place: Place
    commented: float  #: when the last comment was sent, by the loop's clock
    shown: Seen | None = None
    read_in: RunState | None = None  #: in which state the output was read last

    def may_have_more(self, run: runs.Run) -> bool:
        """Tell whether *run*, as it stands, may have output that was not read."""
        speaks = run.state in _SPEAKING and not run.outside
        return speaks or run.state is not self.read_in

    async def send(self, event: bytes) -> None:
        await sent(self.response, event)


class Events:
    """Each stream reads the record for itself, and a piece of it at a time.

    So a reader who is slow, or gone, keeps neither a transaction nor a run waiting.
    """

    def __init__(
        self,
        requests: Requests,
        authentication: Authentication,
        rhythm: Rhythm,
    ) -> None:
        self._requests = requests
        self._authentication = authentication
        self._rhythm = rhythm
        self._open = OpenStreams()
        self.handlers: Final[Mapping[Endpoint, Handle]] = {
            endpoints.EVENTS: self._events
        }

    async def _events(self, call: Call) -> web.StreamResponse:
        place = _place(call.request)
        await self._requests.run(call.key, call.run)
        response = call.stream(EVENT_STREAM)
        response.headers.update(_UNBUFFERED)
        with self._open.counted(call.key.name):
            await response.prepare(call.request)
            if not call.wants_head:
                stream = _Stream(
                    call=call, response=response, place=place, commented=_seconds()
                )
                await self._tell(stream)
        return response

    async def _tell(self, stream: _Stream) -> None:
        try:
            await stream.send(b"retry: 2000\n\n")
            while not is_gone(stream.call.request):
                if await self._is_told_out(stream):
                    return
                if not await self._goes_on(stream):
                    return
                await asyncio.sleep(self._rhythm.look.total_seconds())
        except TimeoutError:
            cut(stream.call.request)
        except ConnectionResetError:
            log.info("event reader gone", run=stream.call.run)

    async def _is_told_out(self, stream: _Stream) -> bool:
        """Tell what is new; True once the end was told."""
        try:
            seen = await self._requests.run(stream.call.key, stream.call.run)
            if stream.shown is None:
                await self._tell_state(stream, seen)
            # Read after the state: where that is the last one, so is this output.
            if stream.may_have_more(seen.run):
                await self._tell_output(stream)
                stream.read_in = seen.run.state
        except StoreUnavailable as away:
            log.warning("store away, stream waits", error=str(away))
            return False
        except Refused:
            return True
        if seen != stream.shown:
            await self._tell_state(stream, seen)
        if not seen.run.state.is_terminal:
            return False
        if rest := stream.place.rest():
            place = Place(offset=stream.place.offset)
            await stream.send(event("output", {"text": rest}, place))
        await stream.send(event("end", _json(seen)))
        return True

    async def _tell_state(self, stream: _Stream, seen: Seen) -> None:
        await stream.send(event("state", _json(seen)))
        stream.shown = seen

    async def _tell_output(self, stream: _Stream) -> None:
        pieces = await self._requests.output(
            stream.call.key, stream.call.run, stream.place.offset
        )
        async for end, data in pieces:
            stream.place, text = stream.place.after(end, data)
            if text:
                await stream.send(event("output", {"text": text}, stream.place))

    async def _goes_on(self, stream: _Stream) -> bool:
        """Send a comment when it is time; False where the key opens nothing more."""
        if _seconds() - stream.commented < self._rhythm.comment.total_seconds():
            return True
        stream.commented = _seconds()
        await stream.send(b": still here\n\n")
        try:
            return await self._authentication.is_still(stream.call.key)
        except StoreUnavailable:
            return True  # nothing can be read either until it is back


def event(name: str, data: object, place: Place | None = None) -> bytes:
    """Return one event (HTML Living Standard, 9.2), its data as JSON in one line."""
    lines = [f"event: {name}", f"data: {json.dumps(data, ensure_ascii=False)}"]
    if place is not None:
        lines.append(f"id: {place}")
    return ("\n".join(lines) + "\n\n").encode()


def _json(seen: Seen) -> object:
    return Run.of(seen).model_dump(mode="json")


def _place(request: web.Request) -> Place:
    given = request.headers.getall("Last-Event-ID", [])
    # An empty one is what a reader sends who has had no id yet.
    place = Place.parse(given[0] or "0") if given else Place()
    if place is None or len(given) > 1:
        raise invalid("Last-Event-ID is the id of an `output` event, as it was sent.")
    return place


def _seconds() -> float:
    return asyncio.get_running_loop().time()
