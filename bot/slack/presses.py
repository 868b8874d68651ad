"""What people press: buttons of messages, of refusals, and a form's submit."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.history import HistoryPage
from bot.control.notices import Pressed
from bot.control.reply import Uttered
from bot.domain.people import ChannelId, UserId
from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    Lock,
    RunAgain,
    Stop,
    Unlock,
    Word,
)
from bot.ports import DeliveryKey
from bot.slack import forms, history, whispers
from bot.slack.blocks import Block
from bot.slack.hearing import Doors, Hearing, acknowledged
from bot.slack.press import Press, team_of
from bot.slack.refusals import CALL_FAILED
from bot.slack.whispers import RESTARTING, Whisper, told

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

_NO_FORM: Final = "The form could not be opened. Reply {} in the thread."

#: does what a button is for; returns what to show to whoever pressed, if anything
Act = Callable[[Press], Awaitable[Whisper | None]]
#: says what was filled in
Say = Callable[[Uttered], Awaitable[None]]
#: shows to whoever filled it in why it was not done
Show = Callable[[AsyncWebClient, Uttered, Whisper], Awaitable[None]]


def register(app: AsyncApp, hearing: Hearing) -> None:
    """Have *hearing* hear what is pressed."""
    presses = _Presses(hearing)
    acts: dict[str, Act] = {
        **dict.fromkeys(WORDS, presses.word),
        **dict.fromkeys(DIRECT, presses.direct),
        history.OLDER: presses.older,
        "approve": presses.approve,
        "reject": presses.reject,
        "steal": presses.steal,
    }
    for action_id, act in acts.items():
        _register(app, action_id, hearing, act)
    for callback_id in (forms.STEAL, forms.REJECT):
        register_form(
            app, callback_id, hearing.doors, say=presses.say, show=_show_in_channel
        )


def _register(app: AsyncApp, action_id: str, hearing: Hearing, act: Act) -> None:
    @app.action(action_id)
    @hearing.doors.through
    async def pressed(
        ack: AsyncAck,
        body: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        press = Press(body=body, client=client)
        work = told(hearing.doors, lambda: act(press))
        shown = await acknowledged(ack, work)
        if shown is not None:
            await whispers.respond_with(respond, shown, press.inside)


class _Presses:
    """What is done about each kind of button; what is refused raises HandrailError."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    async def word(self, press: Press) -> None:
        """Say the button's word in the thread that it is in."""
        await self._say(press, WORDS[press.action])

    async def approve(self, press: Press) -> None:
        """Agree to exactly what the run was when the button was shown."""
        await self._say(press, Approve(subject=press.value))

    async def say(self, said: Uttered) -> None:
        """Say a word in the thread that it is about."""
        await self._hearing.reply(said)

    async def _say(self, press: Press, word: Word) -> None:
        said = spoken(press, word, channel=press.channel, thread_ts=press.root)
        await self.say(said)

    async def direct(self, press: Press) -> Whisper | None:
        """Do what was offered to one person alone."""
        sentence = await self._hearing.notices(
            Pressed(
                key=press.key,
                action=press.action,
                value=press.value,
                user=press.user,
                team=press.team,
                ts=press.ts,
            )
        )
        return whispers.answer(sentence) if sentence else None

    async def older(self, press: Press) -> Whisper | None:
        """Show the next page in the place of the one that was pressed in."""
        answer = await self._hearing.submit.older(*history.wanted(press))
        if not isinstance(answer, HistoryPage):
            return None
        return replace(await history.shown(press.client, answer), instead=True)

    async def steal(self, press: Press) -> Whisper | None:
        """Ask why a hold is taken over."""
        form = forms.steal(press.value, channel=press.channel, thread_ts=press.root)
        return await opened(press, form, "steal: <reason>")

    async def reject(self, press: Press) -> Whisper | None:
        """Ask why the run is rejected."""
        form = forms.reject(press.value, channel=press.channel, thread_ts=press.root)
        return await opened(press, form, "reject: <reason>")


async def opened(press: Press, form: Block, reply: str) -> Whisper | None:
    """Open *form* at once: a trigger is good for three seconds.

    Returns what to show where that did not succeed: the *reply* that does the same.
    """
    try:
        await press.client.views_open(trigger_id=press.body["trigger_id"], view=form)
    except CALL_FAILED as error:
        log.warning("form not opened", error=str(error))
        return whispers.answer(_NO_FORM.format(reply))
    return None


def spoken(press: Press, word: Word, *, channel: str, thread_ts: str) -> Uttered:
    """Return *word* as it is said by a press, in a thread."""
    return Uttered(
        key=press.key,
        word=word,
        user=press.user,
        team=press.team,
        channel=ChannelId(channel),
        thread_ts=thread_ts,
        pressed_ts=press.ts,
    )


def register_form(
    app: AsyncApp, callback_id: str, doors: Doors, *, say: Say, show: Show
) -> None:
    """Have *say* hear the word of a form that asks why, and *show* why it is not done.

    A form that cannot be taken now stays open, with the reason that was typed.
    """

    @app.view(callback_id)
    @doors.through
    async def submitted(
        ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        missing = forms.missing_in(body["view"])
        if missing or not doors.open:
            errors = forms.not_taken(missing or RESTARTING.text)
            await ack(response_action="errors", errors=errors)
            return
        said = _filled_in(body)
        shown = await acknowledged(ack, told(doors, lambda: say(said)))
        if shown is not None:
            await show(client, said, shown)


async def _show_in_channel(
    client: AsyncWebClient, said: Uttered, whisper: Whisper
) -> None:
    # In the channel, where the button is: nobody may have the thread open.
    await whispers.show(client, whisper, channel=said.channel, user=said.user)


def _filled_in(body: dict[str, Any]) -> Uttered:
    view: dict[str, Any] = body["view"]
    channel, thread_ts = forms.place_in(view)
    return Uttered(
        # A form is submitted once, and its id is of one opening alone.
        key=DeliveryKey(f"view:{view['id']}"),
        word=forms.word_in(view),
        user=UserId(body["user"]["id"]),
        team=team_of(body),
        channel=ChannelId(channel),
        thread_ts=thread_ts,
    )
