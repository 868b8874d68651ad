"""What the web page asks for: the state, live updates, and acts of people."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from bot.sandbox.acts import Act, Acts
from bot.sandbox.snapshot import snapshot
from bot.sandbox.updates import stream_updates
from bot.sandbox.values import MethodError, Payload
from bot.sandbox.workspace import Workspace

_PAGE: Final = Path(__file__).parent / "page"


class PageRoutes:
    """The page's side of the server."""

    def __init__(self, workspace: Workspace, acts: Acts) -> None:
        self._workspace = workspace
        self._acts = acts

    def add_to(self, app: web.Application) -> None:
        """Add the page and what it talks to."""
        router = app.router
        router.add_get("/", _index)
        # Permalinks: the page finds the message by its own address.
        router.add_get("/archives/{channel}", _index)
        router.add_get("/archives/{channel}/{message}", _index)
        router.add_get("/page/{path:.+}", _asset)
        router.add_get("/sandbox/state", self._state)
        router.add_get("/sandbox/updates", self._updates)
        router.add_get("/sandbox/home", self._home)
        router.add_post("/sandbox/home", self._open_home)
        router.add_post("/sandbox/slash", self._slash)
        router.add_post("/sandbox/message", self._message)
        router.add_post("/sandbox/action", self._action)
        router.add_post("/sandbox/options", self._options)
        router.add_post("/sandbox/view", self._view)
        router.add_post("/sandbox/view/close", self._close)

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(snapshot(self._workspace, self._viewer(request)))

    async def _updates(self, request: web.Request) -> web.StreamResponse:
        viewer = self._viewer(request)
        return await stream_updates(request, self._workspace, viewer)

    async def _home(self, request: web.Request) -> web.Response:
        home = self._workspace.views.home(self._viewer(request))
        return web.json_response(home)

    async def _open_home(self, request: web.Request) -> web.Response:
        body = await _body(request)
        self._acts.open_home(by=body["as"])
        return web.json_response({"ok": True})

    async def _slash(self, request: web.Request) -> web.Response:
        body = await _body(request)
        answer = await self._acts.slash(
            body["text"],
            by=body["as"],
            channel=body["channel"],
            thread_ts=body.get("thread_ts"),
        )
        return web.json_response(answer.as_payload())

    async def _message(self, request: web.Request) -> web.Response:
        body = await _body(request)
        ts = self._acts.say(
            body["text"],
            by=body["as"],
            channel=body["channel"],
            thread_ts=body.get("thread_ts"),
            broadcast=bool(body.get("broadcast")),
        )
        return web.json_response({"ok": True, "ts": ts})

    async def _action(self, request: web.Request) -> web.Response:
        body = await _body(request)
        act = Act(
            action_id=body["action_id"],
            block_id=body.get("block_id") or "",
            value=body.get("value"),
            selected=body.get("selected"),
            filled=body.get("state", {}).get("values", {}),
        )
        if body.get("view_id"):
            answer = await self._acts.act_on_view(
                act, by=body["as"], view_id=body["view_id"]
            )
        else:
            answer = await self._acts.act_on_message(
                act,
                by=body["as"],
                channel=body["channel"],
                message_ts=body["message_ts"],
            )
        return web.json_response(answer.as_payload())

    async def _options(self, request: web.Request) -> web.Response:
        body = await _body(request)
        options = await self._acts.suggest(
            body["value"],
            by=body["as"],
            view_id=body["view_id"],
            action_id=body["action_id"],
            block_id=body.get("block_id") or "",
        )
        return web.json_response({"ok": True, "options": options})

    async def _view(self, request: web.Request) -> web.Response:
        body = await _body(request)
        values = body["state"]["values"]
        answer = await self._acts.submit(body["view_id"], values, by=body["as"])
        return web.json_response(answer.as_payload())

    async def _close(self, request: web.Request) -> web.Response:
        body = await _body(request)
        answer = await self._acts.close_view(body["view_id"], by=body["as"])
        return web.json_response(answer.as_payload())

    def _viewer(self, request: web.Request) -> str:
        """Return who looks: `?as=`, or the first person who is signed in."""
        asked = request.query.get("as", "")
        if asked:
            return self._workspace.active(asked).id
        people = self._workspace.people.values()
        signed_in = (p.id for p in people if not p.is_bot and not p.deleted)
        return next(signed_in, self._workspace.bot.id)


@web.middleware
async def tell_refusals(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Answer the page `ok: false` where an act was refused or made no sense."""
    if not request.path.startswith("/sandbox/"):
        return await handler(request)
    try:
        return await handler(request)
    except MethodError as refusal:
        return web.json_response(refusal.answer())
    except (KeyError, TypeError, ValueError):
        answer = {"ok": False, "error": "invalid_arguments"}
        return web.json_response(answer, status=400)


async def _index(_request: web.Request) -> web.StreamResponse:
    return web.FileResponse(_PAGE / "index.html", headers={"Cache-Control": "no-cache"})


async def _asset(request: web.Request) -> web.StreamResponse:
    path = (_PAGE / request.match_info["path"]).resolve()
    if not path.is_relative_to(_PAGE) or not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


async def _body(request: web.Request) -> Payload:
    # Other content types would let any web site post here without asking.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    body: Payload = await request.json()
    return body
