"""Replies that are read back are heard as if they had just been delivered."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from bot.control.reply import Reply, Uttered
from bot.domain.errors import (
    HandrailError,
    IllegalTransition,
    Refusal,
    Refused,
    RepliesUnavailable,
    StoreUnavailable,
    WordUnheard,
)
from bot.domain.people import ChannelId
from bot.domain.words import Lock, Status, Stop, Unlock, Word
from bot.ports.words import Heard
from bot.sandbox.faults import BadGateway, Drop, RateLimited, Refuse
from bot.slack.catch_up import SlackReplies
from tests.contract.slack.conftest import Town
from tests.support.bot import text_of

REPLIES = "conversations.replies"


@dataclass
class Ear:
    """Hears the words, and answers as a test says."""

    answer: HandrailError | None = None
    heard: list[Uttered] = field(default_factory=list)
    foreseen: list[Uttered] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Event | None = None
    void: set[type[Word]] = field(default_factory=set)  #: what waits for others

    def may_be_void(self, uttered: Uttered) -> bool:
        return type(uttered.word) in self.void

    async def __call__(self, uttered: Uttered) -> bool:
        self.begun.set()
        if self.busy is not None:
            await self.busy.wait()
        self.heard.append(uttered)
        if self.answer is not None:
            raise self.answer
        return True

    async def foresee(self, uttered: Uttered) -> None:
        assert not self.heard
        self.foreseen.append(uttered)


@dataclass
class Scene:
    """A thread in which people talk, and who reads it."""

    town: Town
    root: str
    ear: Ear = field(default_factory=Ear)

    @property
    def replies(self) -> SlackReplies:
        return SlackReplies(
            client=self.town.client,
            reply=cast("Reply", self.ear),
            team=self.town.team,
            pace=(1_000, 1_000),
        )

    async def say(self, text: str, by: str = "") -> str:
        return await self.town.sandbox.say(
            text,
            by=by or self.town.ann,
            channel=self.town.infra,
            thread_ts=self.root,
        )

    async def read(self, since: str = "") -> Heard:
        """Hear what is not to wait for other threads."""
        channel = ChannelId(self.town.infra)
        return await self.replies.hear(channel, self.root, since or self.root)

    async def hear(self, since: str = "") -> str:
        """Hear all, and return the `ts` of the newest reply."""
        heard = await self.read(since)
        if heard.rest is not None:
            await heard.rest()
        return heard.newest


@pytest.fixture
async def scene(town: Town) -> Scene:
    posted = await town.client.chat_postMessage(channel=town.infra, text="run 1")
    return Scene(town, str(posted["ts"]))


async def test_words_are_heard_oldest_first_and_talk_is_left_alone(
    scene: Scene,
) -> None:
    for text in ("lock", "how is it going?", "status"):
        await scene.say(text)
    last = await scene.say("unlock", by=scene.town.bob)

    newest = await scene.hear()

    heard = [(uttered.word, uttered.user) for uttered in scene.ear.heard]
    ann, bob = scene.town.ann, scene.town.bob
    assert heard == [(Lock(), ann), (Status(), ann), (Unlock(), bob)]
    assert newest == last
    assert {uttered.thread_ts for uttered in scene.ear.heard} == {scene.root}
    assert {uttered.team for uttered in scene.ear.heard} == {scene.town.team}


async def test_all_words_are_foreseen_newest_first_before_any_is_heard(
    scene: Scene,
) -> None:
    for text in ("lock", "status", "unlock"):
        await scene.say(text)

    await scene.hear()

    foreseen = [uttered.word for uttered in scene.ear.foreseen]
    assert foreseen == [Unlock(), Status(), Lock()]
    assert len(scene.ear.heard) == 3


async def test_what_may_be_void_waits_with_all_that_came_after_it(
    scene: Scene,
) -> None:
    scene.ear.void = {Lock}
    for text in ("status", "lock", "stop"):
        await scene.say(text)
    last = await scene.say("lock")

    heard = await scene.read()
    at_once = [uttered.word for uttered in scene.ear.heard]
    assert heard.rest is not None
    await heard.rest()

    assert at_once == [Status()]
    assert [it.word for it in scene.ear.heard] == [Status(), Lock(), Stop(), Lock()]
    assert heard.newest == last


async def test_a_word_that_is_read_back_has_the_key_of_its_delivery(
    scene: Scene,
) -> None:
    ts = await scene.say("stop")

    await scene.hear()

    (uttered,) = scene.ear.heard
    assert uttered.key == f"message:{scene.town.infra}:{ts}"
    assert (uttered.ts, uttered.said_ts) == (ts, ts)


async def test_only_what_came_later_is_heard(scene: Scene) -> None:
    first = await scene.say("lock")
    await scene.say("stop")

    await scene.hear(since=first)

    assert [uttered.word for uttered in scene.ear.heard] == [Stop()]


async def test_where_nobody_replied_there_is_no_newest(scene: Scene) -> None:
    assert await scene.hear() == ""
    assert scene.ear.heard == []


async def test_an_edited_word_and_a_bots_are_no_words(scene: Scene) -> None:
    ts = await scene.say("stop")
    sandbox = scene.town.sandbox
    sandbox.acts.edit("unlock", by=scene.town.ann, channel=scene.town.infra, ts=ts)
    await scene.town.client.chat_postMessage(
        channel=scene.town.infra, text="stop", thread_ts=scene.root
    )

    newest = await scene.hear()

    assert newest > ts
    assert scene.ear.heard == []


async def test_long_threads_are_read_to_their_end(scene: Scene) -> None:
    for number in range(250):
        await scene.say(f"lock: {number}")

    await scene.hear()

    words = [uttered.word for uttered in scene.ear.heard]
    assert words == [Lock(reason=str(number)) for number in range(250)]
    assert scene.town.called(REPLIES) == 2


async def test_a_refusal_is_shown_to_whoever_said_it(scene: Scene) -> None:
    scene.ear.answer = Refused("You are no writer.", reason=Refusal.NOT_ALLOWED)
    last = await scene.say("lock")

    newest = await scene.hear()

    (shown,) = scene.town.sandbox.ephemerals(scene.town.ann)
    assert text_of(shown) == "You are no writer."
    assert shown["thread_ts"] == scene.root
    assert newest == last


async def test_a_word_that_goes_wrong_keeps_no_other_from_being_heard(
    scene: Scene,
) -> None:
    scene.ear.answer = IllegalTransition("run 1")
    await scene.say("confirm")
    last = await scene.say("discard")

    newest = await scene.hear()

    assert len(scene.ear.heard) == 2
    assert newest == last


async def test_while_nothing_can_be_noted_reading_stops(scene: Scene) -> None:
    scene.ear.answer = WordUnheard(StoreUnavailable("away"))
    await scene.say("lock")
    await scene.say("unlock")

    with pytest.raises(WordUnheard):
        await scene.hear()

    assert len(scene.ear.heard) == 1
    assert scene.town.sandbox.ephemerals(scene.town.ann) == []


async def test_slacks_pace_is_waited_for(scene: Scene) -> None:
    scene.town.sandbox.faults.add(REPLIES, RateLimited(retry_after=1))
    await scene.say("stop")

    await scene.hear()

    assert [uttered.word for uttered in scene.ear.heard] == [Stop()]
    assert scene.town.called(REPLIES) == 2


@pytest.mark.parametrize(
    "fault", [Drop(), BadGateway(), Refuse("internal_error"), Refuse("invalid_auth")]
)
async def test_a_slack_that_is_away_is_said_to_be(
    scene: Scene, fault: Drop | BadGateway | Refuse
) -> None:
    scene.town.sandbox.faults.add(REPLIES, fault, times=5)

    with pytest.raises(RepliesUnavailable):
        await scene.hear()


@pytest.mark.parametrize(
    "error",
    ["not_in_channel", "channel_not_found", "thread_not_found", "never_heard_of"],
)
async def test_a_thread_that_cannot_be_read_has_no_words(
    scene: Scene, error: str
) -> None:
    scene.town.sandbox.faults.add(REPLIES, Refuse(error))
    await scene.say("stop")

    assert await scene.hear() == ""


async def test_a_word_that_is_acted_on_is_not_cut_off(scene: Scene) -> None:
    scene.ear.busy = asyncio.Event()
    for text in ("stop", "status"):
        await scene.say(text)
    reading = asyncio.create_task(scene.hear())
    await scene.ear.begun.wait()

    reading.cancel()
    scene.ear.busy.set()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert [uttered.word for uttered in scene.ear.heard] == [Stop()]
