"""The Home, whatever goes wrong behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.control.home import HomePage, StackRow, Told
from bot.control.usable import Usable
from bot.domain.errors import (
    HandrailError,
    Refusal,
    Refused,
    RoleSourceUnavailable,
    StoreUnavailable,
)
from bot.domain.people import Role, TeamId, UserId
from bot.domain.run import Approval
from bot.domain.words import Approve, Reject
from bot.ports import Thread
from bot.slack.whispers import RESTARTING
from tests.contract.slack.conftest import Town
from tests.contract.slack.listening import Ears, Scene, listening
from tests.support.bot import a_stack, text_of
from tests.support.builders import CHANNEL, NOON, a_run

PENDING = replace(a_run(), approval=Approval.PENDING, subject="5ub")
THREAD = Thread(
    id=PENDING.thread,
    channel=CHANNEL,
    ts="1795176000.000100",
    stack=PENDING.stack,
    run=PENDING.id,
)
USABLE = Usable(stack=a_stack("net-prod"), role=Role.WRITER, presets=())
PAGE = HomePage(
    at=NOON,
    mine=(),
    waiting=(Told(run=PENDING, thread=THREAD),),
    more_waiting=0,
    stacks=(StackRow(usable=USABLE),),
)


@dataclass
class Look:
    """What stands behind the Home: it answers and fails as a test says."""

    trouble: HandrailError | None = None
    asked: list[tuple[UserId, TeamId]] = field(default_factory=list)

    async def __call__(self, user: UserId, team: TeamId) -> HomePage:
        self.asked.append((user, team))
        if self.trouble is not None:
            raise self.trouble
        return PAGE


@pytest.fixture
def look() -> Look:
    return Look()


@pytest.fixture
async def scene(town: Town, look: Look) -> AsyncIterator[Scene]:
    async with listening(town, Ears(home=look)) as scene:
        yield scene


def home(scene: Scene) -> dict[str, Any]:
    return scene.town.sandbox.home(scene.town.ann) or {"blocks": []}


async def shows(scene: Scene, words: str) -> None:
    await scene.town.sandbox.wait_for(lambda: words in text_of(home(scene)))


async def opened(scene: Scene) -> None:
    scene.town.sandbox.open_home(by=scene.town.ann)
    await shows(scene, "Waiting for your approval")


async def press(scene: Scene, action_id: str) -> None:
    answer = await scene.town.sandbox.click(
        action_id=action_id, by=scene.town.ann, view_id=home(scene)["id"]
    )
    assert answer.ok, answer.error


async def test_what_is_pressed_and_filled_in_is_said_in_the_runs_thread(
    scene: Scene,
) -> None:
    await opened(scene)

    await press(scene, "home_approve")
    await press(scene, "home_reject")
    await scene.submit(await scene.form(), " no ")
    await scene.until(scene.ears.uttered, 2)

    approved, rejected = scene.ears.uttered
    assert approved.word == Approve(subject="5ub")
    assert rejected.word == Reject(note="no", subject="5ub")
    for said in (approved, rejected):
        assert (said.channel, said.thread_ts) == (CHANNEL, THREAD.ts)
        assert (said.user, said.team) == (scene.town.ann, scene.town.team)


async def test_a_refusal_stands_above_the_home(scene: Scene) -> None:
    await opened(scene)
    scene.ears.answer = Refused("No <writer>.", reason=Refusal.NOT_ALLOWED)

    await press(scene, "home_approve")

    await shows(scene, ":warning: No &lt;writer&gt;.")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            RoleSourceUnavailable("Slack could not be asked."),
            "Slack could not be asked. Nothing was done. Try again in a minute.",
        ),
        (StoreUnavailable("no route to host"), "cannot reach its database"),
    ],
    ids=["slack", "record"],
)
async def test_a_home_that_cannot_be_drawn_says_why(
    scene: Scene, look: Look, trouble: HandrailError, words: str
) -> None:
    look.trouble = trouble

    scene.town.sandbox.open_home(by=scene.town.ann)

    await shows(scene, words)


@pytest.mark.parametrize(
    "action_id", ["home_approve", "home_reject", "home_run", "home_refresh"]
)
async def test_behind_closed_doors_a_button_is_to_be_pressed_again(
    scene: Scene, action_id: str
) -> None:
    await opened(scene)
    scene.ears.doors.open = False

    await press(scene, action_id)

    await shows(scene, RESTARTING.text)
    assert scene.ears.uttered == []
    assert scene.town.called("views.open") == 0


async def test_behind_closed_doors_a_reason_is_kept_in_its_form(scene: Scene) -> None:
    await opened(scene)
    await press(scene, "home_reject")
    form = await scene.form()
    scene.ears.doors.open = False

    answer = await scene.submit(form, "not on a Friday")

    assert answer.errors == {"reason": RESTARTING.text}
    assert scene.ears.uttered == []
    assert await scene.form() == form
