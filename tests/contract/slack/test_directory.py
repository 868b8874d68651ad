"""Who people are and what they belong to, asked over HTTP."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import RoleSourceUnavailable
from bot.domain.people import ChannelId, Standing, TeamId, UserId
from bot.sandbox.faults import BadGateway, Drop, Fault, RateLimited, Refuse
from bot.slack.directory import SlackDirectory
from tests.contract.slack.conftest import Town


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(town: Town, clock: Clock) -> SlackDirectory:
    return SlackDirectory(town.client, clock)


@pytest.mark.parametrize(
    ("traits", "standing"),
    [
        ({}, Standing.MEMBER),
        ({"is_admin": True}, Standing.MEMBER),
        ({"is_restricted": True}, Standing.GUEST),
        ({"is_ultra_restricted": True}, Standing.GUEST),
        ({"is_bot": True}, Standing.BOT),
        ({"deleted": True}, Standing.DEACTIVATED),
        ({"is_stranger": True}, Standing.STRANGER),
        ({"team": "T0OTHER"}, Standing.STRANGER),
        ({"deleted": True, "is_restricted": True}, Standing.DEACTIVATED),
    ],
)
async def test_everybody_has_a_standing(
    town: Town,
    directory: SlackDirectory,
    traits: dict[str, Any],
    standing: Standing,
) -> None:
    zed = UserId(town.workspace.add_person("zed", **traits))

    person = await directory.person(zed, town.team, fresh=False)

    assert (person.user, person.name, person.standing) == (zed, "zed", standing)


async def test_a_person_that_slack_does_not_know_is_nobody(
    town: Town, directory: SlackDirectory
) -> None:
    with pytest.raises(RoleSourceUnavailable, match="user_not_found"):
        await directory.person(UserId("U0NONE"), town.team, fresh=False)


async def test_a_person_is_remembered_for_a_minute(
    town: Town, directory: SlackDirectory, clock: Clock
) -> None:
    ann = UserId(town.ann)
    await directory.person(ann, town.team, fresh=False)
    town.workspace.change_person(town.ann, deleted=True)

    clock.now += 59
    remembered = await directory.person(ann, town.team, fresh=False)
    clock.now += 2
    asked_again = await directory.person(ann, town.team, fresh=False)

    assert remembered.standing is Standing.MEMBER
    assert asked_again.standing is Standing.DEACTIVATED
    assert town.called("users.info") == 2


async def test_fresh_asks_again_at_once(town: Town, directory: SlackDirectory) -> None:
    ann = UserId(town.ann)
    await directory.person(ann, town.team, fresh=False)
    town.workspace.change_person(town.ann, is_restricted=True)

    person = await directory.person(ann, town.team, fresh=True)

    assert person.standing is Standing.GUEST


async def test_a_listed_user_needs_no_question(
    town: Town, directory: SlackDirectory
) -> None:
    ann = UserId(town.ann)

    assert await directory.belongs(ann, town.ann, fresh=True)
    assert not await directory.belongs(ann, town.bob, fresh=True)
    assert town.sandbox.calls == []


async def test_a_user_group_is_known_by_handle_and_by_id(
    town: Town, directory: SlackDirectory
) -> None:
    town.workspace.add_group("others", members=[town.bob])
    group = town.workspace.add_group("platform", members=[town.ann])

    for members in ("@platform", group):
        assert await directory.belongs(UserId(town.ann), members, fresh=False)
        assert not await directory.belongs(UserId(town.bob), members, fresh=False)


@pytest.mark.parametrize("private", [False, True])
async def test_a_channels_members_are_known_by_name_and_by_id(
    town: Town, directory: SlackDirectory, *, private: bool
) -> None:
    ops = town.workspace.add_channel("ops", members=[town.ann], private=private)

    for members in ("#ops", ops):
        assert await directory.belongs(UserId(town.ann), members, fresh=False)
        assert not await directory.belongs(UserId(town.bob), members, fresh=False)


async def test_a_channel_of_many_pages_is_read_to_its_end(
    town: Town, directory: SlackDirectory
) -> None:
    crowd = [town.workspace.add_person(f"p{number}") for number in range(2_100)]
    town.workspace.add_channel("crowd", members=crowd)

    assert await directory.belongs(UserId(crowd[-1]), "#crowd", fresh=False)
    assert town.called("conversations.members") == 3


async def test_a_channel_far_down_the_list_is_found(
    town: Town, directory: SlackDirectory
) -> None:
    for number in range(1_100):
        town.workspace.add_channel(f"c{number}", bot=False)
    town.workspace.add_channel("last", members=[town.ann])

    assert await directory.belongs(UserId(town.ann), "#last", fresh=False)
    assert town.called("conversations.list") == 2


async def test_members_are_remembered_for_a_minute_unless_asked_fresh(
    town: Town, directory: SlackDirectory, clock: Clock
) -> None:
    bob = UserId(town.bob)
    group = town.workspace.add_group("platform", members=[town.ann])
    assert not await directory.belongs(bob, "@platform", fresh=False)
    town.workspace.set_group_members(group, [town.bob])

    clock.now += 59
    assert not await directory.belongs(bob, "@platform", fresh=False)
    assert await directory.belongs(bob, "@platform", fresh=True)
    town.workspace.set_group_members(group, [])
    clock.now += 61
    assert not await directory.belongs(bob, "@platform", fresh=False)


async def test_a_failure_is_not_remembered(
    town: Town, directory: SlackDirectory
) -> None:
    town.workspace.add_group("platform", members=[town.ann])
    town.sandbox.faults.add("usergroups.list", BadGateway())
    with pytest.raises(RoleSourceUnavailable):
        await directory.belongs(UserId(town.ann), "@platform", fresh=False)

    assert await directory.belongs(UserId(town.ann), "@platform", fresh=False)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ("@nobody", "There is no user group @nobody; correct handrail.yaml"),
        ("S0NONE", "user group S0NONE (no_such_subteam)"),
        ("#nowhere", "There is no channel #nowhere that Handrail can see"),
        ("C0NONE", "(channel_not_found): invite Handrail to the channel"),
    ],
)
async def test_a_source_that_does_not_exist_means_no(
    town: Town, directory: SlackDirectory, members: str, words: str
) -> None:
    with pytest.raises(RoleSourceUnavailable) as caught:
        await directory.belongs(UserId(town.ann), members, fresh=False)

    assert words in str(caught.value)


async def test_a_free_plan_has_no_user_groups_and_says_what_to_do(
    town: Town, directory: SlackDirectory
) -> None:
    town.sandbox.free_plan = True

    with pytest.raises(RoleSourceUnavailable, match="paid Slack plan; list users"):
        await directory.belongs(UserId(town.ann), "@platform", fresh=False)


async def test_a_missing_scope_says_what_to_do(
    town: Town, directory: SlackDirectory
) -> None:
    manifest = town.workspace.manifest
    fewer = manifest.bot_scopes - {"users:read", "channels:read"}
    town.workspace.manifest = replace(manifest, bot_scopes=fewer)

    with pytest.raises(RoleSourceUnavailable, match="reinstall the app"):
        await directory.person(UserId(town.ann), town.team, fresh=False)
    with pytest.raises(RoleSourceUnavailable, match="reinstall the app"):
        await directory.belongs(UserId(town.ann), town.infra, fresh=False)
    assert not await directory.is_present(ChannelId(town.infra))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (RateLimited(retry_after=30), "ratelimited"),
        (BadGateway(), "SlackApiError"),
        (Drop(), "ServerDisconnectedError"),
        (Refuse("internal_error"), "internal_error"),
    ],
    ids=repr,
)
async def test_in_doubt_the_answer_is_no(
    town: Town, directory: SlackDirectory, fault: Fault, code: str
) -> None:
    for method in ("users.info", "conversations.members", "conversations.info"):
        # Twice, because a cut GET is sent again by itself.
        town.sandbox.faults.add(method, fault, times=2)

    with pytest.raises(RoleSourceUnavailable, match=rf"the person \({code}\)"):
        await directory.person(UserId(town.ann), town.team, fresh=False)
    with pytest.raises(RoleSourceUnavailable, match=code):
        await directory.belongs(UserId(town.ann), town.infra, fresh=False)
    with pytest.raises(RoleSourceUnavailable, match=rf"the channel \({code}\)"):
        await directory.is_present(ChannelId(town.infra))


async def test_handrail_knows_where_it_is(
    town: Town, directory: SlackDirectory
) -> None:
    elsewhere = town.workspace.add_channel("elsewhere", bot=False)
    hidden = town.workspace.add_channel("hidden", bot=False, private=True)

    assert await directory.is_present(ChannelId(town.infra))
    assert not await directory.is_present(ChannelId(elsewhere))
    assert not await directory.is_present(ChannelId(hidden))
    assert not await directory.is_present(ChannelId("C0NONE"))


async def test_a_team_is_part_of_who_somebody_is(
    town: Town, directory: SlackDirectory
) -> None:
    ann = UserId(town.ann)

    at_home = await directory.person(ann, town.team, fresh=False)
    elsewhere = await directory.person(ann, TeamId("T0OTHER"), fresh=False)

    assert at_home.standing is Standing.MEMBER
    assert elsewhere.standing is Standing.STRANGER


async def test_the_teams_of_a_person_are_the_handles_of_their_user_groups(
    town: Town, directory: SlackDirectory
) -> None:
    ann = UserId(town.workspace.add_person("ann"))
    bob = UserId(town.workspace.add_person("bob"))
    town.workspace.add_group("platform", members=[ann, bob])
    town.workspace.add_group("directors", members=[ann])

    assert await directory.teams(ann, fresh=False) == ("directors", "platform")
    assert await directory.teams(bob, fresh=False) == ("platform",)


async def test_teams_are_remembered_for_a_minute_unless_asked_afresh(
    town: Town, directory: SlackDirectory, clock: Clock
) -> None:
    ann = UserId(town.workspace.add_person("ann"))
    group = town.workspace.add_group("platform", members=[ann])
    await directory.teams(ann, fresh=False)
    town.workspace.set_group_members(group, [])

    assert await directory.teams(ann, fresh=False) == ("platform",)
    assert await directory.teams(ann, fresh=True) == ()
    clock.now += 61
    assert await directory.teams(ann, fresh=False) == ()


async def test_a_workspace_without_user_groups_has_no_teams(
    town: Town, directory: SlackDirectory
) -> None:
    ann = UserId(town.workspace.add_person("ann"))
    town.sandbox.free_plan = True

    assert await directory.teams(ann, fresh=False) == ()


@pytest.mark.parametrize("fault", [BadGateway(), Drop(), Refuse("missing_scope")])
async def test_teams_that_cannot_be_asked_for_are_nobody_s(
    town: Town, directory: SlackDirectory, fault: Fault
) -> None:
    ann = UserId(town.workspace.add_person("ann"))
    town.sandbox.faults.add("usergroups.list", fault, times=9)

    with pytest.raises(RoleSourceUnavailable, match="user groups"):
        await directory.teams(ann, fresh=False)
