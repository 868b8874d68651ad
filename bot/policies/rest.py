"""OPA's REST API: https://www.openpolicyagent.org/docs/latest/rest-api/."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

from bot.domain.errors import PolicyUnavailable
from bot.policies.answers import NotEvaluated
from bot.ports import Document

#: a policy that answers more than this gives no answer
LONGEST_ANSWER: Final = 1 << 20  #: bytes
#: an HTTP host has to be named, though a socket has none
_SOCKET_HOST: Final = "http://opa"
_UNIX: Final = "unix://"


class OpaAbsent(PolicyUnavailable):
    """OPA is not there, so it was asked nothing."""


class OpaLost(PolicyUnavailable):
    """OPA ended, or dropped what it was asked, without an answer."""


class OpaUnusable(PolicyUnavailable):
    """What is there does not answer, or not as OPA does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaFault:
    """What OPA finds wrong with a module; zeros: it does not say where."""

    code: str
    message: str
    row: int = 0
    column: int = 0


@asynccontextmanager
async def client_at(address: str) -> AsyncIterator["OpaClient"]:
    """Open a client of the OPA at *address*: `http://…`, `https://…`, `unix://…`."""
    connector: aiohttp.BaseConnector
    if address.startswith(_UNIX):
        connector = aiohttp.UnixConnector(address.removeprefix(_UNIX))
        base = _SOCKET_HOST
    else:
        connector = aiohttp.TCPConnector()
        base = address.rstrip("/")
    # Time limits are the callers': what is given up is also dropped.
    unlimited = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=unlimited) as session:
        yield OpaClient(session, base, address)


class OpaClient:
    """What Handrail asks of an OPA.

    Each method raises OpaAbsent, OpaLost or OpaUnusable.
    """

    def __init__(self, session: aiohttp.ClientSession, base: str, address: str) -> None:
        self._session = session
        self._base = base
        self._under_way = 0
        self.address = address
        self.asked = 0  #: how often, so far

    @property
    def is_asked(self) -> bool:
        """Tell whether anything is under way."""
        return self._under_way > 0

    async def answers(self) -> bool:
        """Tell whether OPA is there and can be asked."""
        try:
            status, _ = await self._call("GET", "health")
        except PolicyUnavailable:
            return False
        return status == 200

    async def is_there(self) -> bool:
        """Tell whether it can be connected to, whatever it says."""
        try:
            await self._call("GET", "health")
        except (OpaAbsent, OpaLost):
            return False
        return True

    async def load(self, module: str, text: str) -> tuple[OpaFault, ...]:
        """Load or replace *module*; what is wrong with it keeps it out."""
        status, said = await self._call("PUT", f"v1/policies/{module}", text.encode())
        if status == 200:
            return ()
        if status == 400:
            return tuple(_faults(said))
        raise self._refused(status, said)

    async def unload(self, module: str) -> None:
        """Remove *module*, if it is there."""
        await self._call("DELETE", f"v1/policies/{module}")

    async def tree(self, module: str) -> object:
        """Return the compiled syntax tree of *module*, as JSON."""
        status, said = await self._call("GET", f"v1/policies/{module}", most=0)
        if status != 200:
            raise self._refused(status, said)
        return _get(_get(said, "result"), "ast")

    async def ask(self, package: str, rule: str, document: Document) -> object:
        """Return what *rule* of *package* is for *document*; None: it is undefined.

        An error of a built-in function is one of the policy: raise NotEvaluated.
        """
        path = f"v1/data/{package.replace('.', '/')}/{rule}?strict-builtin-errors=true"
        body = json.dumps({"input": document}).encode()
        status, said = await self._call("POST", path, body)
        if status == 200:
            return _get(said, "result")
        if status in {400, 500}:
            fault = next(_faults(said))
            raise NotEvaluated(fault.message, fault.row)
        raise self._refused(status, said)

    async def _call(
        self, method: str, path: str, body: bytes = b"", most: int = LONGEST_ANSWER
    ) -> tuple[int, object]:
        """Call OPA; an answer of more than *most* bytes is none, if there is a most."""
        try:
            with self._counted():
                async with self._session.request(
                    method, f"{self._base}/{path}", data=body, allow_redirects=False
                ) as response:
                    said = await _read(response, most)
                    return response.status, _parsed(said)
        except aiohttp.ClientConnectorError as error:
            # Of the error itself only this is the same on every address.
            why = error.strerror or "no connection"
            what = f"OPA at {self.address} does not answer: {why}."
            raise OpaAbsent(what) from error
        except (aiohttp.ClientError, OSError) as error:
            what = "OPA ended while it was asked, as it does when memory runs out."
            raise OpaLost(what) from error

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.asked += 1
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def _refused(self, status: int, said: object) -> OpaUnusable:
        message = str(_get(said, "message") or "no reason given")
        return OpaUnusable(
            f"OPA at {self.address} refused with HTTP {status}: {message}"
        )


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    if not most:
        return await response.read()
    pieces, length = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        length += len(piece)
        if length > most:
            raise NotEvaluated(f"it answers more than {most >> 20} MiB")
    return b"".join(pieces)


def _parsed(said: bytes) -> object:
    try:
        parsed: object = json.loads(said) if said.strip() else {}
    except (ValueError, RecursionError):
        return {"message": "what it said is no JSON"}
    return parsed


def _faults(said: object) -> Iterator[OpaFault]:
    errors = _get(said, "errors")
    for error in errors if isinstance(errors, list) else []:
        location = _get(error, "location")
        yield OpaFault(
            code=str(_get(error, "code") or ""),
            message=str(_get(error, "message") or "no reason given"),
            row=_number(_get(location, "row")),
            column=_number(_get(location, "col")),
        )
    if not errors:
        yield OpaFault(code="", message=str(_get(said, "message") or "no reason given"))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _get(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, Mapping) else None
