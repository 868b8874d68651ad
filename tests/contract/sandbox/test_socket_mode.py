import asyncio
import json
from functools import partial

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.delivery import Kind
from bot.sandbox.faults import Delay, Duplicate
from bot.sandbox.values import Payload
from tests.contract.sandbox.conftest import Town


def heard(app: AsyncApp) -> list[Payload]:
    """Return a list that grows with every event envelope the app gets."""
    bodies: list[Payload] = []

    @app.event("message")
    async def message(body: Payload) -> None:
        bodies.append(body)

    @app.event("app_home_opened")
    async def home(body: Payload) -> None:
        bodies.append(body)

    return bodies


def commands(
    app: AsyncApp, text: str = "", response_type: str | None = None
) -> list[Payload]:
    """Return a list that grows with every slash command the app gets."""
    taken: list[Payload] = []

    async def take(ack: AsyncAck, command: Payload) -> None:
        await ack(text, response_type=response_type)
        taken.append(command)

    app.command("/task")(take)
    app.command("/escaped")(take)
    return taken


def has_opened(sandbox: Sandbox, sockets: int) -> bool:
    """Tell whether the app has opened so many sockets and has one now."""
    asked = [c for c in sandbox.calls if c.method == "apps.connections.open"]
    return len(asked) >= sockets and sandbox.connected() == 1


async def test_a_slash_command_reaches_the_app_with_slacks_fields(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    taken = commands(app)

    answer = await sandbox.slash("/task net plan", by=town.ann, channel=town.infra)

    assert answer.ok
    [command] = taken
    assert (command["command"], command["text"]) == ("/task", "net plan")
    assert (command["user_id"], command["team_id"]) == (town.ann, "T0SANDBOX")
    assert (command["channel_id"], command["channel_name"]) == (town.infra, "infra")
    assert command["trigger_id"]
    assert command["response_url"].startswith(sandbox.url)


async def test_what_is_typed_arrives_escaped(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    taken = commands(app)
    line = "a && b <c> @ann #infra https://x.org"

    await sandbox.slash(f"/task {line}", by=town.ann, channel=town.infra)
    await sandbox.slash(f"/escaped {line}", by=town.ann, channel=town.infra)
    sandbox.smart_punctuation = True
    await sandbox.slash('/task x --no-init "y"', by=town.ann, channel=town.infra)

    plain = "a &amp;&amp; b &lt;c&gt;"
    assert [command["text"] for command in taken] == [
        f"{plain} @ann #infra https://x.org",
        f"{plain} <@{town.ann}> <#{town.infra}|infra> <https://x.org>",
        "x —no-init “y”",
    ]


async def test_slash_commands_are_refused_in_threads_and_when_unknown(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    taken = commands(app)
    ts = await sandbox.say("hi", by=town.ann, channel=town.infra)

    threaded = await sandbox.slash(
        "/task x", by=town.ann, channel=town.infra, thread_ts=ts
    )
    unknown = await sandbox.slash("/nope", by=town.ann, channel=town.infra)

    assert threaded.error == "/task is not supported in threads. Sorry!"
    assert unknown.error == "unknown_command"
    assert taken == []


async def test_an_unacknowledged_slash_command_times_out_and_is_not_repeated(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    answer = await sandbox.slash("/task x", by=town.ann, channel=town.infra)
    late = await sandbox.slash("/task y", by=town.ann, channel=town.infra)

    assert (answer.ok, answer.error) == (False, "operation_timeout")
    assert not late.ok
    assert [d.parcel.attempt for d in sandbox.deliveries] == [0, 0]


async def test_without_a_socket_a_slash_command_fails_at_once(
    sandbox: Sandbox, town: Town
) -> None:
    answer = await sandbox.slash("/task x", by=town.ann, channel=town.infra)

    assert answer.error == "dispatch_failed"


async def test_text_in_the_acknowledgement_is_for_the_caller_alone(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    commands(app, text="noted")

    await sandbox.slash("/task x", by=town.ann, channel=town.infra)

    assert [m["text"] for m in sandbox.ephemerals(town.ann)] == ["noted"]
    assert sandbox.messages(town.infra) == []


async def test_an_in_channel_acknowledgement_shows_the_line_to_all(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    commands(app, text="on it", response_type="in_channel")

    await sandbox.slash("/task x", by=town.ann, channel=town.infra)

    shown = [(m["user"], m["text"]) for m in sandbox.messages(town.infra)]
    assert shown == [(town.ann, "/task x"), (town.workspace.bot.id, "on it")]


async def test_messages_and_replies_are_events(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    bodies = heard(app)

    parent = await sandbox.say("hi & bye", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: len(bodies) == 1)
    await sandbox.say("lock", by=town.ben, channel=town.infra, thread_ts=parent)
    await sandbox.wait_for(lambda: len(sandbox.deliveries) == 2)

    first, reply = (body["event"] for body in bodies)
    assert (first["text"], first["channel_type"]) == ("hi &amp; bye", "channel")
    assert (reply["thread_ts"], reply["parent_user_id"]) == (parent, town.ann)
    assert bodies[0]["event_id"] != bodies[1]["event_id"]
    assert bodies[0]["authorizations"][0]["user_id"] == town.workspace.bot.id


async def test_the_apps_own_messages_are_echoed_to_it(
    client: AsyncWebClient,
    connected: AsyncSocketModeHandler,
    sandbox: Sandbox,
    town: Town,
) -> None:
    await client.chat_postMessage(channel=town.infra, text="mine")
    [delivered] = await sandbox.wait_for(lambda: sandbox.deliveries)

    assert delivered.parcel.payload["event"]["bot_id"] == town.workspace.bot.bot_id


async def test_edits_and_deletions_are_hidden_events(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    ts = await sandbox.say("lock", by=town.ann, channel=town.infra)
    sandbox.acts.edit("unlock", by=town.ann, channel=town.infra, ts=ts)
    sandbox.delete_message(town.infra, ts)
    await sandbox.wait_for(lambda: len(sandbox.deliveries) == 3)

    events = [d.parcel.payload["event"] for d in sandbox.deliveries]
    by_kind = {event.get("subtype"): event for event in events}
    assert by_kind["message_changed"]["message"]["text"] == "unlock"
    assert by_kind["message_deleted"]["previous_message"]["ts"] == ts


async def test_what_the_bot_may_not_hear_is_not_sent(
    connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    elsewhere = town.workspace.add_channel("open", members=[town.ann], bot=False)

    await sandbox.say("psst", by=town.ann, channel=elsewhere)
    await sandbox.say("hello", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: sandbox.deliveries)

    channels = [d.parcel.payload["event"]["channel"] for d in sandbox.deliveries]
    assert channels == [town.infra]


async def test_an_event_the_app_does_not_take_comes_three_times_more(
    connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    # Bolt does not acknowledge an event for which there is no listener.
    await sandbox.say("hi", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: len(sandbox.deliveries) == 4)

    parcels = [d.parcel for d in sandbox.deliveries]
    assert [p.attempt for p in parcels] == [0, 1, 2, 3]
    assert [p.reason for p in parcels] == ["", "timeout", "timeout", "timeout"]
    assert len({p.payload["event_id"] for p in parcels}) == 1


async def test_events_without_a_socket_arrive_as_retries(
    app: AsyncApp, sandbox: Sandbox, town: Town
) -> None:
    heard(app)

    await sandbox.say("hi", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: len(sandbox.deliveries) == 2)
    handler = AsyncSocketModeHandler(app, sandbox.app_token)
    await handler.connect_async()
    await sandbox.wait_for(lambda: sandbox.deliveries[-1].acknowledgement.ok)
    await handler.close_async()

    first, *_, last = sandbox.deliveries
    assert first.acknowledgement.error == "connection_failed"
    assert last.parcel.attempt > 1


async def test_an_event_that_nobody_takes_in_six_minutes_is_dropped(
    app: AsyncApp, sandbox: Sandbox, town: Town
) -> None:
    bodies = heard(app)
    ts = await sandbox.say("lost", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: len(sandbox.deliveries) == 4)

    handler = AsyncSocketModeHandler(app, sandbox.app_token)
    await handler.connect_async()
    await sandbox.say("heard", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: bodies)
    await handler.close_async()

    assert [body["event"]["text"] for body in bodies] == ["heard"]
    assert [m["text"] for m in sandbox.thread(town.infra, ts)] == ["lost"]


async def test_a_socket_that_is_cut_before_it_acknowledges_is_asked_again(
    app: AsyncApp, sandbox: Sandbox, town: Town
) -> None:
    opened = await app.client.apps_connections_open(app_token=sandbox.app_token)
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(opened["url"])
        await socket.receive()
        await sandbox.say("hi", by=town.ann, channel=town.infra)
        first = json.loads((await socket.receive()).data)
        again = json.loads((await socket.receive()).data)
        await socket.close()

    ids = {frame["payload"]["event_id"] for frame in (first, again)}
    assert len(ids) == 1
    assert (first["retry_attempt"], again["retry_attempt"]) == (0, 1)


async def test_the_last_act_is_delivered_again_with_the_same_ids(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    bodies, taken = heard(app), commands(app)
    await sandbox.slash("/task x", by=town.ann, channel=town.infra)
    await sandbox.redeliver_last()
    await sandbox.say("lock", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: bodies)

    outcome = await sandbox.redeliver_last()
    await sandbox.redeliver_last(Kind.SLASH)

    assert outcome.ok
    assert len({command["trigger_id"] for command in taken}) == 1
    assert len(taken) == 3
    again = [d.parcel for d in sandbox.deliveries if d.parcel.kind is Kind.EVENT]
    assert [p.attempt for p in again] == [0, 1]
    assert len({p.payload["event_id"] for p in again}) == 1


async def test_events_can_be_doubled_and_reordered(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    heard(app)
    sandbox.faults.add("message", Delay(0.05))
    sandbox.faults.add("message", Duplicate())

    await sandbox.say("one", by=town.ann, channel=town.infra)
    await sandbox.say("two", by=town.ann, channel=town.infra)
    await sandbox.wait_for(lambda: len(sandbox.deliveries) == 3)

    events = [d.parcel.payload["event"]["text"] for d in sandbox.deliveries]
    assert events == ["two", "two", "one"]


async def test_the_app_reconnects_when_told_to_refresh(
    app: AsyncApp, connected: AsyncSocketModeHandler, sandbox: Sandbox, town: Town
) -> None:
    taken = commands(app)

    for number, reason in enumerate(("refresh_requested", "warning", None), start=2):
        await sandbox.disconnect(reason)
        await sandbox.wait_for(partial(has_opened, sandbox, number))
    answer = await sandbox.slash("/task x", by=town.ann, channel=town.infra)

    assert (answer.ok, len(taken)) == (True, 1)


@pytest.mark.parametrize("sockets", [2])
async def test_each_payload_goes_to_one_of_the_sockets(
    app: AsyncApp, sandbox: Sandbox, town: Town, sockets: int
) -> None:
    taken = commands(app)
    handlers = [AsyncSocketModeHandler(app, sandbox.app_token) for _ in range(sockets)]
    for handler in handlers:
        await handler.connect_async()

    for number in range(6):
        await sandbox.slash(f"/task {number}", by=town.ann, channel=town.infra)
    for handler in handlers:
        await handler.close_async()

    assert [command["text"] for command in taken] == list("012345")
    await sandbox.wait_for(lambda: sandbox.connected() == 0)


async def test_a_socket_says_hello_and_its_ticket_is_used_up(
    client: AsyncWebClient, sandbox: Sandbox
) -> None:
    opened = await client.apps_connections_open(app_token=sandbox.app_token)

    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(opened["url"])
        hello = json.loads((await socket.receive()).data)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])
        await socket.close()

    assert (hello["type"], hello["num_connections"]) == ("hello", 1)


async def test_an_eleventh_socket_is_sent_away(
    client: AsyncWebClient, sandbox: Sandbox
) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            opened = await client.apps_connections_open(app_token=sandbox.app_token)
            sockets.append(await session.ws_connect(opened["url"]))
        farewell = json.loads((await sockets[-1].receive()).data)
        for socket in sockets:
            await socket.close()

    assert (farewell["type"], farewell["reason"]) == (
        "disconnect",
        "too_many_websockets",
    )


async def test_any_socket_may_acknowledge(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(2):
            opened = await client.apps_connections_open(app_token=sandbox.app_token)
            sockets.append(await session.ws_connect(opened["url"]))
            await sockets[-1].receive()
        asked = asyncio.create_task(
            sandbox.slash("/task x", by=town.ann, channel=town.infra)
        )
        envelope = json.loads((await sockets[0].receive()).data)
        await sockets[1].send_json({"envelope_id": envelope["envelope_id"]})
        answer = await asked
        for socket in sockets:
            await socket.close()

    assert envelope["type"] == "slash_commands"
    assert envelope["accepts_response_payload"] is True
    assert answer.ok


async def test_waiting_in_vain_names_the_last_messages(
    sandbox: Sandbox, town: Town
) -> None:
    await sandbox.say("still here", by=town.ann, channel=town.infra)

    with pytest.raises(TimeoutError, match="still here"):
        await sandbox.wait_for(lambda: False, timeout=0.01)
