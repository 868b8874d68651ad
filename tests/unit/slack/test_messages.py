"""What the messages of a thread and of the channel show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.lock import Claim, Hold, Occupancy
from bot.domain.run import Reason, Run, RunId, RunState
from bot.domain.telling import Echo, Held, Released, Said, StopAsked, Waiting
from bot.slack import messages
from bot.slack.blocks import Block
from bot.slack.messages import Message
from bot.slack.output import Excerpt
from tests.support.bot import text_of
from tests.support.builders import NOON, STACK, a_hold, a_run, an_actor, later


def shown(message: Message) -> str:
    return text_of({"blocks": message.blocks, "text": message.text})


def blocks_of(message: Message, kind: str) -> list[Block]:
    return [block for block in message.blocks if block["type"] == kind]


def buttons_of(message: Message) -> list[str]:
    return [
        button["action_id"]
        for row in blocks_of(message, "actions")
        for button in row["elements"]
    ]


def preformatted_in(message: Message) -> str:
    (block,) = blocks_of(message, "rich_text")
    return str(block["elements"][0]["elements"][0]["text"])


def ended(state: RunState = RunState.FINISHED, **changes: object) -> Run:
    run = replace(a_run(state=state), started_at=NOON, ended_at=later(65))
    return replace(run, **changes)  # type: ignore[arg-type]  # fields by name


def fed(*pieces: bytes) -> Excerpt:
    excerpt = Excerpt()
    for piece in pieces:
        excerpt.feed(piece)
    return excerpt


@pytest.mark.parametrize(
    ("run", "title"),
    [
        (a_run(state=RunState.QUEUED), ":hourglass_flowing_sand: *net-prod* · queued"),
        (a_run(state=RunState.READY), ":hourglass_flowing_sand: *net-prod* · ready"),
        (a_run(state=RunState.PREPARING), ":package: *net-prod* · preparing"),
        (a_run(state=RunState.INITIALIZING), ":gear: *net-prod* · initializing"),
        (a_run(state=RunState.PERFORMING), ":rocket: *net-prod* · performing"),
        (
            ended(exit_code=0),
            ":white_check_mark: *net-prod* · finished, exit code 0",
        ),
        (
            ended(RunState.FAILED, reason=Reason.EXIT_CODE, exit_code=2),
            ":x: *net-prod* · failed: the command failed, exit code 2",
        ),
        (ended(RunState.DISCARDED), ":no_entry: *net-prod* · discarded"),
        (ended(RunState.STOPPED), ":octagonal_sign: *net-prod* · stopped"),
    ],
    ids=lambda value: value.state if isinstance(value, Run) else "",
)
def test_the_header_begins_with_where_the_run_stands(run: Run, title: str) -> None:
    message = messages.header(run, None)

    assert message.blocks[0]["text"]["text"] == title


def test_the_header_says_who_since_when_and_what_ran() -> None:
    run = replace(
        a_run("terraform plan", number=7),
        skip_init=True,
        commit="0123456789abcdef",
        image_digest="terraform@sha256:" + "a" * 64,
    )

    facts = shown(messages.header(run, None)).split("\n")[2]

    assert facts == (
        "run 7 · by <@U0ANN> · since <!date^1795176000^{date_short_pretty} "
        "{time_secs}|2026-11-20 12:00:00 UTC> · `--no-init` · commit `0123456789` · "
        "image `terraform@sha256:aaaaaaaaaaaa`"
    )


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("hold", [None, a_hold()], ids=["free", "held"])
def test_the_buttons_fit_the_state(state: RunState, hold: Hold | None) -> None:
    stoppable = state in {
        RunState.QUEUED,
        RunState.READY,
        RunState.PREPARING,
        RunState.INITIALIZING,
    }

    buttons = buttons_of(messages.header(a_run(state=state), hold))

    lock = "unlock" if hold else "lock"
    assert buttons == (["stop", lock] if stoppable else [lock])


def test_stop_asks_before_it_acts() -> None:
    (row,) = blocks_of(messages.header(a_run(), None), "actions")

    assert row["elements"][0]["confirm"]["confirm"]["text"] == "Stop"
    assert "confirm" not in row["elements"][1]


@pytest.mark.parametrize(
    ("command", "preview"),
    [
        ("ls -l", "ls -l"),
        ("1\n2\n3\n4\n5", "1\n2\n3\n4\n5"),
        ("1\n2\n3\n4\n5\n6", "1\n2\n3\n4\n5\n…"),
        ("x" * 281, "x" * 279 + "…"),
        ("a ``` b <!channel> &", "a ``` b <!channel> &"),
    ],
)
def test_the_header_shows_the_beginning_of_the_command(
    command: str, preview: str
) -> None:
    assert preformatted_in(messages.header(a_run(command), None)) == preview


def test_the_header_names_who_holds_the_stack_and_why() -> None:
    hold = a_hold(by="bob", reason="moving & <shaking>")

    assert ":lock: held by <@U0BOB>: moving &amp; &lt;shaking&gt;" in shown(
        messages.header(a_run(), hold)
    )


def test_the_echo_shows_the_exact_command_and_what_was_undone() -> None:
    run = replace(a_run("echo '``` <!here>'\n  next"), skip_init=True)

    message = messages.echo(Echo(run=run.id, remarks=("put <x> back",)), run)

    assert preformatted_in(message) == "echo '``` <!here>'\n  next"
    assert "without init (`--no-init`)" in shown(message)
    assert "put &lt;x&gt; back" in shown(message)


def test_a_queued_run_says_what_blocks_it_with_a_link() -> None:
    telling = Waiting(place=2, blocking_run=RunId(7), since=NOON)

    linked = shown(messages.waiting(telling, "https://slack.example/p1"))

    assert "number 2: <https://slack.example/p1|run 7> has the stack since" in linked
    assert ": run 7 has the stack" in shown(messages.waiting(telling, None))


def test_a_queued_run_names_the_holder_or_starts_in_a_moment() -> None:
    held = Waiting(place=1, hold=a_hold(by="bob", reason="audit"), since=NOON)

    assert "<@U0BOB> holds the stack since <!date^" in shown(
        messages.waiting(held, None)
    )
    assert "it starts in a moment" in shown(messages.waiting(Waiting(place=1), None))


def test_a_hold_and_its_release_name_everybody_concerned() -> None:
    hold = a_hold(by="ann", reason="audit")

    taken = shown(messages.held(Held(hold=hold)))
    own = shown(messages.released(Released(hold=hold, actor=an_actor("ann"))))
    by_admin = shown(
        messages.released(Released(hold=hold, actor=an_actor("ada"), reason="late"))
    )

    assert taken.startswith(":lock: <@U0ANN> holds *net-prod*: audit.")
    assert own == ":unlock: <@U0ANN> released *net-prod*."
    assert by_admin == ":unlock: <@U0ADA> released *net-prod* from <@U0ANN>: late."


def test_a_wish_to_stop_and_a_sentence_are_told_plainly() -> None:
    asked = shown(messages.stop_asked(StopAsked(actor=an_actor("bob"))))
    said = shown(messages.said(Said(text="a < b", to=an_actor("ann"))))

    assert asked == ":octagonal_sign: <@U0BOB> asked to stop the run."
    assert said == "<@U0ANN> a &lt; b"


def test_the_tail_shows_the_last_lines_or_a_blank() -> None:
    output = b"".join(b"line %d\n" % number for number in range(100))

    assert preformatted_in(messages.tail(output)).split("\n")[0] == "line 70"
    assert preformatted_in(messages.tail(b"")) == " "


def test_the_final_message_shows_short_output_whole() -> None:
    message = messages.final(ended(exit_code=0), fed(b"all\ngood\n"), attached=True)

    assert shown(message) == (
        ":white_check_mark: *finished, exit code 0*, after 1 min 5 s\nall\ngood"
    )


def test_the_final_message_of_a_silent_run_has_no_output() -> None:
    message = messages.final(ended(exit_code=0), fed(), attached=True)

    assert blocks_of(message, "rich_text") == []


def test_the_final_message_carries_the_note() -> None:
    run = ended(RunState.FAILED, reason=Reason.IMAGE, note="there is no <image>")

    told = shown(messages.final(run, fed(), attached=True))

    assert "failed: the image is not to be had" in told
    assert "there is no &lt;image&gt;" in told


def test_a_run_that_never_started_has_no_length() -> None:
    run = a_run(state=RunState.DISCARDED)

    told = shown(messages.final(run, fed(), attached=True))

    assert told == ":no_entry: *discarded*"


@pytest.mark.parametrize(
    ("attached", "words"),
    [
        (True, "is attached to this thread"),
        (False, "could not be attached; `handrail output 1` prints it"),
    ],
)
def test_long_output_is_said_to_be_elsewhere(attached: bool, words: str) -> None:
    excerpt = fed(b"line\n" * 10_000)

    told = shown(messages.final(ended(), excerpt, attached=attached))

    assert words in told
    assert "(50,000 bytes, 10,000 lines)" in told


def test_a_card_shows_the_hold_the_run_the_queue_and_the_last_runs() -> None:
    running = a_run(number=8, state=RunState.PERFORMING)
    claim = Claim(stack=STACK, run=running.id, fence=1, since=NOON)
    occupancy = Occupancy(claim=claim, hold=a_hold(by="bob", reason="audit"))
    queue = (a_run(number=9, by="ann"),)
    last = (ended(exit_code=0), a_run("echo `id`", number=2))

    message = messages.card(
        STACK, occupancy, running, queue, last, NOON + timedelta(seconds=5)
    )

    told = shown(message)
    assert "bob has held net-prod for 5 s: audit." in told
    assert "Run 8 of ann has been performing for 5 s." in told
    assert "Waiting: run 9 (ann)." in told
    assert "run 1 · <@U0ANN> · `terraform state list` · finished, exit code 0" in told
    assert "`echo 'id'`" in told
    assert buttons_of(message) == ["unlock"]


def test_the_card_of_a_free_stack_offers_the_lock() -> None:
    message = messages.card(STACK, Occupancy(), None, (), (), NOON)

    assert "net-prod is free and nothing waits." in shown(message)
    assert buttons_of(message) == ["lock"]
