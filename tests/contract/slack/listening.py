"""A workspace in which somebody listens, and notes what reaches the use cases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from bot.control.form import Form
from bot.control.home import Home
from bot.control.notices import Notices, Pressed
from bot.control.reply import Reply, Uttered
from bot.control.submit import Answer, Noted, Repeated, Slash, Submit
from bot.domain.errors import (
    HandrailError,
)
from bot.sandbox.values import Answer as Shown
from bot.slack.blocks import actions, button
from bot.slack.connection import slack_app, socket_mode
from bot.slack.hearing import Doors, Hearing
from bot.slack.listeners import Commands
from tests.contract.slack.conftest import Town
from tests.support.bot import text_of


@dataclass
class Ears:
    """What stands behind the listeners: it keeps what it hears, and answers."""

    answer: Answer | HandrailError = field(default_factory=Repeated)
    sentence: str | None = "You hold it until noon."
    tasks: list[Slash] = field(default_factory=list)
    deploys: list[Slash] = field(default_factory=list)
    uttered: list[Uttered] = field(default_factory=list)
    pressed: list[Pressed] = field(default_factory=list)
    form: object = None  #: in tests of its own
    home: object = None
    doors: Doors = field(default_factory=Doors)
    looks: int = 0
    passing: list[tuple[Uttered, str]] = field(default_factory=list)
    busy: asyncio.Event | None = None
    is_noted: bool = False  #: at once

    async def __call__(self, slash: Slash, noted: Noted) -> Answer:
        if self.is_noted:
            noted()
        if self.busy is not None:
            await self.busy.wait()
        self.tasks.append(slash)
        return self._answer()

    async def deploy(self, slash: Slash, noted: Noted) -> Answer:
        self.deploys.append(slash)
        return self._answer()

    async def reply(self, uttered: Uttered) -> bool:
        self.uttered.append(uttered)
        self._answer()
        return True

    async def notices(self, pressed: Pressed) -> str | None:
        self.pressed.append(pressed)
        self._answer()
        return self.sentence

    def look(self) -> None:
        self.looks += 1

    async def let_pass(self, uttered: Uttered) -> None:
        self.passing.append((uttered, f"before {len(self.uttered)} others"))

    def _answer(self) -> Answer:
        if isinstance(self.answer, HandrailError):
            raise self.answer
        return self.answer


@dataclass
class Scene:
    """A workspace in which somebody listens."""

    town: Town
    ears: Ears

    async def whispers(self, to: str, words: str) -> dict[str, Any]:
        """Wait until only *to* is shown *words*."""

        def found() -> dict[str, Any]:
            shown = self.town.sandbox.ephemerals(to)
            return next((m for m in shown if words in text_of(m)), {})

        return await self.town.sandbox.wait_for(found)

    async def posted(
        self, *ids: str, thread_ts: str | None = None, value: str = "net-prod"
    ) -> str:
        """Post a message with buttons, and return its `ts`."""
        buttons = [button(action_id, action_id, value=value) for action_id in ids]
        answer = await self.town.client.chat_postMessage(
            channel=self.town.infra,
            text="run",
            blocks=actions(*buttons),
            thread_ts=thread_ts,
        )
        return str(answer["ts"])

    async def press(self, action_id: str, ts: str, *, channel: str = "") -> None:
        answer = await self.town.sandbox.click(
            action_id=action_id,
            by=self.town.ann,
            channel=channel or self.town.infra,
            message_ts=ts,
        )
        assert answer.ok, answer.error

    async def slash(self, line: str) -> None:
        answer = await self.town.sandbox.slash(
            line, by=self.town.ann, channel=self.town.infra
        )
        assert answer.ok, answer.error

    async def form(self) -> dict[str, Any]:
        """Wait for the form that ann has open."""
        views = self.town.sandbox.views
        (form,) = await self.town.sandbox.wait_for(lambda: views(self.town.ann))
        return form

    async def submit(self, form: dict[str, Any], reason: str) -> Shown:
        return await self.town.sandbox.submit(
            form["id"], {"reason": {"reason": reason}}, by=self.town.ann
        )

    async def until(self, heard: list[Any], size: int = 1) -> None:
        """Wait until so much was heard, looking whenever something happened."""
        await self.town.sandbox.wait_for(lambda: len(heard) >= size)


@asynccontextmanager
async def listening(town: Town, ears: Ears) -> AsyncIterator[Scene]:
    app = slack_app(
        town.client,
        signing_secret=None,
        commands=Commands(task="/task", deploy="/deploy"),
        hearing=Hearing(
            submit=cast("Submit", ears),
            reply=cast("Reply", ears.reply),
            notices=cast("Notices", ears.notices),
            form=cast("Form", ears.form),
            home=cast("Home", ears.home),
            doors=ears.doors,
            look=ears.look,
            let_pass=ears.let_pass,
        ),
    )
    async with socket_mode(app, town.sandbox.app_token, look=ears.look):
        await town.sandbox.wait_for(lambda: town.sandbox.connected() == 2)
        yield Scene(town, ears)
