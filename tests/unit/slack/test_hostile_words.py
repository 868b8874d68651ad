"""Nothing that anybody says mentions, links, or breaks a limit of Slack's."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.lock import Claim, Hold, Occupancy
from bot.domain.people import Actor, ActorKind
from bot.domain.run import Reason, Run, RunId, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.task import LONGEST_COMMAND
from bot.domain.telling import (
    Card,
    Echo,
    Final,
    Header,
    Held,
    Released,
    Said,
    StopAsked,
    Tail,
    Telling,
    Waiting,
)
from bot.sandbox.limits import (
    MESSAGE_BLOCKS,
    TEXT_IN_BLOCKS,
    UPDATED_TEXT,
    check_blocks,
)
from bot.slack import messages
from bot.slack.blocks import Block
from bot.slack.messages import Message
from bot.slack.output import Excerpt
from tests.support.builders import NOON, later

#: what a rendered text may have beside what was said: people, dates, our own link
_OURS = re.compile(
    r"<@U0[A-Z]+>|<!date\^\d+\^[^<>|]+\|[^<>|]+>|<https://slack\.example/p1\|run \d+>"
)
_STACK = StackName("net-prod")


def rendered(words: str, output: bytes) -> dict[type[Telling], Message]:
    """Return a message of every kind, *words* wherever somebody has the word."""
    person = Actor(kind=ActorKind.PERSON, id="U0ANN", team="T0HOME", name=words)
    hold = Hold(stack=_STACK, actor=person, reason=words, since=NOON)
    run = a_talkative_run(words, person)
    excerpt = Excerpt()
    excerpt.feed(output)
    return {
        Header: messages.header(run, hold),
        Card: messages.card(
            _STACK,
            Occupancy(
                claim=Claim(stack=_STACK, run=run.id, fence=1, since=NOON), hold=hold
            ),
            run,
            (run,) * 50,
            (run,) * 5,
            later(5),
        ),
        Echo: messages.echo(Echo(run=run.id, remarks=(words or "-",) * 6), run),
        Waiting: messages.waiting(
            Waiting(place=1, hold=hold, since=NOON), "https://slack.example/p1"
        ),
        Held: messages.held(Held(hold=hold)),
        Released: messages.released(
            Released(hold=hold, actor=replace(person, id="U0ADA"), reason=words)
        ),
        StopAsked: messages.stop_asked(StopAsked(actor=person)),
        Said: messages.said(Said(text=words, to=person)),
        Tail: messages.tail(output),
        Final: messages.final(run, excerpt, attached=False),
    }


def a_talkative_run(words: str, person: Actor) -> Run:
    return Run(
        id=RunId(7),
        stack=_STACK,
        command=words[:LONGEST_COMMAND] or "x",
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


@given(
    st.text()
    | st.text(alphabet="<>&|!@#^*_`~ achnel\n")
    | st.sampled_from(["<!channel>", "<@U0BOB>", "<https://x.example|safe>", "&lt;"])
)
def test_no_words_of_anybodys_mention_or_link(words: str) -> None:
    for message in rendered(words, words.encode(errors="replace")).values():
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
        for message in rendered("@channel see http://x.example", b"").values()
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
    for message in rendered(words, words.encode()).values():
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
    for message in rendered("words", made()).values():
        check(message)


@given(st.text(min_size=1, max_size=400), st.binary(max_size=8_000))
def test_slack_takes_any_message(words: str, output: bytes) -> None:
    for message in rendered(words, output).values():
        check(message)


def test_the_longest_command_with_the_longest_remarks_is_echoed_in_one_message() -> (
    None
):
    message = rendered("&" * LONGEST_COMMAND, b"")[Echo]

    assert sum(len(text) for text in markup_in(message.blocks)) + LONGEST_COMMAND < (
        TEXT_IN_BLOCKS
    )
