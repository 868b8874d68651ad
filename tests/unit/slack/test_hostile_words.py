"""Nothing that anybody says mentions, links, or breaks a limit of Slack's."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.approval import Decision, Review, Reviews
from bot.domain.errors import Refusal, Refused
from bot.domain.lock import EVERY, Claim, Hold, Occupancy
from bot.domain.people import Actor, ActorKind
from bot.domain.policy import Session
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.run import Approval, Reason, Run, RunId, RunState, RunType, ThreadId
from bot.domain.stack import StackName
from bot.domain.state_lock import StateLock
from bot.domain.task import LONGEST_COMMAND
from bot.domain.telling import (
    Card,
    Confirmed,
    Echo,
    Expired,
    Final,
    Header,
    Held,
    Notice,
    NoticeKind,
    Planned,
    Released,
    Reviewed,
    Said,
    Stolen,
    StopAsked,
    Tail,
    Telling,
    Waiting,
)
from bot.sandbox.block_limits import text_size
from bot.sandbox.limits import (
    MESSAGE_BLOCKS,
    TEXT_IN_BLOCKS,
    UPDATED_TEXT,
    check_blocks,
)
from bot.sandbox.values import MethodError
from bot.slack import approving, endings, headers, holding, notices, replies, whispers
from bot.slack.blocks import Block, preformatted
from bot.slack.message import Message
from bot.slack.output import Excerpt
from tests.support.builders import NOON, later

#: what a rendered text may have beside what was said: people, dates, our own link
_OURS = re.compile(
    r"<@U0[A-Z]+>|<!date\^\d+\^[^<>|]+\|[^<>|]+>"
    r"|<https://slack\.example/p1\|(?:run \d+|[a-z ]+)>"
)
_STACK = StackName("net-prod")
_LINK = "https://slack.example/p1"
_PERSON = Actor(kind=ActorKind.PERSON, id="U0ANN", team="T0HOME")


def rendered(words: str, output: bytes) -> dict[type[Telling], list[Message]]:
    """Return messages of every kind, *words* wherever somebody has the word."""
    person = replace(_PERSON, name=words)
    hold = Hold(
        stack=_STACK, actor=person, reason=words, since=NOON, until=later(3_600)
    )
    freeze = replace(hold, stack=EVERY)
    run = a_talkative_run(words, person)
    pending, reviews = a_pending(run), many_reviews(words, person)
    return {
        **_of_holds(words, hold, freeze),
        **_of_runs(words, run, hold, output),
        Reviewed: [
            approving.reviewed(Reviewed(actor=person, decision=decision, note=words))
            for decision in Decision
        ],
        Header: [
            headers.header(shape, Occupancy(hold=hold, freeze=freeze), reviews)
            for shape in (*shapes_of(run), pending)
        ],
        Card: [
            headers.card(
                _STACK,
                Occupancy(claim=_claim(run), hold=hold, freeze=freeze),
                shape,
                (pending, *((run,) * 50)),
                (run,) * 5,
                {run.id: reviews},
                many_presets(words),
            )
            for shape in shapes_of(run)
        ],
    }


def _of_holds(
    words: str, hold: Hold, freeze: Hold
) -> dict[type[Telling], list[Message]]:
    admin = replace(hold.actor, id="U0ADA")
    many = tuple(replace(hold, stack=StackName(f"s{n:062}")) for n in range(200))
    lists = ((hold,), (freeze,), many)
    return {
        Held: [holding.held(Held(holds=holds)) for holds in lists],
        Released: [
            holding.released(Released(holds=holds, actor=admin, reason=words))
            for holds in lists
        ],
        Stolen: [holding.stolen(Stolen(held=hold, wanted=replace(hold, actor=admin)))],
        Expired: [holding.expired(Expired(hold=each)) for each in (hold, freeze)],
        Notice: [
            notices.notice(
                Notice(
                    kind=kind, stack=each.stack, hold=each, actor=admin, reason=words
                )
            )
            for kind in NoticeKind
            for each in (hold, freeze)
        ],
    }


def _of_runs(
    words: str, run: Run, hold: Hold, output: bytes
) -> dict[type[Telling], list[Message]]:
    excerpt = Excerpt()
    excerpt.feed(output)
    echo = Echo(run=run.id, remarks=(words or "-",) * 6)
    ends = (run, replace(a_pending(run), state=RunState.DISCARDED))
    return {
        Echo: [replies.echo(echo, shape) for shape in shapes_of(run)],
        Waiting: [
            replies.waiting(1, hold, _LINK),
            replies.waiting(1, replace(hold, stack=EVERY), _LINK),
            replies.waiting(1, _claim(run), _LINK),
            *(replies.waited(shape, many_reviews(words, run.actor)) for shape in ends),
            approving.pending(a_pending(run), many_reviews(words, run.actor)),
        ],
        Planned: [replies.planned(shape) for shape in shapes_of(run)],
        Confirmed: [replies.confirmed(Confirmed(actor=run.actor))],
        StopAsked: [replies.stop_asked(StopAsked(actor=run.actor))],
        Said: [replies.said(Said(text=words, to=run.actor))],
        Tail: [replies.tail(output)],
        Final: [
            endings.final(
                shape,
                excerpt,
                attached=False,
                reviews=many_reviews(words, run.actor),
            )
            for shape in shapes_of(run)
        ],
    }


def a_pending(run: Run) -> Run:
    """Return *run* as it waits for people."""
    return replace(
        run,
        state=RunState.QUEUED,
        approval=Approval.PENDING,
        approval_note=run.note,
        approval_expires=NOON,
        subject="5" * 64,
    )


def many_reviews(words: str, person: Actor) -> Reviews:
    """Return more reviews than anybody gives."""
    return Reviews(
        current=tuple(
            Review(
                run=RunId(7),
                ordinal=number,
                actor=person,
                session=Session(login=person.id, name=words),
                decision=decision,
                note=words,
                at=NOON,
                subject="5" * 64,
            )
            for number in range(50)
            for decision in Decision
        )
    )


def many_presets(words: str) -> list[Preset]:
    """Return more presets than any stack has."""
    named = {
        "choice": Parameter(name="choice", kind=Choice(of=(words, "x"))),
        "text": Parameter(name="text", kind=Pattern(pattern=words), default=words),
        "number": Parameter(name="number", kind=Integer(least=1)),
    }
    plain = Preset(name="restart", command=words, description=words, parameters=named)
    return [replace(plain, name=f"restart-{number}") for number in range(50)]


def _claim(run: Run) -> Claim:
    return Claim(stack=_STACK, run=run.id, fence=1, since=NOON, lease=later(90))


def shapes_of(run: Run) -> list[Run]:
    """Return *run* as it looks in each of the ways that are rendered differently."""
    deploy = replace(run, type=RunType.TRACKED, state=RunState.UNCONFIRMED)
    key = Actor(kind=ActorKind.API_KEY, id=run.actor.name[:63] or "ci")
    return [
        run,
        replace(run, again=RunId(3)),
        replace(
            run,
            again=RunId(3),
            preset="restart",
            parameters={f"p{n}": run.note[:1_000] for n in range(20)},
        ),
        deploy,
        replace(deploy, confirmed_by=run.actor),
        replace(
            deploy,
            actor=key,
            outside=True,
            state=RunState.PERFORMING,
            lost_since=NOON,
        ),
    ]


def everything(words: str, output: bytes) -> Iterator[Message]:
    """Yield every message that can be made of *words* and *output*."""
    for several in rendered(words, output).values():
        yield from several
    refused = Refused(words or "-", reason=Refusal.HELD, stack=_STACK)
    whisper = whispers.refusal(refused)
    yield Message(text=whisper.text, blocks=whisper.blocks)


def a_talkative_run(words: str, person: Actor) -> Run:
    return Run(
        id=RunId(7),
        stack=_STACK,
        command=words[:LONGEST_COMMAND] or "x",
        apply=words[:LONGEST_COMMAND] or "x",
        summary=words,
        state_lock=StateLock(
            id=words, path=words, operation=words, who=words, created=words
        ),
        skip_init=True,
        actor=person,
        thread=ThreadId(1),
        created_at=NOON,
        state=RunState.FAILED,
        state_since=NOON,
        reason=Reason.OUT_OF_MEMORY,
        exit_code=137,
        note=words,
        commit=words[:40],
        image_digest=f"registry.example/{'a' * 200}@sha256:{'b' * 64}",
        started_at=NOON,
        ended_at=later(90),
    )


def markup_in(node: object) -> Iterator[str]:
    """Yield every text of *node* in which Slack reads markup."""
    if isinstance(node, list):
        for part in node:
            yield from markup_in(part)
    elif isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield node["text"]
        for part in node.values():
            yield from markup_in(part)


def check(message: Message) -> None:
    """Raise what Slack would answer, to a post or to an update."""
    check_blocks(message.blocks)
    assert message.blocks
    assert len(message.blocks) <= MESSAGE_BLOCKS
    assert 0 < len(message.text) <= UPDATED_TEXT


def test_every_kind_of_telling_is_tried() -> None:
    assert set(rendered("", b"")) == set(get_args(Telling))


@settings(deadline=None)  # a machine at work takes longer over one
@given(
    st.text()
    | st.text(alphabet="<>&|!@#^*_`~ achnel\n")
    | st.sampled_from(["<!channel>", "<@U0BOB>", "<https://x.example|safe>", "&lt;"])
)
def test_no_words_of_anybodys_mention_or_link(words: str) -> None:
    for message in everything(words, words.encode(errors="replace")):
        for text in (message.text, *markup_in(message.blocks)):
            assert not set("<>") & set(_OURS.sub("", text))


def test_slack_is_told_to_make_no_links_and_mentions_by_itself() -> None:
    def plain(node: Block | list[Block]) -> Iterator[Block]:
        parts = node.values() if isinstance(node, dict) else node
        if isinstance(node, dict) and node.get("type") == "mrkdwn":
            yield node
        for part in parts:
            if isinstance(part, dict | list):
                yield from plain(part)

    texts = [
        text
        for message in everything("@channel see http://x.example", b"")
        for text in plain(message.blocks)
    ]

    assert texts
    assert all(text["verbatim"] for text in texts)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "&" * 3_000,
        "<" * LONGEST_COMMAND,
        "&" * LONGEST_COMMAND,
        "\n" * LONGEST_COMMAND,
        "x" * 40_000,
        "\U0001f6e4" * LONGEST_COMMAND,
        "`" * 3_000,
        "<!channel> " * 700,
    ],
    ids=lambda words: f"{len(words)} x {words[:1]!r}",
)
def test_slack_takes_every_message_whatever_is_said(words: str) -> None:
    for message in everything(words, words.encode()):
        check(message)


def _ten_megabytes() -> bytes:
    return b"x" * (10 << 20)


@pytest.mark.parametrize(
    "made",
    [
        _ten_megabytes,
        lambda: b"&" * 100_000,
        lambda: b"error " * 200_000,
        lambda: b"error: &<>\n" * 100_000,
        lambda: bytes(range(256)) * 1_000,
        lambda: b"\n" * 100_000,
        lambda: b"```\n<!channel>\n" * 10_000,
        lambda: "\u2603".encode() * 100_000,
    ],
)
def test_slack_takes_every_message_whatever_is_printed(
    made: Callable[[], bytes],
) -> None:
    for message in everything("words", made()):
        check(message)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=400), st.binary(max_size=8_000))
def test_slack_takes_any_message(words: str, output: bytes) -> None:
    for message in everything(words, output):
        check(message)


@pytest.mark.parametrize("words", ["&" * LONGEST_COMMAND, "x" * LONGEST_COMMAND])
def test_the_longest_command_with_the_longest_remarks_is_echoed_in_one_message(
    words: str,
) -> None:
    for message in rendered(words, b"")[Echo]:
        assert text_size(message.blocks) < TEXT_IN_BLOCKS


def test_what_slack_would_not_take_is_noticed() -> None:
    with pytest.raises(MethodError, match="msg_blocks_too_long"):
        check(Message(text="x", blocks=[preformatted("x" * 14_000)]))
