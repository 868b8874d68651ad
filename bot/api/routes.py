"""The API as routes: each request is known by a key, checked, answered, and logged."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPMethod
from secrets import token_hex
from typing import Final

import structlog
from aiohttp import web

from bot.api.attempts import Attempts
from bot.api.authentication import Authentication
from bot.api.call import Call, Handle, answer
from bot.api.endpoints import BASE, DOCUMENT, ENDPOINTS, Endpoint
from bot.api.errors import STATUS, Fault, Unanswerable
from bot.api.events import Events, Rhythm
from bot.api.fields import Asked
from bot.api.models import Error
from bot.api.openapi import document
from bot.api.peer import Network, Peers
from bot.api.reading import read_body, read_query
from bot.api.run_routes import RunRoutes
from bot.api.stack_routes import StackRoutes
from bot.api.tracked_routes import TrackedRoutes
from bot.control.requests import Requests
from bot.domain.errors import Refusal, Refused, StoreUnavailable
from bot.domain.keys import ApiKey
from bot.ports import Clock, Keys

log = structlog.get_logger(__name__)

_AWAY_SECONDS: Final = "5"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api_routes(
    *,
    requests: Requests,
    keys: Keys,
    clock: Clock,
    proxies: tuple[Network, ...] = (),
    rhythm: Rhythm = Rhythm(),  # noqa: B008 - a value
) -> tuple[web.RouteDef, ...]:
    """Return the routes of every endpoint, and one for what is none of them."""
    authentication = Authentication(
        keys=keys,
        note=requests.refused,
        clock=clock,
        peers=Peers(proxies=proxies),
        attempts=Attempts(clock),
    )
    handlers: Mapping[Endpoint, Handle] = {
        **RunRoutes(requests).handlers,
        **TrackedRoutes(requests).handlers,
        **StackRoutes(requests).handlers,
        **Events(requests, authentication, rhythm).handlers,
    }
    door = _Door(requests, authentication, handlers)
    by_path: defaultdict[str, dict[str, Endpoint]] = defaultdict(dict)
    for endpoint in ENDPOINTS:
        by_path[endpoint.path][endpoint.method] = endpoint
    return (
        *(
            web.route("*", f"{BASE}{path}", door.answering(by_method))
            for path, by_method in by_path.items()
        ),
        web.route("*", BASE, door.answering(None)),
        web.route("*", BASE + "/{rest:.*}", door.answering(None)),
    )


@dataclass(slots=True)
class _Visit:
    """A request on its way, and what is known of it so far."""

    request: web.Request
    headers: dict[str, str]
    endpoint: Endpoint | None = None
    key: ApiKey | None = None


class _Door:
    """Lets requests in one by one: nobody without a key gets past it."""

    def __init__(
        self,
        requests: Requests,
        authentication: Authentication,
        handlers: Mapping[Endpoint, Handle],
    ) -> None:
        self._requests = requests
        self._authentication = authentication
        self._handlers = handlers
        self._document = document(ENDPOINTS)

    def answering(self, by_method: Mapping[str, Endpoint] | None) -> Answer:
        """Return what answers a path that has these methods; None for no path."""

        async def answered(request: web.Request) -> web.StreamResponse:
            visit = _Visit(request=request, headers=_headers())
            response = await self._answered(visit, by_method)
            if not response.prepared:
                response.headers.update(visit.headers)
            _log(visit, response.status)
            return response

        return answered

    async def _answered(
        self, visit: _Visit, by_method: Mapping[str, Endpoint] | None
    ) -> web.StreamResponse:
        try:
            visit.endpoint = endpoint = _endpoint(visit.request, by_method)
            if endpoint is DOCUMENT:
                _asked_nothing(visit.request)
                return web.json_response(self._document)
            return await self._with_key(visit, endpoint)
        except Unanswerable as error:
            return _refusal(error.code, str(error), error.headers)
        except Refused as refused:
            headers = _retry(refused.reason)
            return _refusal(refused.reason, str(refused), headers)
        except StoreUnavailable as away:
            # What is wrong with the database is for the log, not for a caller.
            log.exception("store away, api request refused")
            return _refusal(
                Refusal.UNAVAILABLE,
                away.sentence,
                _retry(Refusal.UNAVAILABLE),
            )

    async def _with_key(self, visit: _Visit, endpoint: Endpoint) -> web.StreamResponse:
        key = await self._authentication.key_of(visit.request, endpoint.name)
        visit.key = key
        try:
            call = Call(
                request=visit.request,
                key=key,
                headers=visit.headers,
                asked=await _asked(visit.request, endpoint),
            )
            return await self._handlers[endpoint](call)
        except Unanswerable as error:
            await self._requests.refused(key.actor, f"{error.code}: {endpoint.name}")
            raise


def _headers() -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Server": "Handrail",  # without the versions that aiohttp would name
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": token_hex(8),
    }


def _endpoint(
    request: web.Request, by_method: Mapping[str, Endpoint] | None
) -> Endpoint:
    if by_method is None:
        raise Unanswerable(
            f"There is nothing here. {BASE}{DOCUMENT.path} says what there is.",
            code=Fault.NO_SUCH_PATH,
        )
    method = HTTPMethod.GET if request.method == "HEAD" else request.method
    if method in by_method:
        return by_method[method]
    allowed = sorted([*by_method, *(["HEAD"] if "GET" in by_method else [])])
    raise Unanswerable(
        f"This path takes {' and '.join(allowed)}, nothing else.",
        code=Fault.NO_SUCH_METHOD,
        headers={"Allow": ", ".join(allowed)},
    )


async def _asked(request: web.Request, endpoint: Endpoint) -> Asked | None:
    if endpoint.query is not None:
        return read_query(request, endpoint.query)
    _asked_nothing(request)
    return None if endpoint.body is None else await read_body(request, endpoint.body)


def _asked_nothing(request: web.Request) -> None:
    read_query(request, Asked)


def _refusal(
    code: Refusal | Fault, sentence: str, headers: Mapping[str, str]
) -> web.Response:
    return answer(Error(error=code, message=sentence), STATUS[code], headers)


def _retry(reason: Refusal) -> Mapping[str, str]:
    soon = {Refusal.UNAVAILABLE, Refusal.TOO_OFTEN}
    return {"Retry-After": _AWAY_SECONDS} if reason in soon else {}


def _log(visit: _Visit, status: int) -> None:
    # Neither the path nor the parameters: a stranger's may have anything in them.
    log.info(
        "api request",
        id=visit.headers["X-Request-Id"],
        endpoint=visit.endpoint.name if visit.endpoint else None,
        key=visit.key.name if visit.key else None,
        status=status,
    )
