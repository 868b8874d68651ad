from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.values import Payload
from tests.contract.sandbox.conftest import Town


@asynccontextmanager
async def listening(app: AsyncApp) -> AsyncIterator[str]:
    """Serve *app* over HTTP and yield the address of its events."""

    async def receive(request: web.Request) -> web.Response:
        response = await app.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(response)

    server = web.Application()
    server.router.add_post("/slack/events", receive)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


async def test_signed_requests_carry_commands_and_events(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    app = AsyncApp(client=client, signing_secret=sandbox.signing_secret)
    taken: list[str] = []

    @app.command("/task")
    async def task(ack: AsyncAck, command: Payload) -> None:
        await ack("noted")
        taken.append(command["text"])

    @app.event("message")
    async def message(event: Payload) -> None:
        taken.append(event["text"])

    async with listening(app) as url:
        await sandbox.deliver_over_http(url)
        answer = await sandbox.slash("/task a & b", by=town.ann, channel=town.infra)
        await sandbox.say("lock", by=town.ann, channel=town.infra)
        await sandbox.wait_for(lambda: len(sandbox.deliveries) == 2)

    assert answer.ok
    assert taken == ["a &amp; b", "lock"]
    assert [m["text"] for m in sandbox.ephemerals(town.ann)] == ["noted"]


async def test_an_app_with_another_secret_is_not_verified(
    client: AsyncWebClient, sandbox: Sandbox
) -> None:
    app = AsyncApp(client=client, signing_secret="another")

    async with listening(app) as url:
        with pytest.raises(ValueError, match="challenge"):
            await sandbox.deliver_over_http(url)


async def test_unhandled_requests_are_retried_only_as_events(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    app = AsyncApp(client=client, signing_secret=sandbox.signing_secret)

    async with listening(app) as url:
        await sandbox.deliver_over_http(url)
        answer = await sandbox.slash("/task x", by=town.ann, channel=town.infra)
        await sandbox.say("lock", by=town.ann, channel=town.infra)
        await sandbox.wait_for(lambda: len(sandbox.deliveries) == 5)

    assert answer.error == "dispatch_failed"
    reasons = [d.parcel.reason for d in sandbox.deliveries[1:]]
    assert reasons == ["", "http_error", "http_error", "http_error"]
