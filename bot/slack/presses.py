"""What people press: buttons of messages, of refusals, and a form's submit."""

from typing import Any, Final

import structlog
from aiohttp import ClientError
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.history import HistoryPage
from bot.control.notices import Pressed
from bot.control.reply import Uttered
from bot.domain.errors import HandrailError
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.words import (
    Confirm,
    Discard,
    Lock,
    RunAgain,
    Steal,
    Stop,
    Unlock,
    Word,
)
from bot.ports import DeliveryKey
from bot.slack import forms, history, whispers
from bot.slack.hearing import Doors, Hearing

log = structlog.get_logger(__name__)

#: the buttons of a thread's messages that say a word at once
WORDS: Final[dict[str, Word]] = {
    "stop": Stop(),
    "lock": Lock(),
    "unlock": Unlock(),
    "confirm": Confirm(),
    "discard": Discard(),
    "again": RunAgain(),
}
#: the buttons of what was said to one person alone; their values say what about
DIRECT: Final = ("extend", "keep_hold", "release_hold", "notify")

_NO_FORM: Final = "The form could not be opened. Reply steal: <reason> in the thread."


def register(app: AsyncApp, hearing: Hearing) -> None:
    """Have *hearing* hear what is pressed."""
    for action_id, word in WORDS.items():
        _register_word(app, action_id, word, hearing)
    for action_id in DIRECT:
        _register_direct(app, action_id, hearing)
    _register_older(app, hearing)
    _register_steal(app, hearing.doors)
    _register_steal_form(app, hearing)


def _register_word(app: AsyncApp, action_id: str, word: Word, hearing: Hearing) -> None:
    @app.action(action_id)
    @hearing.doors.through
    async def pressed(
        ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond
    ) -> None:
        await ack()
        if not hearing.doors.open:
            await whispers.respond_with(respond, whispers.RESTARTING, _inside(body))
            return
        uttered = Uttered(
            key=_key(body),
            word=word,
            user=UserId(body["user"]["id"]),
            team=_team(body),
            channel=ChannelId(body["channel"]["id"]),
            thread_ts=_root(body),
            pressed_ts=_pressed_ts(body),
        )
        try:
            await hearing.reply(uttered)
        except HandrailError as error:
            refusal = whispers.refusal(error)
            await whispers.respond_with(respond, refusal, _inside(body))


def _register_direct(app: AsyncApp, action_id: str, hearing: Hearing) -> None:
    @app.action(action_id)
    @hearing.doors.through
    async def pressed(
        ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond
    ) -> None:
        await ack()
        if not hearing.doors.open:
            await whispers.respond_with(respond, whispers.RESTARTING, _inside(body))
            return
        press = Pressed(
            key=_key(body),
            action=action_id,
            value=body["actions"][0].get("value") or "",
            user=UserId(body["user"]["id"]),
            team=_team(body),
            ts=_pressed_ts(body),
        )
        try:
            sentence = await hearing.notices(press)
        except HandrailError as error:
            await whispers.respond_with(respond, whispers.refusal(error), _inside(body))
            return
        if sentence:
            shown = whispers.answer(sentence)
            await whispers.respond_with(respond, shown, _inside(body))


def _register_older(app: AsyncApp, hearing: Hearing) -> None:
    @app.action(history.OLDER)
    @hearing.doors.through
    async def pressed(
        ack: AsyncAck,
        body: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        await ack()
        if not hearing.doors.open:
            await whispers.respond_with(respond, whispers.RESTARTING, _inside(body))
            return
        slash, before = history.wanted(body)
        try:
            answer = await hearing.submit.older(slash, before)
        except HandrailError as error:
            await whispers.respond_with(respond, whispers.refusal(error), _inside(body))
            return
        if isinstance(answer, HistoryPage):
            page = await history.shown(client, answer)
            await whispers.respond_with(respond, page, instead=True)


def _register_steal(app: AsyncApp, doors: Doors) -> None:
    @app.action("steal")
    @doors.through
    async def pressed(
        ack: AsyncAck,
        body: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        await ack()
        if not doors.open:
            await whispers.respond_with(respond, whispers.RESTARTING, _inside(body))
            return
        form = forms.steal(
            body["actions"][0].get("value") or "",
            channel=body["channel"]["id"],
            thread_ts=_root(body),
        )
        try:
            # At once: a trigger is good for three seconds.
            await client.views_open(trigger_id=body["trigger_id"], view=form)
        except (SlackClientError, ClientError, TimeoutError) as error:
            log.warning("form not opened", error=str(error))
            shown = whispers.answer(_NO_FORM)
            await whispers.respond_with(respond, shown, _inside(body))


def _register_steal_form(app: AsyncApp, hearing: Hearing) -> None:
    @app.view(forms.STEAL)
    @hearing.doors.through
    async def submitted(
        ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        view: dict[str, Any] = body["view"]
        reason = forms.reason_in(view)
        if not reason:
            await ack(response_action="errors", errors={forms.REASON: forms.SAY_WHY})
            return
        await ack()
        channel, thread_ts = forms.place_in(view)
        if not hearing.doors.open:
            closed, user = whispers.RESTARTING, body["user"]["id"]
            await whispers.show(client, closed, channel=channel, user=user)
            return
        uttered = Uttered(
            # A form is submitted once, and its id is of one opening alone.
            key=DeliveryKey(f"view:{view['id']}"),
            word=Steal(reason=reason, since=forms.since_in(view)),
            user=UserId(body["user"]["id"]),
            team=_team(body),
            channel=ChannelId(channel),
            thread_ts=thread_ts,
        )
        try:
            await hearing.reply(uttered)
        except HandrailError as error:
            # In the channel, where the button is: nobody may have the thread open.
            shown = whispers.refusal(error)
            await whispers.show(client, shown, channel=channel, user=uttered.user)


def _key(body: dict[str, Any]) -> DeliveryKey:
    return DeliveryKey(f"action:{body['trigger_id']}")


def _pressed_ts(body: dict[str, Any]) -> str:
    return str(body["actions"][0].get("action_ts") or "")


def _team(body: dict[str, Any]) -> TeamId:
    return TeamId(body["user"].get("team_id") or body["team"]["id"])


def _root(body: dict[str, Any]) -> str:
    """Return the `ts` of the first message of the thread that was pressed in."""
    return _inside(body) or str(body["container"]["message_ts"])


def _inside(body: dict[str, Any]) -> str | None:
    """Return the thread of a press on a reply; None for one in the channel itself.

    What is only shown to one person has no `message`, but a `container`.
    """
    message: dict[str, Any] = body.get("message") or {}
    place: dict[str, Any] = body["container"]
    found = message.get("thread_ts") or place.get("thread_ts")
    is_reply = found not in (None, place.get("message_ts"))
    return str(found) if is_reply else None
