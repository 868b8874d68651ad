"""A server that answers as Handrail's API does, and fails as a test says."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.client.server import Server

KEY = "hr_0123456789abcdef_a-secret_that-is-never-to-be-seen-anywhere-1"
FENCE = 7


class Fault(Enum):
    """How an answer can be missed."""

    AWAY = auto()  #: Handrail says that it cannot answer now
    DROPPED = auto()  #: the connection ends before anything was done
    LOST = auto()  #: it was done, and the connection ends before the answer
    STRANGER = auto()  #: something on the way answers in its place


@dataclass(frozen=True, slots=True)
class No:
    """Handrail's own refusal."""

    status: int
    error: str
    message: str = "That was refused."


@dataclass(kw_only=True)
class StandIn:
    """One stack, whose runs become ready after they were looked at so often."""

    looks: int = 0  #: before the turn comes
    faults: dict[str, Iterator[Fault | No]] = field(default_factory=dict)
    #: every request that was understood: its verb and its body
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)  #: idempotency keys
    states: dict[int, str] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)  #: exit codes
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    url: str = ""

    @property
    def server(self) -> Server:
        """Return where it is, as a job would be told."""
        return Server(url=self.url, key=KEY)

    def fails(self, verb: str, *faults: Fault | No) -> None:
        """Fail so often at *verb*, then no more."""
        self.faults[verb] = iter(faults)

    def says_no(self, verb: str, message: str) -> None:
        """Refuse *verb* once, with these words."""
        self.fails(verb, No(403, "not_allowed", message))

    def keeps_failing(self, verb: str, faults: Iterable[Fault | No]) -> None:
        """Fail at *verb* as long as *faults* go on."""
        self.faults[verb] = iter(faults)

    def verbs(self) -> list[str]:
        """Return what was asked for, in order."""
        return [verb for verb, _ in self.asked]

    async def heard(self, verb: str, times: int = 1) -> None:
        """Wait until *verb* was asked for so often."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: self.verbs().count(verb) >= times)

    async def announce(self, request: web.Request) -> web.Response:
        name = request.headers["Idempotency-Key"]
        number = self.names.setdefault(name, len(self.names) + 1)
        self.states.setdefault(number, "queued" if self.looks else "ready")
        return self._run(number, status=201)

    async def run(self, request: web.Request) -> web.Response:
        return self._run(int(request.match_info["id"]))

    async def begin(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        if self.states[number] != "ready":
            return refusal(No(409, "too_late"))
        self.states[number] = "performing"
        return web.json_response(
            {"run": {"id": number}, "fence": FENCE, "lease_seconds": 90}
        )

    async def heartbeat(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        fence = (await request.json())["fence"]
        performs = self.states[number] == "performing"
        if number in self.ends or fence != (FENCE if performs else None):
            return refusal(No(409, "stale"))
        self.looks -= 1
        if self.looks <= 0 and self.states[number] == "queued":
            self.states[number] = "ready"
        return self._run(number)

    async def finish(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        said = await request.json()
        if self.states[number] != "performing" or said["fence"] != FENCE:
            return refusal(No(409, "too_late"))
        self.end(number, said["exit_code"])
        return self._run(number)

    async def stop(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        if self.states[number] not in {"queued", "ready"}:
            return refusal(No(409, "too_late"))
        self.states[number] = "discarded"
        return self._run(number)

    def end(self, number: int, code: int) -> None:
        """End a run with its exit code."""
        self.ends[number] = code
        self.states[number] = "finished" if code == 0 else "failed"

    def _run(self, number: int, status: int = 200) -> web.Response:
        performs = self.states[number] == "performing"
        told = {
            "id": number,
            "state": self.states[number],
            "note": "",
            "queue_place": 2 if self.states[number] == "queued" else None,
            "fence": FENCE if performs else None,
        }
        return web.json_response(told, status=status)


@asynccontextmanager
async def a_stand_in() -> AsyncIterator[StandIn]:
    """Serve a stand-in on a port of this machine."""
    stand_in = StandIn()
    application = web.Application(middlewares=[_failing(stand_in)])
    post, base = application.router.add_post, "/api/v1/runs/{id}"
    post("/api/v1/tracked-runs", stand_in.announce)
    application.router.add_get(base, stand_in.run)
    for verb in (stand_in.begin, stand_in.heartbeat, stand_in.finish, stand_in.stop):
        post(f"{base}/{verb.__name__}", verb)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stand_in
    finally:
        await runner.cleanup()


def _failing(stand_in: StandIn) -> Middleware:
    @web.middleware
    async def failing(request: web.Request, handler: Handler) -> web.StreamResponse:
        verb = str(getattr(handler, "__name__", ""))
        fault = next(stand_in.faults.get(verb, iter(())), None)
        body = await request.json() if request.can_read_body else {}
        stand_in.headers.append(dict(request.headers))
        stand_in.asked.append((verb, body))
        if fault is None or fault is Fault.LOST:
            answer = await handler(request)
        async with stand_in.changed:
            stand_in.changed.notify_all()
        return answer if fault is None else _failed(fault, request)

    return failing


def _failed(fault: Fault | No, request: web.Request) -> web.StreamResponse:
    match fault:
        case No():
            return refusal(fault)
        case Fault.AWAY:
            return refusal(No(503, "unavailable", "The database is away."))
        case Fault.STRANGER:
            return web.Response(status=404, text="<html>default backend</html>")
        case Fault.DROPPED | Fault.LOST:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()


def refusal(no: No) -> web.Response:
    """Return Handrail's no."""
    return web.json_response(
        {"error": no.error, "message": no.message}, status=no.status
    )
