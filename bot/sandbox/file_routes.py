"""Where the bytes of files come in and go out."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.values import File
from bot.sandbox.workspace import Workspace


class FileRoutes:
    """Takes uploads, and serves files to whoever may see them."""

    def __init__(
        self, workspace: Workspace, is_bot_token: Callable[[str], bool]
    ) -> None:
        self._workspace = workspace
        self._is_bot_token = is_bot_token

    async def upload(self, request: web.Request) -> web.Response:
        """Take the bytes of an announced file, raw or as a form's one file."""
        file = self._file(request)
        content = await _content(request)
        if len(content) != file.declared_size:
            raise web.HTTPBadRequest(text="length mismatch")
        self._workspace.files[file.id] = replace(file, content=content)
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.Response:
        """Serve a file; strangers are sent to the front page, as to a login."""
        file = self._file(request)
        if file.content is None:
            raise web.HTTPNotFound
        if not self._may_read(request, file):
            raise web.HTTPFound("/")
        shown = "attachment" if "/download/" in request.path else "inline"
        return web.Response(
            body=file.content,
            content_type=file.mimetype,
            charset="utf-8" if file.mimetype.startswith("text/") else None,
            headers={
                "Content-Disposition": f"{shown}; filename*=utf-8''{quote(file.name)}",
                # What a command printed must not run in the page's name.
                "Content-Security-Policy": "sandbox",
                "X-Content-Type-Options": "nosniff",
            },
        )

    def _file(self, request: web.Request) -> File:
        try:
            return self._workspace.files[request.match_info["file"]]
        except KeyError:
            raise web.HTTPNotFound from None

    def _may_read(self, request: web.Request, file: File) -> bool:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._is_bot_token(bearer):
            return "files:read" in self._workspace.manifest.bot_scopes
        viewer = request.query.get("as", "")
        return viewer in self._workspace.people and any(
            self._workspace.channel(channel).visible_to(viewer)
            for channel in file.channels
        )


async def _content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    for field in form.values():
        if isinstance(field, web.FileField):
            return field.file.read()
    return b""
