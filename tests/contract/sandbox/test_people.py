from dataclasses import replace

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.values import MethodError, Payload
from tests.contract.sandbox.answers import error_of
from tests.contract.sandbox.conftest import Town


async def test_a_user_carries_what_a_bot_must_know(
    client: AsyncWebClient, town: Town
) -> None:
    workspace = town.workspace
    guest = workspace.add_person("guest", is_restricted=True)
    gone = workspace.add_person("gone", deleted=True)
    robot = workspace.add_person("robot", is_bot=True)
    stranger = workspace.add_person("stranger", is_stranger=True)

    async def flag(user: str, name: str) -> object:
        return (await client.users_info(user=user))["user"][name]

    assert await flag(guest, "is_restricted") is True
    assert await flag(gone, "deleted") is True
    assert await flag(robot, "is_bot") is True
    assert await flag(stranger, "is_stranger") is True
    assert await flag(stranger, "team_id") != workspace.team
    assert await error_of(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_a_deactivated_person_does_nothing_until_reactivated(
    app: AsyncApp,
    connected: AsyncSocketModeHandler,
    client: AsyncWebClient,
    sandbox: Sandbox,
    town: Town,
) -> None:
    @app.command("/task")
    async def task(ack: AsyncAck) -> None:
        await ack()

    group = town.workspace.add_group("platform", members=[town.ann, town.ben])
    sandbox.deactivate(town.ann)

    with pytest.raises(MethodError, match="account_inactive"):
        await sandbox.say("hi", by=town.ann, channel=town.infra)
    with pytest.raises(MethodError, match="account_inactive"):
        await sandbox.slash("/task x", by=town.ann, channel=town.infra)
    shown = client.chat_postEphemeral(channel=town.infra, user=town.ann, text="psst")
    assert await error_of(shown) == "user_not_in_channel"
    assert (await client.users_info(user=town.ann))["user"]["deleted"] is True
    members = await client.usergroups_users_list(usergroup=group)
    assert members["users"] == [town.ben]

    sandbox.reactivate(town.ann)
    answer = await sandbox.slash("/task x", by=town.ann, channel=town.infra)
    assert answer.ok
    assert (await client.users_info(user=town.ann))["user"]["deleted"] is False


async def test_an_app_that_asked_hears_of_a_changed_person(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    manifest = town.workspace.manifest
    subscribed = manifest.bot_events | {"user_change"}
    town.workspace.manifest = replace(manifest, bot_events=subscribed)
    heard: list[Payload] = []

    @app.event("user_change")
    async def changed(event: Payload) -> None:
        heard.append(event["user"])

    sandbox.deactivate(town.ann)
    await sandbox.wait_for(lambda: len(heard) > 0)

    assert (heard[0]["id"], heard[0]["deleted"]) == (town.ann, True)


async def test_everybody_is_listed_the_bot_too(
    client: AsyncWebClient, town: Town
) -> None:
    members = (await client.users_list())["members"]

    assert {m["id"] for m in members} == {town.ann, town.ben, town.workspace.bot.id}


async def test_groups_and_their_members_are_listed(
    client: AsyncWebClient, town: Town
) -> None:
    group = town.workspace.add_group("platform", members=[town.ann])

    listed = (await client.usergroups_list())["usergroups"]
    members = (await client.usergroups_users_list(usergroup=group))["users"]

    assert [(g["id"], g["handle"]) for g in listed] == [(group, "platform")]
    assert members == [town.ann]
    unknown = client.usergroups_users_list(usergroup="S0NONE")
    assert await error_of(unknown) == "no_such_subteam"


async def test_a_free_plan_has_no_groups(
    client: AsyncWebClient, sandbox: Sandbox
) -> None:
    sandbox.free_plan = True

    assert await error_of(client.usergroups_list()) == "plan_upgrade_required"


async def test_a_bot_is_described_by_its_bot_id(
    client: AsyncWebClient, town: Town
) -> None:
    bot = town.workspace.bot

    answer = await client.bots_info(bot=bot.bot_id)

    assert answer["bot"]["user_id"] == bot.id


async def test_a_reaction_is_added_once_and_taken_back(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    ts = await sandbox.say("lock", by=town.ann, channel=town.infra)
    target = {"channel": town.infra, "timestamp": ts, "name": "lock"}

    await client.reactions_add(**target)
    again = await error_of(client.reactions_add(**target))
    shown = sandbox.messages(town.infra)[0]["reactions"]
    await client.reactions_remove(**target)

    assert again == "already_reacted"
    assert shown == [{"name": "lock", "users": [town.workspace.bot.id], "count": 1}]
    assert sandbox.messages(town.infra)[0]["reactions"] == []
    assert await error_of(client.reactions_remove(**target)) == "no_reaction"
