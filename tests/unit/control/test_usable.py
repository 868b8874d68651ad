"""What somebody may run, and on which stacks."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from bot.control.access import Access
from bot.control.usable import within_reach
from bot.domain.errors import RoleSourceUnavailable
from bot.domain.people import ChannelId, Person, TeamId, UserId
from bot.domain.preset import Preset
from bot.domain.stack import Catalog, Stack
from bot.ports import Directory, Keys
from tests.support.bot import a_stack
from tests.support.builders import an_actor

ANN = an_actor()
RESTART = Preset(name="restart", command="./x", runners=("@oncall",))


@dataclass
class Groups:
    """A directory of groups, some of which cannot be asked for."""

    members: dict[str, tuple[str, ...]]
    away: tuple[str, ...] = ()
    asked: Counter[str] = field(default_factory=Counter)

    async def belongs(self, user: UserId, members: str, *, fresh: bool) -> bool:
        self.asked[members] += 1
        assert not fresh
        if members in self.away:
            raise RoleSourceUnavailable(f"{members} could not be asked.")
        return user in self.members.get(members, ())

    async def person(self, user: UserId, team: TeamId, *, fresh: bool) -> Person:
        raise NotImplementedError

    async def is_present(self, channel: ChannelId) -> bool:
        raise NotImplementedError


async def reach(
    groups: Groups, *stacks: Stack
) -> tuple[dict[str, list[str]], list[str]]:
    """Return by stack what ann may run, `*` for any command, and what is unknown."""
    catalog = Catalog(
        workspace=TeamId("T0HOME"), stacks={stack.name: stack for stack in stacks}
    )
    access = Access(
        catalog=catalog,
        directory=cast("Directory", groups),
        keys=cast("Keys", None),
        clock=lambda: datetime.now(UTC),
    )
    within = await within_reach(access, catalog, ANN)
    runs = {
        str(it.stack.name): [
            *(["*"] if it.takes_commands else []),
            *(preset.name for preset in it.presets),
        ]
        for it in within.stacks
    }
    return runs, list(within.unknown)


async def test_a_writer_may_run_commands_and_presets_a_runner_presets_alone() -> None:
    presets = {"restart": RESTART}
    groups = Groups({"@w": (ANN.id,), "@oncall": (ANN.id,)})

    runs, unknown = await reach(
        groups,
        a_stack("mine", writers=("@w",), presets=presets),
        a_stack("theirs", writers=("@other",), presets=presets),
        a_stack("denied", writers=("@w",), deny_tasks=True),
        a_stack("none", writers=("@other",)),
    )

    assert runs == {"mine": ["*", "restart"], "theirs": ["restart"]}
    assert unknown == []


async def test_a_group_that_cannot_be_asked_hides_only_its_own_stacks() -> None:
    groups = Groups({"@w": (ANN.id,)}, away=("@gone",))
    gone = [a_stack(f"gone-{number}", writers=("@gone",)) for number in range(50)]

    runs, unknown = await reach(groups, a_stack("mine", writers=("@w",)), *gone)

    assert runs == {"mine": ["*"]}
    assert len(unknown) == 50
    assert groups.asked["@gone"] == 1


async def test_one_list_of_members_is_asked_for_once() -> None:
    groups = Groups({"@w": (ANN.id,)})
    stacks = [a_stack(f"net-{number}", writers=("@w",)) for number in range(1_000)]

    runs, _ = await reach(groups, *stacks)

    assert len(runs) == 1_000
    assert groups.asked == {"@w": 1}
