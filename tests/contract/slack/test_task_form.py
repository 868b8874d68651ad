"""The form that `/task` alone opens, whatever goes wrong behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.control.form import Chosen, Filled, Misfilled
from bot.control.submit import Accepted
from bot.control.usable import Usable, Within
from bot.domain.errors import (
    HandrailError,
    Refusal,
    Refused,
    RoleSourceUnavailable,
    StoreUnavailable,
)
from bot.domain.people import Role, TeamId, UserId
from bot.domain.preset import Preset
from bot.sandbox.faults import Drop
from bot.slack.hearing import ACK_SECONDS
from tests.contract.slack.conftest import Town
from tests.contract.slack.listening import Ears, Scene, listening
from tests.support.bot import a_stack, text_of
from tests.support.builders import CHANNEL, a_run

AWAY = StoreUnavailable("no route to host")


def usable(name: str) -> Usable:
    preset = Preset(name=f"of-{name}", command="./x")
    stack = a_stack(name, presets={preset.name: preset})
    return Usable(stack=stack, role=Role.WRITER, presets=(preset,))


@dataclass
class Fields:
    """What stands behind the form: it waits, answers and fails as a test says."""

    names: tuple[str, ...] = ("a", "b")
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    slow: str = ""  #: the stack that is not known before the gate is open
    trouble: HandrailError | None = None
    result: Accepted | HandrailError = field(
        default_factory=lambda: Accepted(run=a_run(), channel=CHANNEL)
    )
    asked: list[str] = field(default_factory=list)
    filled: list[Filled] = field(default_factory=list)

    async def offered(self, _user: UserId, _team: TeamId) -> Within:
        if not self.slow:
            await self.gate.wait()
        if isinstance(self.trouble, RoleSourceUnavailable):
            raise self.trouble
        return Within(stacks=tuple(map(usable, self.names)))

    async def chosen(self, name: str, _user: UserId, _team: TeamId) -> Chosen:
        self.asked.append(name)
        if self.trouble is not None:
            raise self.trouble
        if name == self.slow:
            await self.gate.wait()
        return Chosen(usable=usable(name))

    async def submit(self, filled: Filled) -> Accepted:
        self.filled.append(filled)
        if isinstance(self.result, HandrailError):
            raise self.result
        return self.result


@pytest.fixture
def fields() -> Fields:
    return Fields()


@pytest.fixture
async def scene(town: Town, fields: Fields) -> AsyncIterator[Scene]:
    async with listening(town, Ears(form=fields)) as scene:
        yield scene


def shown(scene: Scene) -> dict[str, Any]:
    views = scene.town.sandbox.views(scene.town.ann)
    return views[-1] if views else {"blocks": []}


def blocks(scene: Scene) -> list[str]:
    return [block["block_id"] for block in shown(scene)["blocks"]]


async def opened(scene: Scene, fields: Fields) -> dict[str, Any]:
    """Open the form, and return it once it can be filled in."""
    fields.gate.set()
    await scene.slash("/task")
    await scene.town.sandbox.wait_for(lambda: "task_stack" in blocks(scene))
    fields.gate.clear()
    return shown(scene)


async def choose(scene: Scene, name: str) -> None:
    answer = await scene.town.sandbox.click(
        action_id="task_stack",
        selected=name,
        by=scene.town.ann,
        view_id=shown(scene)["id"],
    )
    assert answer.ok, answer.error


async def test_the_form_is_open_before_anything_is_asked(
    scene: Scene, fields: Fields
) -> None:
    started = time.monotonic()

    await scene.slash("/task \u00a0 ")

    assert time.monotonic() - started < ACK_SECONDS
    await scene.town.sandbox.wait_for(lambda: shown(scene)["blocks"])
    assert "Looking up your stacks" in text_of(shown(scene))
    assert scene.ears.tasks == []
    fields.gate.set()
    await scene.town.sandbox.wait_for(lambda: "task_command" in blocks(scene))


async def test_whoever_chooses_quickly_is_shown_what_they_chose_last(
    scene: Scene, fields: Fields
) -> None:
    await opened(scene, fields)
    fields.slow = "a"
    await choose(scene, "a")
    await choose(scene, "b")
    await scene.town.sandbox.wait_for(lambda: "task_preset|b" in blocks(scene))
    updates = scene.town.called("views.update")

    fields.gate.set()
    await choose(scene, "b")
    await scene.town.sandbox.wait_for(
        lambda: scene.town.called("views.update") > updates
    )

    assert fields.asked == ["a", "b", "b"]
    assert "task_preset|b" in blocks(scene)
    assert scene.town.called("views.update") == updates + 1


async def test_a_record_that_is_away_costs_nobody_what_they_typed(
    scene: Scene, fields: Fields
) -> None:
    form = await opened(scene, fields)
    fields.gate.set()
    fields.trouble = fields.result = AWAY
    await choose(scene, "a")
    await scene.town.sandbox.wait_for(lambda: ":warning:" in text_of(shown(scene)))
    assert "cannot reach its database" in text_of(shown(scene))

    answer = await scene.town.sandbox.submit(
        form["id"], {"task_command": {"task_command": "true"}}, by=scene.town.ann
    )

    assert answer.errors == {"task_stack": AWAY.sentence}
    (filled,) = fields.filled
    assert (filled.stack, filled.command, filled.key) == ("a", "true", form["id"])
    assert shown(scene)["id"] == form["id"]


async def test_a_refusal_stands_at_its_field(scene: Scene, fields: Fields) -> None:
    form = await opened(scene, fields)
    fields.result = Misfilled(
        "No.", reason=Refusal.POLICY, of={"command": "a <policy> says no"}
    )

    answer = await scene.town.sandbox.submit(
        form["id"],
        {
            "task_stack": {"task_stack": "b"},
            "task_command": {"task_command": "true"},
        },
        by=scene.town.ann,
    )

    assert answer.errors == {"task_command": "a <policy> says no"}


async def test_a_slack_that_cannot_be_asked_who_somebody_is_says_so_in_the_form(
    scene: Scene, fields: Fields
) -> None:
    fields.gate.set()
    fields.trouble = RoleSourceUnavailable("Slack could not be asked.")

    await scene.slash("/task")

    sentence = "Slack could not be asked. Nothing was done. Try again in a minute."
    await scene.town.sandbox.wait_for(lambda: sentence in text_of(shown(scene)))


async def test_what_is_said_of_a_chosen_stack_is_escaped_once(
    scene: Scene, fields: Fields
) -> None:
    await opened(scene, fields)
    fields.gate.set()
    fields.trouble = Refused("No <such> stack.", reason=Refusal.UNKNOWN_STACK)

    await choose(scene, "a")

    words = ":warning: No &lt;such&gt; stack."
    await scene.town.sandbox.wait_for(lambda: words in text_of(shown(scene)))


async def test_nothing_is_offered_where_nobody_can_tell(
    scene: Scene, fields: Fields
) -> None:
    fields.names = tuple(f"net-{number}" for number in range(101))
    form = await opened(scene, fields)
    fields.gate.set()
    fields.trouble = RoleSourceUnavailable("Slack could not be asked.")

    offered = await scene.town.sandbox.suggest(
        "net", by=scene.town.ann, view_id=form["id"], action_id="task_stack"
    )

    assert offered == []


async def test_a_slack_that_does_not_open_the_form_is_answered_with_the_typed_way(
    scene: Scene, fields: Fields
) -> None:
    scene.town.sandbox.faults.add("views.open", Drop(after=False), times=1)

    await scene.slash("/task")

    await scene.whispers(scene.town.ann, "Type /task &lt;stack&gt; &lt;command&gt;")


async def test_behind_closed_doors_a_form_is_kept(scene: Scene, fields: Fields) -> None:
    form = await opened(scene, fields)
    await scene.ears.doors.close()

    answer = await scene.town.sandbox.submit(
        form["id"],
        {
            "task_stack": {"task_stack": "b"},
            "task_command": {"task_command": "true"},
        },
        by=scene.town.ann,
    )
    await scene.slash("/task")

    assert answer.errors is not None
    assert "restarting" in answer.errors["task_stack"]
    assert fields.filled == []
    await scene.whispers(scene.town.ann, "restarting")
    assert scene.town.called("views.open") == 1
