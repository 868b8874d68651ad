"""Handrail's API as a CI job sees it."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import (
    ClientConnectorCertificateError,
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
)

from bot.client.server import Server

#: for one request, from its beginning to the end of its answer
_PATIENCE: Final = ClientTimeout(total=10)
#: refused for now: asked too often, or too slowly
_FOR_NOW: Final = frozenset({408, 425, 429})

#: the stack has no place where its runs are told: somebody has to change that
_MISPLACED: Final = "channel"
#: what a performing run is refused once it is over, whatever else may be wrong
_OVER: Final = frozenset({"too_late", "stale"})


class Away(Exception):
    """Handrail could not be asked, or cannot answer now."""


class Untrusted(Away):
    """Whoever answers cannot prove to be Handrail."""


class Denied(Exception):
    """Handrail's own no; *status* as in HTTP, *code* as in its errors."""

    def __init__(self, sentence: str, *, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code

    @property
    def is_about_now(self) -> bool:
        """Tell whether the same wish may be granted at another time."""
        return self.status == 409 and self.code != _MISPLACED

    @property
    def is_final(self) -> bool:
        """Tell whether the run is over, or never was performed by this job."""
        return self.status == 409 and self.code in _OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A run as the API tells of it."""

    id: int
    state: str
    note: str = ""
    place: int | None = None  #: in the queue of its stack, from 1
    fence: int | None = None  #: of its claim, while it performs


class Api:
    """Asks as one key. Every method raises Away or Denied."""

    def __init__(self, session: ClientSession, server: Server) -> None:
        self._session = session
        self._url = f"{server.url}/api/v1"
        self._proxy = _proxy_for(server.url)

    @classmethod
    @asynccontextmanager
    async def open(cls, server: Server) -> AsyncIterator[Self]:
        """Be ready to ask *server*. Its certificate is verified."""
        bearer = {"Authorization": f"Bearer {server.key}"}
        # Not `trust_env`: a .netrc would put other words into Authorization.
        async with ClientSession(headers=bearer, timeout=_PATIENCE) as session:
            yield cls(session, server)

    async def announce(self, stack: str, command: str, idempotency: str) -> Tracked:
        """Announce a run that will be performed here; the same again is the same."""
        wish = {"stack": stack, "command": command}
        again = {"Idempotency-Key": idempotency}
        return _tracked(await self._ask("POST", "/tracked-runs", wish, again))

    async def run(self, run: int) -> Tracked:
        """Return a run as it is now."""
        return _tracked(await self._ask("GET", f"/runs/{run}"))

    async def begin(self, run: int) -> int:
        """Begin to perform a ready run, and return the fence of its claim."""
        return _fence(await self._ask("POST", f"/runs/{run}/begin", {}))

    async def heartbeat(self, run: int, fence: int | None) -> Tracked:
        """Say that this job is alive; *fence* is None before it performs."""
        wish = {"fence": fence}
        return _tracked(await self._ask("POST", f"/runs/{run}/heartbeat", wish))

    async def finish(self, run: int, fence: int, exit_code: int) -> None:
        """Report how the command ended."""
        wish = {"fence": fence, "exit_code": exit_code}
        await self._ask("POST", f"/runs/{run}/finish", wish)

    async def stop(self, run: int) -> None:
        """Take a run that has not begun out of the queue."""
        await self._ask("POST", f"/runs/{run}/stop", {})

    async def _ask(
        self,
        method: str,
        path: str,
        wish: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, object]:
        try:
            async with self._session.request(
                method,
                self._url + path,
                json=wish,
                headers=headers,
                proxy=self._proxy,
                # The key goes to nobody but who was named.
                allow_redirects=False,
            ) as answer:
                return await _told(answer)
        # The words of some of these would repeat a proxy's password.
        except (ClientConnectorCertificateError, ssl.CertificateError) as doubt:
            raise Untrusted(f"the certificate is not trusted ({doubt})") from doubt
        except TimeoutError as silence:
            raise Away("there is no answer") from silence
        except ValueError as wrong:
            raise Away("the server's address, or its proxy's, is of no use") from wrong
        except ClientResponseError as refused:
            raise Away(f"the proxy answers HTTP {refused.status}") from refused
        except (ClientError, OSError) as broken:
            raise Away(str(broken) or type(broken).__name__) from broken


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for *url*, its login with it."""
    parts = urlsplit(url)
    named = getproxies().get(parts.scheme, "")
    if not named or (parts.hostname and proxy_bypass(parts.hostname)):
        return None
    return named if "://" in named else f"http://{named}"


async def _told(answer: ClientResponse) -> Mapping[str, object]:
    said = await _document(answer)
    if answer.ok and said is not None and answer.status < 300:
        return said
    message, code = _words(said, "message"), _words(said, "error")
    if answer.status >= 500 or answer.status in _FOR_NOW:
        raise Away(message or f"it answers HTTP {answer.status}")
    if not message or not code:
        # Something on the way, or not Handrail at all: no answer to what was asked.
        raise Away(
            f"what answers there is not Handrail's API (HTTP {answer.status}); "
            "is HANDRAIL_URL right?"
        )
    raise Denied(message, status=answer.status, code=code)


async def _document(answer: ClientResponse) -> Mapping[str, object] | None:
    try:
        said = await answer.json(content_type=None)
    except ValueError:  # no JSON, or no text at all
        return None
    return said if isinstance(said, dict) else None


def _tracked(said: Mapping[str, object]) -> Tracked:
    number, state = said.get("id"), _words(said, "state")
    if not isinstance(number, int) or not state:
        raise Away("its answer is not about a run")
    return Tracked(
        id=number,
        state=state,
        note=_words(said, "note"),
        place=_number(said, "queue_place"),
        fence=_number(said, "fence"),
    )


def _fence(said: Mapping[str, object]) -> int:
    fence = _number(said, "fence")
    if fence is None:
        raise Away("its answer has no fence")
    return fence


def _words(said: Mapping[str, object] | None, name: str) -> str:
    found = (said or {}).get(name)
    return found if isinstance(found, str) else ""


def _number(said: Mapping[str, object], name: str) -> int | None:
    found = said.get(name)
    return found if isinstance(found, int) else None
