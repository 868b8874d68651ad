"""Letters become messages: in place, with links, and to one person directly."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from slack_sdk.errors import SlackApiError

from bot.domain.approval import Decision, Review
from bot.domain.errors import Superseded
from bot.domain.lock import EVERY, Claim, Hold, Occupancy
from bot.domain.people import ChannelId
from bot.domain.policy import Session
from bot.domain.run import Approval, Reason, Run, RunId, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import (
    Card,
    Final,
    Header,
    Notice,
    NoticeKind,
    Planned,
    Said,
    Telling,
    Waiting,
)
from bot.ports import Approvals, Archive, Letter, LetterId, Thread
from bot.sandbox.faults import BadGateway, Drop, Refuse
from bot.slack.post import Post
from bot.slack.refusals import is_hopeless
from bot.slack.shown import digest_of
from tests.contract.slack.conftest import Town
from tests.support.bot import text_of
from tests.support.builders import NOON, STACK, a_hold, a_run, an_actor, later

MINE = a_run(number=2, by="ann")
FIRST = a_run(number=1, by="bob", state=RunState.PERFORMING)
CLAIM = Claim(stack=STACK, run=FIRST.id, fence=1, since=NOON, lease=later(90))

PENDING = replace(
    MINE, approval=Approval.PENDING, approval_note="1 of @x has to agree.", subject="5"
)
REVIEW = Review(
    run=PENDING.id,
    ordinal=3,
    actor=an_actor("ada"),
    session=Session(login="U0ADA"),
    decision=Decision.APPROVE,
    at=NOON,
    subject="5",
)


@dataclass
class Shelf:
    """As much of the record as these letters are made of."""

    channel: str
    kept: dict[RunId, Run] = field(default_factory=dict)
    occupied: Occupancy = Occupancy()
    posted: dict[ThreadId, str] = field(default_factory=dict)
    reviewed: dict[RunId, tuple[Review, ...]] = field(default_factory=dict)

    async def run(self, run: RunId) -> Run:
        return self.kept[run]

    async def occupancy(self, _stack: StackName) -> Occupancy:
        return self.occupied

    async def queue(self, stack: StackName) -> tuple[Run, ...]:
        waits = [r for r in self.kept.values() if r.state is RunState.QUEUED]
        return tuple(run for run in waits if run.stack == stack)

    async def last_runs(self, _stack: StackName, _limit: int) -> tuple[Run, ...]:
        return tuple(self.kept.values())

    async def output(self, _run: RunId) -> AsyncIterator[bytes]:
        yield b"one of many lines\n" * 1_000

    async def head(self, _run: RunId) -> None:
        return None

    async def reviews(self, run: RunId) -> tuple[Review, ...]:
        return self.reviewed[run]

    async def thread(self, thread: ThreadId) -> Thread:
        return Thread(
            id=thread,
            channel=ChannelId(self.channel),
            ts=self.posted.get(thread),
            stack=STACK,
            run=RunId(thread),
        )


@dataclass
class Desk:
    """Where letters are written: a workspace, a record, and the one who posts."""

    town: Town
    shelf: Shelf
    send: Post

    async def post(self, letter: Letter, *, doubtful: bool = False) -> str | None:
        """Send a letter, and return the `ts` of its message."""
        posted = await self.send(letter, doubtful=doubtful)
        return None if posted is None else posted.ts

    def keep(self, *runs: Run) -> None:
        self.shelf.kept.update({run.id: run for run in runs})

    async def root(self, run: Run, text: str) -> str:
        """Post a run's first message, and keep that it is there."""
        answer = await self.town.client.chat_postMessage(
            channel=self.town.infra, text=text
        )
        self.shelf.posted[run.thread] = str(answer["ts"])
        return str(answer["ts"])

    async def letter(
        self, telling: Telling, run: Run = MINE, *, message_ts: str | None = None
    ) -> Letter:
        return Letter(
            id=LetterId(1),
            thread=await self.shelf.thread(run.thread),
            telling=telling,
            attempts=0,
            message_ts=message_ts,
        )

    def said(self, ts: str | None) -> str:
        messages = self.town.workspace.messages
        return text_of(dict(messages.find(self.town.infra, ts or "")))


@pytest.fixture
async def desk(town: Town) -> Desk:
    shelf = Shelf(channel=town.infra)
    post = Post(
        client=town.client,
        archive=cast("Archive", shelf),
        approvals=cast("Approvals", shelf),
        clock=lambda: NOON,
        above=frozenset({"U0ADA"}),
    )
    desk = Desk(town, shelf, post)
    desk.keep(MINE, FIRST)
    await desk.root(MINE, "mine")
    return desk


async def test_a_waiting_run_links_to_the_run_that_blocks_it(desk: Desk) -> None:
    ts = await desk.root(FIRST, "first")
    desk.shelf.occupied = Occupancy(claim=CLAIM)

    told = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))

    assert f"/p{ts.replace('.', '')}|run 1> has the stack since" in told
    assert "number 1" in told


async def test_a_waiting_run_links_to_where_the_stack_was_locked(desk: Desk) -> None:
    ts = await desk.root(FIRST, "first")
    hold = replace(a_hold(by="bob", reason="audit"), thread=FIRST.thread)
    desk.shelf.occupied = Occupancy(claim=CLAIM, hold=hold)

    told = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))

    assert f"/p{ts.replace('.', '')}|holds the stack> since" in told
    assert ": audit." in told


async def test_a_waiting_run_knows_its_place_among_the_older_ones(desk: Desk) -> None:
    desk.keep(a_run(number=1), a_run(number=3))

    told = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))

    assert "Queued, number 2: it starts in a moment" in told


async def test_a_run_that_waits_for_people_keeps_nobody_waiting(desk: Desk) -> None:
    desk.keep(replace(PENDING, id=FIRST.id), MINE)

    told = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))

    assert "Queued, number 1: it starts in a moment." in told


async def test_who_reviewed_a_run_is_named_as_far_as_it_counts(desk: Desk) -> None:
    of_another = replace(REVIEW, actor=an_actor("bob"), subject="another")
    withdrawn = replace(REVIEW, actor=an_actor("eve"), void=True)
    desk.keep(PENDING)
    desk.shelf.reviewed[PENDING.id] = (of_another, withdrawn, REVIEW)

    ts = desk.shelf.posted[MINE.thread]
    waiting = await desk.post(await desk.letter(Waiting(run=MINE.id)))
    await desk.post(await desk.letter(Header(run=MINE.id), message_ts=ts))

    assert "Reviews so far: approved by <@U0ADA>." in desk.said(waiting)
    assert " · approved by <@U0ADA>" in desk.said(ts)
    assert "Approve" in desk.said(waiting)


async def test_a_decided_run_has_no_buttons_and_the_final_message_names_who_decided(
    desk: Desk,
) -> None:
    desk.keep(PENDING)
    desk.shelf.reviewed[PENDING.id] = (replace(REVIEW, decision=Decision.REJECT),)
    ts = await desk.post(await desk.letter(Waiting(run=MINE.id)))
    failed = replace(PENDING, state=RunState.FAILED, reason=Reason.REJECTED)
    desk.keep(replace(failed, ended_at=later(9), note="ada rejected it: no"))

    await desk.post(await desk.letter(Waiting(run=MINE.id), message_ts=ts))
    final = await desk.post(await desk.letter(Final(run=MINE.id)))
    card = await desk.post(await desk.letter(Card(stack=STACK)))

    assert desk.said(ts) == (":hourglass: It was rejected by <@U0ADA> after 9 s.")
    assert "ada rejected it: no" in desk.said(final)
    assert " · rejected by <@U0ADA>" in desk.said(card)


@pytest.mark.parametrize(
    ("by", "words"),
    [("ann", "<@U0EVE> has frozen every stack"), ("ada", "it starts in a moment")],
)
async def test_a_freeze_keeps_those_queued_who_are_not_above_it(
    desk: Desk, by: str, words: str
) -> None:
    desk.keep(a_run(number=2, by=by))
    desk.shelf.occupied = Occupancy(freeze=a_hold(stack=EVERY, by="eve"))

    told = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))

    assert words in told


async def test_what_blocks_a_run_need_not_be_there_to_be_linked_to(desk: Desk) -> None:
    desk.shelf.occupied = Occupancy(claim=CLAIM)
    not_posted = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))
    ts = await desk.root(FIRST, "first")
    desk.town.sandbox.delete_message(desk.town.infra, ts)

    deleted = desk.said(await desk.post(await desk.letter(Waiting(run=MINE.id))))

    assert ": run 1 has the stack since" in not_posted
    assert ": run 1 has the stack since" in deleted


async def test_a_link_that_cannot_be_asked_for_now_is_waited_for(desk: Desk) -> None:
    await desk.root(FIRST, "first")
    desk.shelf.occupied = Occupancy(claim=CLAIM)
    desk.town.sandbox.faults.add("chat.getPermalink", BadGateway())

    with pytest.raises(SlackApiError):
        await desk.post(await desk.letter(Waiting(run=MINE.id)))


async def test_once_its_turn_came_the_same_message_says_how_long_it_waited(
    desk: Desk,
) -> None:
    desk.shelf.occupied = Occupancy(claim=CLAIM)
    ts = await desk.post(await desk.letter(Waiting(run=MINE.id)))
    desk.keep(replace(MINE, state=RunState.PERFORMING, started_at=later(185)))

    again = await desk.letter(Waiting(run=MINE.id), message_ts=ts)

    assert await desk.post(again) == ts
    assert desk.said(ts) == ":hourglass: Its turn came after 3 min 5 s."


async def test_a_run_that_never_was_seen_to_wait_says_nothing_of_it(
    desk: Desk,
) -> None:
    desk.keep(replace(MINE, state=RunState.READY))
    before = desk.town.called("chat.postMessage")

    assert await desk.post(await desk.letter(Waiting(run=MINE.id))) is None
    assert desk.town.called("chat.postMessage") == before


async def test_a_doubtful_waiting_message_is_found_and_brought_up_to_date(
    desk: Desk,
) -> None:
    letter = await desk.letter(Waiting(run=MINE.id))
    desk.town.sandbox.faults.add("chat.postMessage", Drop(after=True))
    with pytest.raises(Exception, match="disconnected"):
        await desk.post(letter)
    desk.keep(replace(MINE, state=RunState.READY, state_since=later(9)))

    ts = await desk.post(letter, doubtful=True)

    assert desk.said(ts) == ":hourglass: Its turn came after 9 s."
    thread = desk.town.sandbox.thread(desk.town.infra, desk.shelf.posted[MINE.thread])
    assert len(thread) == 2


async def test_the_header_knows_who_holds_and_who_froze_the_stack(desk: Desk) -> None:
    desk.shelf.occupied = Occupancy(
        hold=a_hold(by="bob", reason="audit"), freeze=a_hold(stack=EVERY, by="eve")
    )
    ts = desk.shelf.posted[MINE.thread]
    letter = await desk.letter(Header(run=MINE.id), message_ts=ts)

    assert await desk.post(letter) == ts
    assert "held by <@U0BOB>: audit" in desk.said(ts)
    assert "every stack is frozen by <@U0EVE>" in desk.said(ts)


async def test_the_card_knows_what_runs_and_what_waits(desk: Desk) -> None:
    desk.shelf.occupied = Occupancy(claim=CLAIM)
    ts = desk.shelf.posted[MINE.thread]
    letter = await desk.letter(Card(stack=STACK), message_ts=ts)

    await desk.post(letter)

    assert "Run 1 of bob has been performing" in desk.said(ts)
    assert "Waiting: run 2 (ann)." in desk.said(ts)


async def test_a_plan_is_told_as_the_record_has_it(desk: Desk) -> None:
    desk.keep(replace(MINE, state=RunState.UNCONFIRMED, summary="1 to add\n+ a"))

    told = desk.said(await desk.post(await desk.letter(Planned(run=MINE.id))))

    assert told.startswith(":mag: Plan: *1 to add*\n+ a")


def direct(to: str, hold: Hold | None = None) -> Letter:
    thread = Thread(
        id=ThreadId(9), channel=ChannelId(to), ts=None, stack=STACK, run=None
    )
    return Letter(
        id=LetterId(9),
        thread=thread,
        telling=Notice(kind=NoticeKind.STILL_NEEDED, stack=STACK, hold=hold),
        attempts=0,
        message_ts=None,
    )


def letters(town: Town) -> list[Mapping[str, Any]]:
    return list(town.sandbox.direct_messages(town.ann))


async def test_a_notice_reaches_the_person_with_its_buttons(desk: Desk) -> None:
    ts = await desk.post(direct(desk.town.ann, a_hold(reason="audit")))

    (letter,) = letters(desk.town)
    assert letter["ts"] == ts
    assert "You have held *net-prod* since" in text_of(dict(letter))
    assert "Keep" in text_of(dict(letter))


async def test_a_notice_is_changed_in_the_conversation_that_it_opened(
    desk: Desk,
) -> None:
    letter = direct(desk.town.ann, a_hold(reason="hunter22"))
    posted = await desk.send(letter)
    assert posted is not None
    assert posted.channel != desk.town.ann

    there = replace(letter.thread, channel=posted.channel, ts=posted.ts)
    hidden = replace(
        direct(desk.town.ann, a_hold(reason="*****")),
        thread=there,
        message_ts=posted.ts,
        revision=1,
    )

    changed = await desk.send(hidden)
    assert changed is not None
    assert (changed.channel, changed.ts) == (posted.channel, posted.ts)
    (only,) = letters(desk.town)
    assert "hunter22" not in text_of(dict(only))


async def test_a_doubtful_notice_is_rather_sent_twice_than_never(desk: Desk) -> None:
    desk.town.sandbox.faults.add("chat.postMessage", Drop(after=True))
    with pytest.raises(Exception, match="disconnected"):
        await desk.post(direct(desk.town.ann))

    await desk.post(direct(desk.town.ann), doubtful=True)

    assert len(letters(desk.town)) == 2
    assert desk.town.called("conversations.history") == 0


async def test_nobody_waits_for_one_who_cannot_be_told(desk: Desk) -> None:
    bot = desk.town.workspace.add_person("hal", is_bot=True)
    desk.town.sandbox.deactivate(desk.town.bob)

    for whoever in (bot, desk.town.bob, "U0NOBODY"):
        with pytest.raises(SlackApiError) as refused:
            await desk.post(direct(whoever))
        assert is_hopeless(refused.value), whoever


async def test_a_notice_whose_blocks_are_not_taken_is_told_in_words(
    desk: Desk,
) -> None:
    desk.town.sandbox.faults.add("chat.postMessage", Refuse("invalid_blocks"), times=2)

    await desk.post(direct(desk.town.ann))

    (letter,) = letters(desk.town)
    assert "Do you still need it?" in letter["text"]
    assert not letter.get("blocks")


async def test_a_message_is_kept_as_slack_returns_it(desk: Desk) -> None:
    said = Said(text="<https://x.example> & `code` <!channel> \N{ROCKET}")
    posted = await desk.send(await desk.letter(said))
    found = await desk.send(await desk.letter(said), doubtful=True)

    town = desk.town
    root = desk.shelf.posted[MINE.thread]
    answer = await town.client.conversations_replies(channel=town.infra, ts=root)
    assert posted is not None
    assert posted == found
    assert digest_of(answer["messages"][1]) == posted.digest


async def test_a_reply_in_the_place_of_a_first_message_is_posted_once(
    desk: Desk,
) -> None:
    root = desk.shelf.posted[MINE.thread]
    desk.town.sandbox.edit_window = "never"
    letter = await desk.letter(Header(run=MINE.id), message_ts=root)

    first = await desk.post(letter)
    again = await desk.post(letter, doubtful=True)

    assert first == again != root
    assert len(desk.town.sandbox.thread(desk.town.infra, root)) == 2


async def test_a_first_message_whose_place_a_reply_took_is_redacted_too(
    desk: Desk,
) -> None:
    root = desk.shelf.posted[MINE.thread]
    reply = await desk.post(await desk.letter(Waiting(run=MINE.id)))
    letter = await desk.letter(Header(run=MINE.id), message_ts=reply)

    posted = await desk.send(replace(letter, revision=1))

    assert posted is not None
    assert (posted.ts, posted.replaced) == (reply, root)
    assert desk.said(root) == "This message was deleted."
    assert "queued" in desk.said(reply)


async def test_nothing_is_posted_or_changed_or_deleted_by_who_may_not_send(
    desk: Desk,
) -> None:
    root = desk.shelf.posted[MINE.thread]
    letters = [
        await desk.letter(Said(text="x")),
        await desk.letter(Header(run=MINE.id), message_ts=root),
        replace(await desk.letter(Header(run=MINE.id), message_ts="9.9"), revision=1),
        await desk.letter(Final(run=MINE.id)),
    ]
    desk.send.ask_first(never)

    for letter in letters:
        with pytest.raises(Superseded):
            await desk.send(letter)

    (only,) = desk.town.sandbox.thread(desk.town.infra, root)
    assert only["text"] == "mine"
    assert not desk.town.workspace.files


async def never(_letter: Letter) -> bool:
    return False
