"""A request whose sender and content are known."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from bot.api.endpoints import JSON
from bot.api.fields import Asked, Told
from bot.api.reading import read_run, read_stack
from bot.domain.keys import ApiKey
from bot.domain.run import RunId

M = TypeVar("M", bound=Asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a key asks of an endpoint, as far as the endpoint's table says it."""

    request: web.Request
    key: ApiKey
    headers: Mapping[str, str]  #: of every answer
    asked: Asked | None  #: the body or the parameters

    @property
    def run(self) -> RunId:
        """Return the run in the path, or raise Unanswerable."""
        return read_run(self.request)

    @property
    def stack(self) -> str:
        """Return the name of a stack in the path, or raise Unanswerable."""
        return read_stack(self.request)

    @property
    def wants_head(self) -> bool:
        """Tell whether the answer ends with its headers."""
        return self.request.method == "HEAD"

    def of(self, model: type[M]) -> M:
        """Return what is asked for; *model* is the one in the endpoint's table."""
        if not isinstance(self.asked, model):
            raise TypeError(f"asked for {type(self.asked)}, not {model}")
        return self.asked

    def stream(self, content_type: str) -> web.StreamResponse:
        """Return an answer that is sent bit by bit."""
        return web.StreamResponse(
            headers={**self.headers, "Content-Type": f"{content_type}; charset=utf-8"}
        )


Handle = Callable[[Call], Awaitable[web.StreamResponse]]


def answer(
    told: Told, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return *told* as JSON."""
    return web.Response(
        body=told.model_dump_json().encode(),
        status=status,
        content_type=JSON,
        headers=headers,
    )
