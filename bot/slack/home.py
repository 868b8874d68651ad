"""The Home tab: published when somebody opens it, and after what they do there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.home import Home
from bot.control.reply import Reply, Uttered
from bot.domain.people import TeamId, UserId
from bot.domain.words import Approve
from bot.slack import forms
from bot.slack.blocks import Block
from bot.slack.hearing import Doors, acknowledged
from bot.slack.home_view import (
    APPROVE,
    REFRESH,
    REJECT,
    RUN,
    home_view,
    refused,
)
from bot.slack.permalinks import Permalinks
from bot.slack.press import Press
from bot.slack.presses import Act, opened, register_form, spoken
from bot.slack.refusals import CALL_FAILED
from bot.slack.task_draft import Draft
from bot.slack.task_form import TaskForm
from bot.slack.whispers import Whisper, told, tried

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who looks at their Home."""

    user: UserId
    team: TeamId


class HomeTab:
    """Publishes what one person may see, as it is then."""

    def __init__(
        self, *, client: AsyncWebClient, home: Home, reply: Reply, form: TaskForm
    ) -> None:
        self._client = client
        self._home = home
        self._reply = reply
        self._form = form
        self._links = Permalinks(client)

    async def publish(self, visitor: Visitor, notice: Whisper | None = None) -> None:
        """Show *visitor* their Home, with a *notice* about what they just did."""
        view = await self._view(visitor, notice.text if notice else "")
        try:
            await self._client.views_publish(user_id=visitor.user, view=view)
        except CALL_FAILED as error:
            log.warning("home not published", user=visitor.user, error=str(error))

    async def refresh(self, press: Press) -> None:
        """Show the Home as it is now."""
        await self.publish(_visitor(press))

    async def approve(self, press: Press) -> None:
        """Agree to exactly what the run was when the Home was drawn."""
        channel, thread_ts, subject = _place_in(press)
        word = Approve(subject=subject)
        await self.say(spoken(press, word, channel=channel, thread_ts=thread_ts))

    async def reject(self, press: Press) -> Whisper | None:
        """Ask why the run is rejected."""
        channel, thread_ts, subject = _place_in(press)
        form = forms.reject(
            subject,
            channel=channel,
            thread_ts=thread_ts,
            callback_id=forms.REJECT_AT_HOME,
        )
        return await opened(press, form, "reject: <reason>")

    async def run(self, press: Press) -> Whisper | None:
        """Open the form of a task, on the stack whose button it is."""
        return await self._form.open(
            press.client,
            trigger=press.body["trigger_id"],
            user=press.user,
            team=press.team,
            draft=Draft(stack=press.value),
        )

    async def say(self, uttered: Uttered) -> None:
        """Say a word in the thread of a run, and show what became of it."""
        await self._reply(uttered)
        await self.publish(_speaker(uttered))

    async def _view(self, visitor: Visitor, notice: str) -> Block:
        page = await tried(lambda: self._home(visitor.user, visitor.team))
        if isinstance(page, Whisper):
            return refused(page.text)
        links = await self._links.of(it.thread for it in (*page.waiting, *page.mine))
        return home_view(page, links, notice=notice)


def register(app: AsyncApp, tab: HomeTab, doors: Doors) -> None:
    """Have *tab* hear who opens it, and what is pressed there."""
    _register_opening(app, tab, doors)
    acts: dict[str, Act] = {
        REFRESH: tab.refresh,
        APPROVE: tab.approve,
        REJECT: tab.reject,
        RUN: tab.run,
    }
    for action_id, act in acts.items():
        _register_button(app, action_id, act, tab, doors)

    async def show(_: AsyncWebClient, said: Uttered, whisper: Whisper) -> None:
        await tab.publish(_speaker(said), whisper)

    register_form(app, forms.REJECT_AT_HOME, doors, say=tab.say, show=show)


def _register_opening(app: AsyncApp, tab: HomeTab, doors: Doors) -> None:
    @app.event("app_home_opened")
    @doors.through
    async def opened_home(body: dict[str, Any], event: dict[str, Any]) -> None:
        if event["tab"] != "home":
            return  # but the direct messages
        visitor = Visitor(user=UserId(event["user"]), team=TeamId(body["team_id"]))
        await _done(lambda: tab.publish(visitor), visitor, tab, doors)


def _register_button(
    app: AsyncApp, action_id: str, act: Act, tab: HomeTab, doors: Doors
) -> None:
    @app.action(action_id)
    @doors.through
    async def pressed(
        ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        press = Press(body=body, client=client)
        work = _done(lambda: act(press), _visitor(press), tab, doors)
        await acknowledged(ack, work)


async def _done(
    act: Callable[[], Awaitable[Whisper | None]],
    visitor: Visitor,
    tab: HomeTab,
    doors: Doors,
) -> None:
    """Do it, and have the Home say why where it was not done."""
    shown = await told(doors, act)
    if shown is not None:
        await tab.publish(visitor, shown)


def _place_in(press: Press) -> tuple[str, str, str]:
    channel, thread_ts, subject = press.value.split("|", 2)
    return channel, thread_ts, subject


def _visitor(press: Press) -> Visitor:
    return Visitor(user=press.user, team=press.team)


def _speaker(uttered: Uttered) -> Visitor:
    return Visitor(user=uttered.user, team=uttered.team)
