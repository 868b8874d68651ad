"""Direct messages: who can be sent one, and what may be done with it."""

import asyncio
from dataclasses import replace

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.values import MethodError, Payload
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town
from tests.contract.sandbox.test_interactions import BUTTONS


def grant(town: Town, *scopes: str) -> None:
    manifest = town.workspace.manifest
    granted = manifest.bot_scopes | set(scopes)
    town.workspace.manifest = replace(manifest, bot_scopes=granted)


async def test_a_message_to_a_person_goes_to_their_conversation(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    first = await client.chat_postMessage(channel=town.ann, text="one")
    second = await client.chat_postMessage(channel=town.ann, text="two")
    other = await client.chat_postMessage(channel=town.ben, text="other")

    channel = first["channel"]
    assert channel.startswith("D")
    assert second["channel"] == channel != other["channel"]
    assert [m["text"] for m in sandbox.direct_messages(town.ann)] == ["one", "two"]
    assert sandbox.messages(channel) == sandbox.direct_messages(town.ann)


async def test_only_its_own_id_changes_and_continues_a_direct_message(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    posted = await client.chat_postMessage(channel=town.ann, text="one")
    channel, ts = posted["channel"], posted["ts"]

    by_person = client.chat_update(channel=town.ann, ts=ts, text="two")
    assert await error_of(by_person) == "channel_not_found"
    await client.chat_update(channel=channel, ts=ts, text="two")
    await client.chat_postMessage(channel=channel, text="more", thread_ts=ts)
    link = await client.chat_getPermalink(channel=channel, message_ts=ts)

    texts = [m["text"] for m in sandbox.thread(channel, ts)]
    assert texts == ["two", "more"]
    assert link["permalink"].endswith(f"/archives/{channel}/p{ts.replace('.', '')}")


async def test_a_direct_message_is_opened_once(
    client: AsyncWebClient, town: Town
) -> None:
    first = await client.conversations_open(users=town.ann)
    second = await client.conversations_open(users=[town.ann], return_im=True)
    posted = await client.chat_postMessage(channel=town.ann, text="hi")

    assert "already_open" not in first.data
    assert second["already_open"] is True
    assert second["channel"]["user"] == town.ann
    assert first["channel"]["id"] == second["channel"]["id"] == posted["channel"]


async def test_opening_needs_its_scope_and_posting_does_not(
    client: AsyncWebClient, town: Town
) -> None:
    manifest = town.workspace.manifest
    scopes = manifest.bot_scopes - {"im:write"}
    town.workspace.manifest = replace(manifest, bot_scopes=scopes)

    answer = await refusal(client.conversations_open(users=town.ann))
    posted = await client.chat_postMessage(channel=town.ann, text="hi")

    assert (answer["error"], answer["needed"]) == ("missing_scope", "im:write")
    assert posted["ok"]


async def test_reading_it_back_needs_its_scope(
    client: AsyncWebClient, town: Town
) -> None:
    posted = await client.chat_postMessage(channel=town.ann, text="hi")
    channel, ts = posted["channel"], posted["ts"]

    history = await refusal(client.conversations_history(channel=channel))
    replies = await refusal(client.conversations_replies(channel=channel, ts=ts))
    grant(town, "im:history")
    read = await client.conversations_history(channel=channel)

    assert history["needed"] == replies["needed"] == "im:history"
    assert [m["text"] for m in read["messages"]] == ["hi"]


async def test_bots_and_nobody_cannot_be_sent_one(
    client: AsyncWebClient, town: Town
) -> None:
    robot = town.workspace.add_person("robot", is_bot=True)
    bot = town.workspace.bot.id

    async def post(user: str) -> str:
        return await error_of(client.chat_postMessage(channel=user, text="hi"))

    assert await post(robot) == await post(bot) == "cannot_dm_bot"
    assert await post("U0NOBODY") == "channel_not_found"
    opened = client.conversations_open(users=robot)
    assert await error_of(opened) == "cannot_dm_bot"
    nobody = client.conversations_open(users="U0NOBODY")
    assert await error_of(nobody) == "user_not_found"


async def test_a_deactivated_person_is_reached_only_where_one_talked_before(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    await client.chat_postMessage(channel=town.ben, text="before")
    sandbox.deactivate(town.ann)
    sandbox.deactivate(town.ben)

    to_ann = client.chat_postMessage(channel=town.ann, text="hi")
    assert await error_of(to_ann) == "channel_not_found"
    opened = client.conversations_open(users=town.ben)
    assert await error_of(opened) == "user_disabled"
    to_ben = await client.chat_postMessage(channel=town.ben, text="after")
    sandbox.reactivate(town.ann)
    to_ann_again = await client.chat_postMessage(channel=town.ann, text="hi")

    assert to_ben["ok"]
    assert to_ann_again["ok"]


async def test_an_app_without_the_messages_tab_sends_none(
    client: AsyncWebClient, town: Town
) -> None:
    opened = (await client.conversations_open(users=town.ann))["channel"]["id"]
    town.workspace.manifest = replace(town.workspace.manifest, messages_tab=False)

    async def post(channel: str) -> str:
        return await error_of(client.chat_postMessage(channel=channel, text="hi"))

    assert await post(town.ann) == await post(opened) == "messages_tab_disabled"


async def test_people_write_back_only_where_the_app_lets_them(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    channel = (await client.conversations_open(users=town.ann))["channel"]["id"]
    await sandbox.say("hello", by=town.ann, channel=channel)
    manifest = town.workspace.manifest
    town.workspace.manifest = replace(manifest, messages_read_only=True)

    with pytest.raises(MethodError, match="messages_tab_read_only"):
        await sandbox.say("hello", by=town.ann, channel=channel)
    with pytest.raises(MethodError, match="messages_tab_read_only"):
        await sandbox.slash("/task x", by=town.ann, channel=channel)
    with pytest.raises(MethodError, match="channel_not_found"):
        await sandbox.say("hello", by=town.ben, channel=channel)

    assert [m["text"] for m in sandbox.messages(channel)] == ["hello"]


async def test_a_button_of_a_direct_message_answers_there(
    app: AsyncApp,
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    bodies: list[Payload] = []

    @app.action("stop")
    async def stop(ack: AsyncAck, body: Payload, respond: AsyncRespond) -> None:
        await ack()
        bodies.append(body)
        await respond(text="stopped", replace_original=True)

    posted = await client.chat_postMessage(
        channel=town.ann, text="a notice", blocks=BUTTONS
    )
    channel, ts = posted["channel"], posted["ts"]

    await sandbox.click(action_id="stop", by=town.ann, channel=channel, message_ts=ts)
    await sandbox.wait_for(lambda: sandbox.messages(channel)[0]["text"] == "stopped")

    [body] = bodies
    assert body["channel"] == {"id": channel, "name": "directmessage"}
    assert body["message"]["ts"] == body["container"]["message_ts"] == ts
    assert body["container"]["is_ephemeral"] is False


async def test_a_person_and_their_conversation_share_one_pace(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    channel = (await client.conversations_open(users=town.ann))["channel"]["id"]
    sandbox.pacing.on = True

    posts = (
        client.chat_postMessage(channel=target, text="hi")
        for target in (town.ann, channel) * 4
    )
    outcomes = await asyncio.gather(*posts, return_exceptions=True)

    assert any(isinstance(outcome, SlackApiError) for outcome in outcomes)
    assert (await client.chat_postMessage(channel=town.ben, text="hi"))["ok"]
