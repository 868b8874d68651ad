"""Which presets somebody may run, and whether one is still what it was."""

from dataclasses import replace
from typing import Any

import pytest

from bot.control.access import Access
from bot.control.presets import fitting, runnable, unchanged
from bot.domain.errors import Refusal, Refused
from bot.domain.people import Actor, ActorKind, Role
from bot.domain.preset import Choice, Parameter, Pattern, Preset
from bot.domain.stack import Stack
from tests.support.builders import a_run, later
from tests.unit.control.stand_ins import TEAM, Keyring, People, a_catalog, a_stack

SERVICE = Parameter(name="service", kind=Choice(of=("api",)))
RESTART = Preset(
    name="restart",
    command="./restart",
    parameters={"service": SERVICE},
    runners=("@oncall",),
)
DRAIN = Preset(name="drain", command="./drain")
STACK = a_stack(presets={"restart": RESTART, "drain": DRAIN}, readers=("U0READER",))
RUN = replace(a_run("./restart"), preset="restart", parameters={"service": "api"})


async def asked(name: str, user: str, stack: Stack = STACK) -> tuple[Preset, Role]:
    people = People(members={"@oncall": {"U0RITA"}})
    access = Access(
        catalog=a_catalog(stack),
        directory=people,
        keys=Keyring({}),
        clock=lambda: later(0),
    )
    actor = Actor(kind=ActorKind.PERSON, id=user, team=TEAM)
    return await runnable(access, stack, name, actor)


async def test_a_preset_comes_with_the_role_of_who_runs_it() -> None:
    assert await asked("restart", "U0RITA") == (RESTART, Role.NONE)
    assert await asked("drain", "U0ANN") == (DRAIN, Role.WRITER)


@pytest.mark.parametrize(
    ("user", "name", "words"),
    [
        ("U0ANN", "Drian", "no preset 'Drian'. Did you mean !drain?"),
        ("U0ANN", "zzz", "no preset 'zzz'. There are: !drain, !restart."),
        ("U0READER", "zzz", "There are: !drain, !restart."),
        ("U0RITA", "zzz", "There are: !restart."),
        ("U0RITA", "drian", "There are: !restart."),
        ("U0RITA", "drain", "There are: !restart."),
        ("U0ZED", "restrat", "You are no reader of net-prod"),
        ("U0ZED", "restart", "You are no reader of net-prod"),
    ],
)
async def test_an_unknown_preset_is_refused_with_the_names_that_one_may_know(
    user: str, name: str, words: str
) -> None:
    with pytest.raises(Refused) as refused:
        await asked(name, user)

    assert words in str(refused.value)


async def test_a_stack_that_has_no_preset_says_so() -> None:
    with pytest.raises(Refused, match="add some below `presets` in") as refused:
        await asked("restart", "U0ANN", a_stack())

    assert refused.value.reason is Refusal.BAD_COMMAND


def test_values_that_a_thread_could_not_show_whole_are_refused() -> None:
    names = [f"p{number}" for number in range(3)]
    text = Pattern(pattern=".*")
    preset = Preset(
        name="say",
        command="x" * 7_000,
        parameters={name: Parameter(name=name, kind=text) for name in names},
    )
    fits = dict.fromkeys(names, "x" * 990)

    assert fitting(preset, fits) == fits
    with pytest.raises(Refused, match="the call has 3,016 characters, and at most 3,0"):
        fitting(preset, dict.fromkeys(names, "x" * 1_000))


def test_a_preset_that_is_as_it_was_may_run() -> None:
    description = replace(RESTART, description="Restarts.", runners=("@others",))

    assert unchanged(RUN, a_stack(presets={"restart": description})) is description


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"command": "./reboot"}, "was changed in handrail.yaml"),
        ({"skip_init": True}, "was changed in handrail.yaml"),
        (
            {"parameters": {"service": replace(SERVICE, kind=Choice(of=("web",)))}},
            "`service` cannot be 'api'",
        ),
        ({"parameters": {}}, "no parameter 'service'"),
    ],
)
def test_a_preset_that_is_another_by_now_does_not_run(
    changes: dict[str, Any], words: str
) -> None:
    stack = a_stack(presets={"restart": replace(RESTART, **changes)})

    with pytest.raises(Refused) as refused:
        unchanged(RUN, stack)

    assert words in str(refused.value)


def test_a_preset_that_was_removed_does_not_run() -> None:
    with pytest.raises(Refused, match="was removed from handrail"):
        unchanged(RUN, a_stack())
