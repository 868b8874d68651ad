"""The form that `/task` alone opens, and what people do in it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.form import Filled, Form, Misfilled
from bot.control.submit import Accepted
from bot.domain.people import TeamId, UserId
from bot.slack import task_view as views
from bot.slack import whispers
from bot.slack.blocks import Block
from bot.slack.hearing import ACK_SECONDS, Doors
from bot.slack.press import team_of
from bot.slack.refusals import CALL_FAILED
from bot.slack.task_draft import PRESET, STACK, Draft, draft_in, filled_in
from bot.slack.task_view import FORM
from bot.slack.whispers import Whisper, told, tried

log = structlog.get_logger(__name__)

#: forms of which it is remembered what was done in them last
_REMEMBERED: Final = 1_000
_OPEN_ALREADY: Final = "exchanged_trigger_id"
_NO_FORM: Final = (
    "The form could not be opened: Slack gives three seconds for that, and they were "
    "over. Type {0} <stack> <command> instead, or send {0} once more."
)


class TaskForm:
    """Opens at once, with nothing in it: a trigger is good for three seconds."""

    def __init__(self, form: Form, doors: Doors, *, command: str = "/task") -> None:
        self._form = form
        self._doors = doors
        self._command = command
        self._newest: OrderedDict[str, str] = OrderedDict()

    async def open(
        self,
        client: AsyncWebClient,
        *,
        trigger: str,
        user: UserId,
        team: TeamId,
        draft: Draft,
        opened: Callable[[], None] = lambda: None,
    ) -> Whisper | None:
        """Open the form for *user*; return what to tell where that did not succeed.

        *opened* is called as soon as it is there, with nothing in it.
        """
        try:
            there = await client.views_open(trigger_id=trigger, view=views.loading())
        except SlackApiError as error:
            if error.response.get("error") == _OPEN_ALREADY:
                return None  # the same command was delivered before
            return self._not_opened(error)
        except CALL_FAILED as error:
            return self._not_opened(error)
        opened()
        view_id: str = (there.get("view") or {})["id"]
        await _shown(client, view_id, await self._drawn(draft, user, team))
        return None

    def _not_opened(self, error: Exception) -> Whisper:
        log.warning("form not opened", error=str(error))
        return whispers.answer(_NO_FORM.format(self._command))

    async def choose(self, client: AsyncWebClient, body: dict[str, Any]) -> None:
        """Show the fields that go with what was chosen just now."""
        view, at = body["view"], str(body["actions"][0]["action_ts"])
        self._newest[view["id"]] = at
        self._newest.move_to_end(view["id"])
        if len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)
        user = UserId(body["user"]["id"])
        shown = await self._drawn(draft_in(view), user, team_of(body))
        # Whoever chooses quickly must not be shown what they chose before.
        if self._newest.get(view["id"]) == at:
            await _shown(client, view["id"], shown)

    async def suggest(self, body: dict[str, Any]) -> list[Block]:
        """Return the stacks to choose from that have what was typed in their names."""
        user = UserId(body["user"]["id"])
        within = await tried(lambda: self._form.offered(user, team_of(body)))
        if isinstance(within, Whisper):
            log.warning("no stacks offered", error=within.text)
            return []
        return views.offered(within.stacks, str(body.get("value") or ""))

    async def submit(
        self, ack: AsyncAck, client: AsyncWebClient, body: dict[str, Any]
    ) -> None:
        """Answer a submitted form within three seconds, and once more if need be."""
        draft = draft_in(body["view"])
        filled = filled_in(body, draft)
        work = asyncio.ensure_future(told(self._doors, lambda: self._submitted(filled)))
        await asyncio.wait({work}, timeout=ACK_SECONDS)
        if work.done():
            await _answer(ack, body["view"], draft, work.result())
            return
        # A secret that only a program tells, say, may take longer than Slack waits.
        await ack(response_action="update", view=views.working(draft))
        shown = await self._shown_late(await work, body, draft)
        await _shown(client, body["view"]["id"], shown)

    async def _submitted(self, filled: Filled) -> Accepted | Misfilled:
        try:
            return await self._form.submit(filled)
        except Misfilled as misfilled:
            return misfilled

    async def _shown_late(
        self, became: Accepted | Misfilled | Whisper, body: dict[str, Any], draft: Draft
    ) -> Block:
        match became:
            case Accepted():
                return views.recorded(became)
            case Misfilled():
                notice = whispers.refusal(became).text
            case Whisper():
                notice = became.text
        user = UserId(body["user"]["id"])
        return await self._drawn(draft, user, team_of(body), notice=notice)

    async def _drawn(
        self, draft: Draft, user: UserId, team: TeamId, *, notice: str = ""
    ) -> Block:
        within = await tried(lambda: self._form.offered(user, team))
        if isinstance(within, Whisper):
            return views.refused(within.text, draft)
        if not draft.stack:
            return views.task_form(draft, within, None, notice=notice)
        chosen = await tried(lambda: self._form.chosen(draft.stack, user, team))
        if isinstance(chosen, Whisper):
            return views.task_form(draft, within, None, notice=notice or chosen.text)
        return views.task_form(draft, within, chosen, notice=notice)


def register(app: AsyncApp, form: TaskForm, doors: Doors) -> None:
    """Have *form* hear what is done in it."""

    @app.action(STACK)
    @app.action(PRESET)
    @doors.through
    async def chosen(
        ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        await ack()
        if doors.open:
            await form.choose(client, body)

    @app.options(STACK)
    @doors.through
    async def typed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(options=await form.suggest(body))

    @app.view(FORM)
    @doors.through
    async def submitted(
        ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        await form.submit(ack, client, body)


async def _answer(
    ack: AsyncAck,
    view: dict[str, Any],
    draft: Draft,
    became: Accepted | Misfilled | Whisper,
) -> None:
    match became:
        case Accepted() if became.channel == draft.channel:
            await ack()  # it closes, and the run is right there
        case Accepted():
            await ack(response_action="update", view=views.recorded(became))
        case Misfilled():
            errors = views.errors_of(became, draft, view)
            await ack(response_action="errors", errors=errors)
        case Whisper():
            await ack(response_action="errors", errors={STACK: became.text})


async def _shown(client: AsyncWebClient, view_id: str, view: Block) -> None:
    try:
        await client.views_update(view_id=view_id, view=view)
    except CALL_FAILED as error:
        # Mostly that it was closed meanwhile.
        log.warning("form not updated", error=str(error))
