"""Who may do what: a table of roles, and no in every doubt."""

from dataclasses import replace
from typing import Any

import pytest

from bot.control.access import Access
from bot.domain.errors import Refusal, Refused, RoleSourceUnavailable
from bot.domain.keys import ApiKey
from bot.domain.people import (
    Person,
    Role,
    Standing,
    TeamId,
    UserId,
    api_actor,
)
from bot.domain.preset import Preset
from bot.domain.stack import Stack
from tests.support.builders import STACK, an_actor, later
from tests.unit.control.stand_ins import (
    TEAM,
    Keyring,
    People,
    a_catalog,
    a_stack,
)

RESTART = Preset(name="restart", command="./restart", runners=("@oncall",))


def an_access(
    people: People, stack: Stack, *admins: str, keys: tuple[ApiKey, ...] = ()
) -> Access:
    return Access(
        catalog=a_catalog(stack, admins=tuple(map(UserId, admins))),
        directory=people,
        keys=Keyring({key.name: key for key in keys}),
        clock=lambda: later(0),
    )


def a_key(name: str = "ci", **changes: Any) -> ApiKey:
    plain: dict[str, Any] = {
        "id": name,
        "digest": "",
        "role": Role.WRITER,
        "stacks": (STACK,),
        "made_by": an_actor(),
        "made_at": later(0),
    }
    return ApiKey(name=name, **{**plain, **changes})


def a_person(user: str) -> Person:
    return Person(
        user=UserId(user), team=TEAM, name=user.lower(), standing=Standing.MEMBER
    )


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ("U0GOD", Role.ADMIN),
        ("U0ADA", Role.ADMIN),
        ("U0ANN", Role.WRITER),
        ("U0BOB", Role.WRITER),
        ("U0CAT", Role.WRITER),
        ("U0BOTH", Role.ADMIN),
        ("U0RITA", Role.READER),
        ("U0ZED", Role.NONE),
    ],
)
async def test_the_highest_role_counts(user: str, role: Role) -> None:
    people = People(
        members={"@platform": {"U0BOB", "U0BOTH"}, "#ops": {"U0CAT"}, "@dba": {"U0ADA"}}
    )
    stack = a_stack(
        admins=("@dba", "U0BOTH"),
        writers=("U0ANN", "@platform", "#ops"),
        readers=("U0RITA",),
    )

    assert (
        await an_access(people, stack, "U0GOD").role(a_person(user).actor, stack)
        == role
    )


@pytest.mark.parametrize(
    ("readers", "role"), [(None, Role.READER), ((), Role.NONE), (("U0X",), Role.NONE)]
)
async def test_readers_that_were_left_out_are_everybody(
    readers: tuple[str, ...] | None, role: Role
) -> None:
    stack = a_stack(readers=readers)

    assert await an_access(People(), stack).role(a_person("U0ZED").actor, stack) == role


async def test_a_global_admin_needs_no_source() -> None:
    stack = a_stack(writers=("@platform",))
    access = an_access(People(away=True), stack, "U0GOD")

    assert await access.role(a_person("U0GOD").actor, stack, fresh=True) is Role.ADMIN


async def test_a_source_that_is_away_means_no() -> None:
    stack = a_stack()
    access = an_access(People(away=True), stack)

    with pytest.raises(RoleSourceUnavailable):
        await access.role(a_person("U0ANN").actor, stack)


@pytest.mark.parametrize("fresh", [False, True])
async def test_fresh_reaches_every_question(*, fresh: bool) -> None:
    people, stack = People(), a_stack(admins=("@dba",), readers=("@all",))
    access = an_access(people, stack)

    person = await access.member(UserId("U0ZED"), TEAM, fresh=fresh)
    await access.role(person.actor, stack, fresh=fresh)

    assert people.asked_fresh == [fresh] * 4


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing.GUEST, "Guests cannot use Handrail"),
        (Standing.BOT, "Bots cannot use Handrail"),
        (Standing.DEACTIVATED, "deactivated"),
        (Standing.STRANGER, "Only members of the workspace"),
    ],
)
async def test_only_a_full_member_may_do_anything(
    standing: Standing, words: str
) -> None:
    access = an_access(People(standing={"U0ANN": standing}), a_stack(), "U0ANN")

    with pytest.raises(Refused, match=words) as caught:
        await access.member(UserId("U0ANN"), TEAM)
    assert caught.value.reason is Refusal.NOT_ALLOWED


async def test_another_team_is_refused_without_a_question() -> None:
    people = People()

    with pytest.raises(Refused, match="Only members of the workspace"):
        await an_access(people, a_stack()).member(UserId("U0ANN"), TeamId("T0ELSE"))
    assert people.asked_fresh == []


async def test_whoever_has_too_little_is_told_whom_to_ask() -> None:
    stack = a_stack(writers=("U0ANN", "@platform"), admins=())
    access = an_access(People(), stack)

    with pytest.raises(Refused, match="You are no writer of net-prod") as writer:
        await access.require(Role.WRITER, a_person("U0ZED").actor, stack)
    with pytest.raises(Refused, match=r"the admins in handrail\.yaml"):
        await access.require(Role.ADMIN, a_person("U0ANN").actor, stack)

    assert "U0ANN, @platform" in str(writer.value)


async def test_a_greater_role_is_enough() -> None:
    stack = a_stack(admins=("U0ADA",))
    access, who = an_access(People(), stack), a_person("U0ADA").actor

    for needed in (Role.READER, Role.WRITER, Role.ADMIN):
        assert await access.require(needed, who, stack) is Role.ADMIN


@pytest.mark.parametrize(
    ("user", "role"),
    [("U0RITA", Role.READER), ("U0ANN", Role.WRITER), ("U0GOD", Role.ADMIN)],
)
async def test_runners_and_writers_may_run_a_preset(user: str, role: Role) -> None:
    people, stack = People(members={"@oncall": {"U0RITA"}}), a_stack()
    access = an_access(people, stack, "U0GOD")

    has = await access.require_runner(RESTART, a_person(user).actor, stack, fresh=True)

    assert has is role
    assert all(people.asked_fresh)


async def test_others_are_told_who_may_run_a_preset() -> None:
    stack = a_stack()
    access, who = an_access(People(), stack), a_person("U0ZED").actor

    with pytest.raises(Refused, match="Those who may are @oncall") as refused:
        await access.require_runner(RESTART, who, stack)
    with pytest.raises(Refused, match="You are no writer of net-prod"):
        await access.require_runner(replace(RESTART, runners=()), who, stack)

    assert refused.value.reason is Refusal.NOT_ALLOWED
    assert not await access.may_run(RESTART, who, stack)


async def test_an_api_key_is_no_runner_though_a_runner_is_called_as_it_is() -> None:
    stack, key = a_stack(), a_key("U0ANN", role=Role.READER)
    access = an_access(People(), stack, keys=(key,))
    preset = replace(RESTART, runners=("U0ANN",))

    with pytest.raises(Refused, match="The API key U0ANN is no writer"):
        await access.require_runner(preset, key.actor, stack)


@pytest.mark.parametrize(
    ("key", "role"),
    [
        (a_key(), Role.WRITER),
        (a_key(role=Role.READER), Role.READER),
        (a_key(stacks=None, role=Role.ADMIN), Role.ADMIN),
        (a_key(stacks=("db-prod",)), Role.NONE),
    ],
)
async def test_an_api_key_has_its_role_on_its_own_stacks(
    key: ApiKey, role: Role
) -> None:
    stack = a_stack()

    assert await an_access(People(), stack, keys=(key,)).role(key.actor, stack) == role


async def test_a_key_named_like_an_admin_is_none() -> None:
    key, stack = a_key("U0GOD"), a_stack()
    access = an_access(People(), stack, "U0GOD", keys=(key,))

    assert await access.role(key.actor, stack) is Role.WRITER
    assert not access.is_above(key.actor)


@pytest.mark.parametrize(
    "key", [a_key(revoked_at=later(0)), a_key(expires_at=later(0)), a_key("another")]
)
async def test_a_key_that_is_gone_may_nothing_any_longer(key: ApiKey) -> None:
    access = an_access(People(), a_stack(), keys=(key,))

    with pytest.raises(Refused, match="The API key ci was revoked or has expired"):
        await access.still(api_actor("ci"))


async def test_a_person_who_was_deactivated_may_nothing_any_longer() -> None:
    people = People(standing={"U0ANN": Standing.DEACTIVATED})

    with pytest.raises(Refused, match="deactivated"):
        await an_access(people, a_stack()).still(a_person("U0ANN").actor)
    assert people.asked_fresh == [True]
