"""The local Slack workspace as a server, and what a test may do with it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from aiohttp import web

from bot.sandbox.acts import Act, Acts
from bot.sandbox.delivery import Acknowledgement, Delivered, Delivery, Kind
from bot.sandbox.faults import Faults
from bot.sandbox.file_routes import FileRoutes
from bot.sandbox.ledger import Call, Ledger
from bot.sandbox.pacing import Pacing
from bot.sandbox.page_routes import PageRoutes, tell_refusals
from bot.sandbox.response_routes import ResponseRoutes
from bot.sandbox.responses import Responses
from bot.sandbox.signed_http import SignedHttp
from bot.sandbox.sockets import Sockets
from bot.sandbox.values import Answer, Payload
from bot.sandbox.web_api import WebApi
from bot.sandbox.workspace import EditWindow, Workspace

#: Slack waits this long for an acknowledgement.
ACK_DEADLINE_S = 3.0
#: seconds that something is waited for, enough for a machine that others use
PATIENCE: Final = 30.0
_MAX_BODY = 256 * 1024 * 1024

Result = TypeVar("Result")
#: What `slash` returns: whether the app took the command, or Slack's error.
SlashAnswer = Answer


class Sandbox:
    """A served workspace: its address, its people's hands, its ledgers."""

    def __init__(
        self, workspace: Workspace, *, pace: bool, time_scale: float, deadline: float
    ) -> None:
        self.workspace = workspace
        self.bot_token = f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{workspace.app_id}-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.pacing = Pacing(on=pace)
        self.faults = Faults()
        feed = workspace.feed
        tokens = {self.bot_token: "bot", self.app_token: "app"}
        hidden = frozenset({*tokens, self.signing_secret})
        self._ledger = Ledger(hidden, feed.wake)
        self._deadline = deadline
        self._sockets = Sockets(workspace, feed.wake, deadline=deadline)
        self._delivery = Delivery(
            self._sockets, self.faults, feed.wake, time_scale=time_scale
        )
        self._responses = Responses(workspace)
        self.acts = Acts(workspace, self._delivery, self._responses)
        self._web_api = WebApi(
            workspace=workspace,
            tokens=tokens,
            pacing=self.pacing,
            faults=self.faults,
            ledger=self._ledger,
        )
        self._signed: list[SignedHttp] = []

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return self.workspace.url

    @property
    def api_url(self) -> str:
        """Return the base address of the Web API, with its final slash."""
        return f"{self.url}/api/"

    @property
    def calls(self) -> list[Call]:
        """Return every Web API call so far, without tokens."""
        return self._ledger.calls

    @property
    def deliveries(self) -> list[Delivered]:
        """Return every payload sent to the app, with how it was taken."""
        return self._delivery.log

    @property
    def free_plan(self) -> bool:
        """Tell whether user groups are missing, as on Slack's free plan."""
        return self.workspace.free_plan

    @free_plan.setter
    def free_plan(self, on: bool) -> None:  # a property
        self.workspace.free_plan = on

    @property
    def edit_window(self) -> EditWindow:
        """Return how long messages may be edited."""
        return self.workspace.edit_window

    @edit_window.setter
    def edit_window(self, window: EditWindow) -> None:
        self.workspace.edit_window = window

    @property
    def smart_punctuation(self) -> bool:
        """Tell whether people type on keyboards that rewrite dashes and quotes."""
        return self.workspace.smart_punctuation

    @smart_punctuation.setter
    def smart_punctuation(self, on: bool) -> None:  # a property
        self.workspace.smart_punctuation = on

    async def slash(
        self, line: str, *, by: str, channel: str, thread_ts: str | None = None
    ) -> SlashAnswer:
        """Type a slash command and wait for its acknowledgement."""
        return await self.acts.slash(line, by=by, channel=channel, thread_ts=thread_ts)

    async def say(
        self,
        text: str,
        *,
        by: str,
        channel: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> str:
        """Post a message as a person and return its timestamp."""
        return self.acts.say(
            text, by=by, channel=channel, thread_ts=thread_ts, broadcast=broadcast
        )

    async def click(  # noqa: PLR0913 - all places with elements, and all elements
        self,
        *,
        action_id: str,
        by: str,
        channel: str = "",
        message_ts: str = "",
        view_id: str = "",
        block_id: str = "",
        value: str | None = None,
        selected: object = None,
        filled: Payload | None = None,
    ) -> Answer:
        """Use an element of a message, of an ephemeral one, or of a view.

        *filled* is what else is filled in there, by block and action id.
        """
        act = Act(
            action_id=action_id,
            block_id=block_id,
            value=value,
            selected=selected,
            filled=filled or {},
        )
        if view_id:
            return await self.acts.act_on_view(act, by=by, view_id=view_id)
        return await self.acts.act_on_message(
            act, by=by, channel=channel, message_ts=message_ts
        )

    async def suggest(
        self, typed: str, *, by: str, view_id: str, action_id: str, block_id: str = ""
    ) -> list[Payload]:
        """Type into a menu of the app's own options; return what it offers."""
        return await self.acts.suggest(
            typed, by=by, view_id=view_id, action_id=action_id, block_id=block_id
        )

    async def submit(self, view_id: str, values: Payload, *, by: str) -> Answer:
        """Submit a modal; *values* by block and action id."""
        return await self.acts.submit(view_id, values, by=by)

    def open_home(self, *, by: str, tab: str = "home") -> Payload | None:
        """Look at the app's Home as *by*; return what is published now."""
        return self.acts.open_home(by=by, tab=tab)

    async def redeliver_last(self, kind: Kind | None = None) -> Acknowledgement:
        """Deliver what a person last did again, with the same ids."""
        return await self._delivery.again(kind)

    async def deliver_over_http(self, url: str) -> None:
        """Verify *url* and send everything there, signed, instead of to sockets."""
        signed = SignedHttp(url, self.signing_secret, deadline=self._deadline)
        self._signed.append(signed)
        await signed.verify()
        await signed.check_certificate()
        self._delivery.transport = signed

    def messages(self, channel: str) -> list[Payload]:
        """Return the top-level messages, oldest first."""
        return self.workspace.messages.top_level(channel)

    def thread(self, channel: str, ts: str) -> list[Payload]:
        """Return a parent and its replies, oldest first."""
        return self.workspace.messages.thread(channel, ts)

    def ephemerals(self, user: str) -> list[Payload]:
        """Return what only *user* sees."""
        return [shown for shown in self.workspace.ephemerals if shown["for"] == user]

    def views(self, user: str) -> list[Payload]:
        """Return the open modals of *user*, the visible one last."""
        return self.workspace.views.open_for(user)

    def home(self, user: str) -> Payload | None:
        """Return the Home published for *user*."""
        return self.workspace.views.home(user)

    def direct_messages(self, user: str) -> list[Payload]:
        """Return what the bot and *user* said to each other, oldest first."""
        channel = self.workspace.opened_with(user)
        return self.workspace.messages.of(channel.id) if channel else []

    def deactivate(self, user: str) -> None:
        """Deactivate a person's account: nothing can be done with it any more."""
        self.workspace.change_person(user, deleted=True)

    def reactivate(self, user: str) -> None:
        """Activate a person's account again."""
        self.workspace.change_person(user, deleted=False)

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self.workspace.archive(channel)

    def delete_message(self, channel: str, ts: str) -> None:
        """Delete a message as an admin may."""
        self.workspace.messages.remove(self.workspace.channel(channel), ts)

    def connected(self) -> int:
        """Return how many sockets are open."""
        return self._sockets.connected

    def disconnect(
        self, reason: str | None = "refresh_requested"
    ) -> asyncio.Task[None]:
        """Send the sockets away (None: without a word); may be awaited."""
        return self._delivery.spawn(self._sockets.disconnect(reason))

    async def wait_for(
        self,
        condition: Callable[[], Result],
        timeout: float = PATIENCE,  # noqa: ASYNC109  # names what it waited for
    ) -> Result:
        """Return what *condition* returns once it is true.

        It is asked again whenever something changed. Raises TimeoutError that
        names the last messages.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (result := condition()):
                    await self.workspace.feed.next_wake()
                return result
        except TimeoutError:
            raise TimeoutError(self._last_words(timeout)) from None

    def add_routes(self, app: web.Application) -> None:
        """Add everything that the app and the page talk to."""
        files = FileRoutes(self.workspace, lambda token: token == self.bot_token)
        app.router.add_route("*", "/api/{method}", self._web_api.answer)
        app.router.add_get("/socket", self._sockets.serve)
        app.router.add_post("/upload/{file}", files.upload)
        app.router.add_get("/files/{file}/{name}", files.download)
        app.router.add_get("/files/{file}/download/{name}", files.download)
        responses = ResponseRoutes(self._responses)
        app.router.add_post("/response/{token}", responses.answer)
        PageRoutes(self.workspace, self.acts).add_to(app)

    async def close(self) -> None:
        """End what is under way and every connection."""
        self.workspace.listeners.remove(self.acts.hear)
        self.workspace.feed.close()
        await self._delivery.close()
        await self._sockets.disconnect(None)
        for signed in self._signed:
            await signed.close()

    def _last_words(self, seconds: float) -> str:
        said = [
            f"{message['ts']} {message.get('user')}: {message.get('text', '')[:200]}"
            for channel in self.workspace.channels
            for message in self.workspace.messages.of(channel)[-5:]
        ]
        only = [f"(to {m['for']}) {m.get('text')}" for m in self.workspace.ephemerals]
        last = "\n  ".join([*said, *only[-5:]]) or "nothing was said"
        return f"not within {seconds} s; last messages:\n  {last}"


@asynccontextmanager
async def serve(
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    pace: bool = True,
    time_scale: float = 1.0,
    ack_deadline: float = ACK_DEADLINE_S,
) -> AsyncIterator[Sandbox]:
    """Serve *workspace* until the context ends.

    *time_scale* shortens the waits between retries (0, 60 and 300 s) and
    *ack_deadline* is in seconds. Port 0 takes any free port.
    """
    sandbox = Sandbox(
        workspace, pace=pace, time_scale=time_scale, deadline=ack_deadline
    )
    app = web.Application(client_max_size=_MAX_BODY, middlewares=[tell_refusals])
    sandbox.add_routes(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        workspace.url = f"http://{host}:{runner.addresses[0][1]}"
        yield sandbox
    finally:
        await sandbox.close()
        await runner.cleanup()
