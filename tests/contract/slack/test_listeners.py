"""What people type, say, press and fill in, as it reaches the use cases."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot.control.submit import Accepted, Repeated
from bot.domain.errors import (
    Refusal,
    Refused,
    StoreUnavailable,
    WordUnheard,
)
from bot.domain.people import ChannelId
from bot.domain.task import HelpRequest
from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    ForceUnlock,
    Lock,
    Reject,
    RunAgain,
    Steal,
    Stop,
    Unlock,
    Word,
)
from bot.sandbox.faults import Refuse
from bot.slack.blocks import actions, button
from bot.slack.hearing import ACK_SECONDS
from bot.slack.presses import DIRECT, WORDS
from bot.slack.whispers import RESTARTING
from tests.contract.slack.conftest import Town
from tests.contract.slack.listening import Ears, Scene, listening
from tests.support.bot import text_of
from tests.support.builders import a_run

HELD = Refused("ann <has> it", reason=Refusal.HELD, stack="net-prod")
SUBJECT = "5" * 64
NOT_ALLOWED = Refused("You are no writer.", reason=Refusal.NOT_ALLOWED)


@pytest.fixture
async def scene(town: Town) -> AsyncIterator[Scene]:
    async with listening(town, Ears()) as scene:
        yield scene


async def test_each_command_reaches_its_own_use_case(scene: Scene) -> None:
    await scene.slash("/task net-prod ls")
    await scene.slash("/deploy net-prod")
    await scene.until(scene.ears.deploys)

    (task,), (deploy,) = scene.ears.tasks, scene.ears.deploys
    assert (task.text, deploy.text) == ("net-prod ls", "net-prod")
    assert deploy.user == scene.town.ann
    assert deploy.channel == scene.town.infra
    assert task.key != deploy.key


@pytest.mark.parametrize("line", ["/task help", "/deploy"])
async def test_help_is_shown_to_whoever_asks(scene: Scene, line: str) -> None:
    scene.ears.answer = HelpRequest()

    await scene.slash(line)

    await scene.whispers(scene.town.ann, "unlock all mine")


async def test_a_run_that_is_told_elsewhere_says_where(scene: Scene) -> None:
    scene.ears.answer = Accepted(run=a_run(), channel=ChannelId("C0OTHER"))

    await scene.slash("/deploy net-prod")

    await scene.whispers(scene.town.ann, "Run 1 is recorded in <#C0OTHER>")


async def test_a_refused_command_offers_to_say_when_the_stack_is_free(
    scene: Scene,
) -> None:
    scene.ears.answer = HELD
    await scene.slash("/task net-prod ls")
    refusal = await scene.whispers(scene.town.ann, "ann &lt;has&gt; it")
    scene.ears.answer, scene.ears.sentence = Repeated(), "You will be told."

    await scene.press("notify", refusal["ts"])

    await scene.whispers(scene.town.ann, "You will be told.")
    (pressed,) = scene.ears.pressed
    assert (pressed.action, pressed.value) == ("notify", "net-prod")
    assert (pressed.user, pressed.team) == (scene.town.ann, scene.town.team)


async def test_any_other_refusal_is_only_a_sentence(scene: Scene) -> None:
    scene.ears.answer = NOT_ALLOWED

    await scene.slash("/deploy net-prod")

    refusal = await scene.whispers(scene.town.ann, "You are no writer.")
    assert not refusal.get("blocks")


async def test_a_reply_reaches_the_thread_that_it_was_said_in(scene: Scene) -> None:
    root = await scene.posted("stop")
    for text in ("talk", "force\u2014unlock", "lock a, b 2h: moving &amp; more"):
        await scene.town.sandbox.say(
            text, by=scene.town.ann, channel=scene.town.infra, thread_ts=root
        )
    await scene.until(scene.ears.uttered, 2)

    words = {type(uttered.word) for uttered in scene.ears.uttered}
    assert words == {ForceUnlock, Lock}
    assert {uttered.thread_ts for uttered in scene.ears.uttered} == {root}


async def test_a_refused_reply_offers_it_too(scene: Scene) -> None:
    scene.ears.answer = HELD
    root = await scene.posted("stop")

    await scene.town.sandbox.say(
        "confirm", by=scene.town.ann, channel=scene.town.infra, thread_ts=root
    )

    refusal = await scene.whispers(scene.town.ann, "ann &lt;has&gt; it")
    assert refusal["thread_ts"] == root
    assert "Notify me" in text_of(refusal)


async def test_every_button_says_its_word_in_its_thread(scene: Scene) -> None:
    root = await scene.posted(*WORDS)

    for action_id in WORDS:
        await scene.press(action_id, root)
    await scene.until(scene.ears.uttered, len(WORDS))

    heard: set[Word] = {uttered.word for uttered in scene.ears.uttered}
    assert heard == {Stop(), Lock(), Unlock(), Confirm(), Discard(), RunAgain()}
    assert {uttered.thread_ts for uttered in scene.ears.uttered} == {root}
    assert len({uttered.key for uttered in scene.ears.uttered}) == len(WORDS)


async def test_a_button_of_a_reply_is_pressed_in_the_replys_thread(
    scene: Scene,
) -> None:
    scene.ears.answer = HELD
    root = await scene.posted("stop")
    inside = await scene.posted("confirm", thread_ts=root)

    await scene.press("confirm", inside)

    refusal = await scene.whispers(scene.town.ann, "ann &lt;has&gt; it")
    assert [uttered.thread_ts for uttered in scene.ears.uttered] == [root]
    assert refusal["thread_ts"] == root


async def test_a_refused_press_in_the_channel_is_answered_in_the_channel(
    scene: Scene,
) -> None:
    scene.ears.answer = NOT_ALLOWED
    root = await scene.posted("confirm")

    await scene.press("confirm", root)

    refusal = await scene.whispers(scene.town.ann, "You are no writer.")
    assert not refusal.get("thread_ts")


async def test_a_store_that_is_away_is_said_to_whoever_pressed(scene: Scene) -> None:
    scene.ears.answer = StoreUnavailable("disk full")
    root = await scene.posted("lock", "extend")

    await scene.press("lock", root)
    await scene.press("extend", root)

    def told() -> int:
        shown = map(text_of, scene.town.sandbox.ephemerals(scene.town.ann))
        return sum("cannot reach its database" in text for text in shown)

    await scene.town.sandbox.wait_for(lambda: told() == 2)


async def test_steal_asks_why_and_says_it_in_the_thread(scene: Scene) -> None:
    root = await scene.posted("steal")
    await scene.press("steal", root)
    form = await scene.form()

    answer = await scene.submit(form, "she is <ill> & away ")

    assert answer.ok
    await scene.until(scene.ears.uttered)
    (uttered,) = scene.ears.uttered
    assert uttered.word == Steal(reason="she is <ill> & away")
    assert (uttered.channel, uttered.thread_ts) == (scene.town.infra, root)
    assert (uttered.user, uttered.team) == (scene.town.ann, scene.town.team)
    assert scene.town.sandbox.views(scene.town.ann) == []


async def test_approve_says_at_once_what_exactly_is_agreed_to(scene: Scene) -> None:
    root = await scene.posted("stop")
    inside = await scene.posted("approve", thread_ts=root, value=SUBJECT)

    await scene.press("approve", inside)
    await scene.until(scene.ears.uttered)

    (uttered,) = scene.ears.uttered
    assert uttered.word == Approve(subject=SUBJECT)
    assert (uttered.channel, uttered.thread_ts) == (scene.town.infra, root)
    assert (uttered.user, uttered.team) == (scene.town.ann, scene.town.team)
    assert scene.town.sandbox.views(scene.town.ann) == []


async def test_reject_asks_why_and_says_it_of_what_was_seen(scene: Scene) -> None:
    root = await scene.posted("stop")
    inside = await scene.posted("reject", thread_ts=root, value=SUBJECT)
    await scene.press("reject", inside)
    form = await scene.form()

    answer = await scene.submit(form, " not <today> & not so ")

    assert answer.ok
    await scene.until(scene.ears.uttered)
    (uttered,) = scene.ears.uttered
    assert uttered.word == Reject(note="not <today> & not so", subject=SUBJECT)
    assert (uttered.channel, uttered.thread_ts) == (scene.town.infra, root)
    assert uttered.user == scene.town.ann


async def test_a_reply_says_whether_somebody_agrees_and_why(scene: Scene) -> None:
    root = await scene.posted("approve", value=SUBJECT)

    for text in ("approve it", "Approve", "approve: seen", "reject: too late"):
        await scene.town.sandbox.say(
            text, by=scene.town.ann, channel=scene.town.infra, thread_ts=root
        )
    await scene.until(scene.ears.uttered, 3)

    heard: set[Word] = {uttered.word for uttered in scene.ears.uttered}
    assert heard == {Approve(), Approve(note="seen"), Reject(note="too late")}


@pytest.mark.parametrize("by_form", [False, True], ids=["approve", "reject"])
async def test_whoever_may_not_review_is_told_so_alone(
    scene: Scene, *, by_form: bool
) -> None:
    scene.ears.answer = NOT_ALLOWED
    root = await scene.posted("approve", "reject", value=SUBJECT)

    await scene.press("reject" if by_form else "approve", root)
    if by_form:
        await scene.submit(await scene.form(), "x")

    await scene.whispers(scene.town.ann, "You are no writer.")
    assert scene.town.sandbox.ephemerals(scene.town.bob) == []
    assert len(scene.town.sandbox.thread(scene.town.infra, root)) == 1


async def test_a_form_that_is_delivered_twice_has_one_key(scene: Scene) -> None:
    await scene.press("steal", await scene.posted("steal"))
    await scene.submit(await scene.form(), "x")

    await scene.town.sandbox.redeliver_last()
    await scene.until(scene.ears.uttered, 2)

    assert len({uttered.key for uttered in scene.ears.uttered}) == 1


@pytest.mark.parametrize(
    ("action_id", "told"), [("steal", "the holder"), ("reject", "the thread")]
)
async def test_a_blank_for_a_reason_is_sent_back(
    scene: Scene, action_id: str, told: str
) -> None:
    await scene.press(action_id, await scene.posted(action_id))
    form = await scene.form()

    answer = await scene.submit(form, "   ")

    assert answer.errors == {"reason": f"Say why, because {told} is told."}
    assert scene.ears.uttered == []
    assert scene.town.sandbox.views(scene.town.ann) != []


async def test_a_refused_steal_is_answered_in_the_channel(scene: Scene) -> None:
    scene.ears.answer = NOT_ALLOWED
    await scene.press("steal", await scene.posted("steal"))

    await scene.submit(await scene.form(), "x")

    await scene.whispers(scene.town.ann, "You are no writer.")


@pytest.mark.parametrize("action_id", ["steal", "reject"])
async def test_where_the_form_cannot_be_opened_the_reply_is_named(
    scene: Scene, action_id: str
) -> None:
    scene.town.sandbox.faults.add("views.open", Refuse("expired_trigger_id"))

    await scene.press(action_id, await scene.posted(action_id))

    reply = f"Reply {action_id}: &lt;reason&gt; in the thread"
    await scene.whispers(scene.town.ann, reply)


@pytest.mark.parametrize("action_id", DIRECT)
async def test_a_button_of_a_direct_message_says_what_it_is_about(
    scene: Scene, action_id: str
) -> None:
    value = "net-prod|2026-11-20T12:00:00+00:00"
    posted = await scene.town.client.chat_postMessage(
        channel=scene.town.ann,
        text="Your hold ends soon",
        blocks=actions(button(action_id, "Press", value=value)),
    )

    await scene.press(action_id, posted["ts"], channel=posted["channel"])

    shown = await scene.whispers(scene.town.ann, "You hold it until noon.")
    assert shown["channel"] == posted["channel"]
    (pressed,) = scene.ears.pressed
    assert (pressed.action, pressed.value) == (action_id, value)


async def test_a_refused_button_of_a_direct_message_is_answered_there(
    scene: Scene,
) -> None:
    scene.ears.answer = Refused("That hold is over.", reason=Refusal.TOO_LATE)
    root = await scene.posted("extend")

    await scene.press("extend", root)

    await scene.whispers(scene.town.ann, "That hold is over.")


async def test_what_was_delivered_before_is_not_answered_again(scene: Scene) -> None:
    scene.ears.sentence = None
    root = await scene.posted("extend")

    await scene.press("extend", root)
    await scene.until(scene.ears.pressed)

    assert scene.town.sandbox.ephemerals(scene.town.ann) == []


async def test_an_answer_that_cannot_be_shown_stops_nothing(scene: Scene) -> None:
    scene.ears.answer = NOT_ALLOWED
    root = await scene.posted("stop")
    scene.town.sandbox.faults.add("chat.postEphemeral", Refuse("user_not_in_channel"))

    for text in ("stop", "confirm"):
        await scene.town.sandbox.say(
            text, by=scene.town.ann, channel=scene.town.infra, thread_ts=root
        )

    await scene.until(scene.ears.uttered, 2)
    await scene.whispers(scene.town.ann, "You are no writer.")


async def test_a_reply_has_one_key_however_it_comes(scene: Scene) -> None:
    root = await scene.posted("stop")

    ts = await scene.town.sandbox.say(
        "stop", by=scene.town.ann, channel=scene.town.infra, thread_ts=root
    )
    await scene.until(scene.ears.uttered)
    await scene.town.sandbox.redeliver_last()
    await scene.until(scene.ears.uttered, 2)

    keys = {uttered.key for uttered in scene.ears.uttered}
    assert keys == {f"message:{scene.town.infra}:{ts}"}
    assert {uttered.said_ts for uttered in scene.ears.uttered} == {ts}


async def test_what_was_missed_is_heard_before_a_reply(scene: Scene) -> None:
    root = await scene.posted("lock")

    await scene.town.sandbox.say(
        "lock", by=scene.town.ann, channel=scene.town.infra, thread_ts=root
    )
    await scene.until(scene.ears.uttered)

    assert scene.ears.passing == [(*scene.ears.uttered, "before 0 others")]


async def test_a_press_says_when_it_was_made(scene: Scene) -> None:
    root = await scene.posted("lock", "extend")

    await scene.press("lock", root)
    await scene.press("extend", root)
    await scene.until(scene.ears.pressed)

    (uttered,), (pressed,) = scene.ears.uttered, scene.ears.pressed
    assert uttered.ts == ""
    assert root < uttered.said_ts < pressed.ts


async def test_a_reply_that_cannot_be_noted_is_heard_later(scene: Scene) -> None:
    scene.ears.answer = WordUnheard(StoreUnavailable("away"))
    root, before = await scene.posted("stop"), scene.ears.looks

    await scene.town.sandbox.say(
        "stop", by=scene.town.ann, channel=scene.town.infra, thread_ts=root
    )

    await scene.whispers(scene.town.ann, "Your reply is heard as soon as that is over")
    assert scene.ears.looks == before + 1


async def test_behind_closed_doors_a_command_is_to_be_sent_again(scene: Scene) -> None:
    scene.ears.doors.open = False

    await scene.slash("/task net-prod ls")

    await scene.whispers(scene.town.ann, "Handrail is restarting; send it again")
    assert scene.ears.tasks == []


@pytest.mark.parametrize("action_id", ["lock", "extend", "steal", "approve", "reject"])
async def test_behind_closed_doors_a_button_is_to_be_pressed_again(
    scene: Scene, action_id: str
) -> None:
    scene.ears.doors.open = False

    await scene.press(action_id, await scene.posted(action_id))

    await scene.whispers(scene.town.ann, "Handrail is restarting; send it again")
    assert (scene.ears.uttered, scene.ears.pressed) == ([], [])


@pytest.mark.parametrize("action_id", ["steal", "reject"])
async def test_behind_closed_doors_a_reason_is_kept_in_its_form(
    scene: Scene, action_id: str
) -> None:
    await scene.press(action_id, await scene.posted(action_id))
    form = await scene.form()
    scene.ears.doors.open = False

    answer = await scene.submit(form, "x")

    assert answer.errors == {"reason": RESTARTING.text}
    assert scene.ears.uttered == []
    assert await scene.form() == form


async def test_behind_closed_doors_a_reply_is_left_to_others(scene: Scene) -> None:
    root = await scene.posted("stop")
    scene.ears.doors.open = False
    sandbox = scene.town.sandbox

    ts = await sandbox.say(
        "stop", by=scene.town.ann, channel=scene.town.infra, thread_ts=root
    )

    def refused() -> list[bool]:
        events = [d for d in sandbox.deliveries if "event" in d.parcel.payload]
        said = [d for d in events if d.parcel.payload["event"]["ts"] == ts]
        return [d.acknowledgement.ok for d in said]

    await sandbox.wait_for(lambda: len(refused()) >= 2)
    assert not any(refused())
    assert scene.ears.uttered == []
    assert sandbox.ephemerals(scene.town.ann) == []


async def test_what_was_noted_is_acknowledged_and_done_then(scene: Scene) -> None:
    scene.ears.is_noted, scene.ears.busy = True, asyncio.Event()
    scene.ears.answer = HelpRequest()
    started = time.monotonic()

    await scene.slash("/task net-prod ls")
    waited = time.monotonic() - started
    before = list(scene.ears.tasks)
    scene.ears.busy.set()
    await scene.whispers(scene.town.ann, "unlock all mine")

    assert waited < ACK_SECONDS
    assert before == []


async def test_the_doors_close_behind_what_was_acknowledged(scene: Scene) -> None:
    scene.ears.is_noted, scene.ears.busy = True, asyncio.Event()
    await scene.slash("/task net-prod ls")

    closing = asyncio.create_task(scene.ears.doors.close())
    await scene.slash("/task net-prod pwd")
    await scene.whispers(scene.town.ann, "Handrail is restarting; send it again")
    was_waiting = not closing.done()
    scene.ears.busy.set()
    await closing

    assert was_waiting
    assert [slash.text for slash in scene.ears.tasks] == ["net-prod ls"]
