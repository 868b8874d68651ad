"""Who may do what: a table of roles, and no in every doubt."""

import pytest

from bot.control.access import Access
from bot.domain.errors import Refusal, Refused, RoleSourceUnavailable
from bot.domain.people import Person, Role, Standing, TeamId, UserId
from bot.domain.stack import Stack
from tests.unit.control.stand_ins import TEAM, People, a_catalog, a_stack


def an_access(people: People, stack: Stack, *admins: str) -> Access:
    catalog = a_catalog(stack, admins=tuple(map(UserId, admins)))
    return Access(catalog, people)


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

    assert await an_access(people, stack, "U0GOD").role(a_person(user), stack) == role


@pytest.mark.parametrize(
    ("readers", "role"), [(None, Role.READER), ((), Role.NONE), (("U0X",), Role.NONE)]
)
async def test_readers_that_were_left_out_are_everybody(
    readers: tuple[str, ...] | None, role: Role
) -> None:
    stack = a_stack(readers=readers)

    assert await an_access(People(), stack).role(a_person("U0ZED"), stack) == role


async def test_a_global_admin_needs_no_source() -> None:
    stack = a_stack(writers=("@platform",))
    access = an_access(People(away=True), stack, "U0GOD")

    assert await access.role(a_person("U0GOD"), stack, fresh=True) is Role.ADMIN


async def test_a_source_that_is_away_means_no() -> None:
    stack = a_stack()
    access = an_access(People(away=True), stack)

    with pytest.raises(RoleSourceUnavailable):
        await access.role(a_person("U0ANN"), stack)


@pytest.mark.parametrize("fresh", [False, True])
async def test_fresh_reaches_every_question(*, fresh: bool) -> None:
    people, stack = People(), a_stack(admins=("@dba",), readers=("@all",))
    access = an_access(people, stack)

    person = await access.member(UserId("U0ZED"), TEAM, fresh=fresh)
    await access.role(person, stack, fresh=fresh)

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
        await access.require(Role.WRITER, a_person("U0ZED"), stack)
    with pytest.raises(Refused, match=r"the admins in handrail\.yaml"):
        await access.require(Role.ADMIN, a_person("U0ANN"), stack)

    assert "U0ANN, @platform" in str(writer.value)


async def test_a_greater_role_is_enough() -> None:
    stack = a_stack(admins=("U0ADA",))
    access = an_access(People(), stack)

    for needed in (Role.READER, Role.WRITER, Role.ADMIN):
        assert await access.require(needed, a_person("U0ADA"), stack) is Role.ADMIN
