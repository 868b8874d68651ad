import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.values import Payload
from tests.contract.sandbox.conftest import Town


@pytest.fixture
async def browser(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=sandbox.url) as session:
        yield session


async def next_update(stream: aiohttp.ClientResponse) -> tuple[str, Payload]:
    """Return the id and data of the next server-sent event."""
    number = ""
    async with asyncio.timeout(10):
        async for line in stream.content:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "id":
                number = value
            if field == "data":
                return number, json.loads(value)
    raise AssertionError("the stream ended")


async def test_the_page_and_its_parts_are_served(
    browser: aiohttp.ClientSession,
) -> None:
    for path in ("/", "/archives/C0INFRA/p1", "/page/page.js"):
        assert (await browser.get(path)).status == 200
    outside = await browser.get("/page/%2e%2e/server.py")

    assert outside.status == 404


async def test_the_state_is_what_one_person_may_see(
    browser: aiohttp.ClientSession, client: AsyncWebClient, town: Town
) -> None:
    await client.chat_postMessage(channel=town.secret, text="hidden")
    await client.chat_postEphemeral(channel=town.infra, user=town.ann, text="psst")

    async def state(user: str) -> Payload:
        answer: Payload = await (
            await browser.get("/sandbox/state", params={"as": user})
        ).json()
        return answer

    anns, bens = await state(town.ann), await state(town.ben)
    assert anns["me"]["role_hint"] == "writer"
    assert [c["name"] for c in anns["channels"]] == ["infra", "secret"]
    assert anns["messages"][town.secret][0]["text"] == "hidden"
    assert anns["ephemerals"][town.infra][0]["text"] == "psst"
    assert [c["command"] for c in anns["commands"]] == ["/task", "/escaped"]
    assert [c["name"] for c in bens["channels"]] == ["infra"]
    assert town.secret not in bens["messages"]
    assert bens["ephemerals"] == {}


async def test_updates_reach_those_who_may_see_them_and_resume(
    browser: aiohttp.ClientSession,
    client: AsyncWebClient,
    sandbox: Sandbox,
    town: Town,
) -> None:
    stream = await browser.get("/sandbox/updates", params={"as": town.ben})
    await sandbox.say("hidden", by=town.ann, channel=town.secret)
    await client.chat_postEphemeral(channel=town.infra, user=town.ann, text="psst")
    await sandbox.say("one", by=town.ann, channel=town.infra)
    number, first = await next_update(stream)
    stream.close()
    await sandbox.say("two", by=town.ann, channel=town.infra)

    resumed = await browser.get(
        "/sandbox/updates", params={"as": town.ben}, headers={"Last-Event-ID": number}
    )
    _, second = await next_update(resumed)
    resumed.close()
    stale = await browser.get(
        "/sandbox/updates",
        params={"as": town.ben},
        headers={"Last-Event-ID": "before-7"},
    )
    _, refetch = await next_update(stale)
    stale.close()

    assert (first["type"], first["message"]["text"]) == ("message", "one")
    assert second["message"]["text"] == "two"
    assert refetch["type"] == "channel"


async def test_a_direct_message_reaches_the_page_of_one_person(
    browser: aiohttp.ClientSession, client: AsyncWebClient, town: Town
) -> None:
    stream = await browser.get("/sandbox/updates", params={"as": town.ann})
    posted = await client.chat_postMessage(channel=town.ann, text="hi")
    _, opened = await next_update(stream)
    _, told = await next_update(stream)
    stream.close()

    async def channels(user: str) -> list[str]:
        answer = await browser.get("/sandbox/state", params={"as": user})
        return [c["id"] for c in (await answer.json())["channels"] if c["is_im"]]

    assert opened == {"type": "channel", "channel": posted["channel"]}
    assert (told["type"], told["message"]["text"]) == ("message", "hi")
    assert await channels(town.ann) == [posted["channel"]]
    assert await channels(town.ben) == []


async def test_of_anothers_direct_message_one_learns_only_that_it_came(
    browser: aiohttp.ClientSession, client: AsyncWebClient, town: Town
) -> None:
    stream = await browser.get("/sandbox/updates", params={"as": town.ben})
    posted = await client.chat_postMessage(channel=town.ann, text="hi")
    _, told = await next_update(stream)
    stream.close()
    state = await (await browser.get("/sandbox/state", params={"as": town.ben})).json()

    assert told == {"type": "told", "user": town.ann, "ts": posted["ts"]}
    newest = {person["id"]: person["told"] for person in state["people"]}
    assert newest == {town.ann: posted["ts"], town.ben: ""}
    assert posted["channel"] not in state["messages"]


async def test_nobody_looks_with_an_account_that_is_deactivated(
    browser: aiohttp.ClientSession, sandbox: Sandbox, town: Town
) -> None:
    stream = await browser.get("/sandbox/updates", params={"as": town.ben})
    sandbox.deactivate(town.ann)
    _, told = await next_update(stream)
    stream.close()

    state = await browser.get("/sandbox/state", params={"as": town.ann})
    instead = await browser.get("/sandbox/state")

    assert told == {"type": "person", "user": town.ann}
    assert await state.json() == {"ok": False, "error": "account_inactive"}
    assert (await instead.json())["me"]["id"] == town.ben


async def test_the_page_posts_messages_and_commands(
    browser: aiohttp.ClientSession, sandbox: Sandbox, town: Town
) -> None:
    async def post(path: str, **body: object) -> Payload:
        answer: Payload = await (await browser.post(path, json=body)).json()
        return answer

    place = {"as": town.ann, "channel": town.infra}
    said = await post("/sandbox/message", text="hi", **place)
    slash = await post("/sandbox/slash", text="/task x", **place)
    threaded = await post(
        "/sandbox/slash", text="/task x", thread_ts=said["ts"], **place
    )
    elsewhere = await post(
        "/sandbox/message", text="hi", **{**place, "channel": "C0NOWHERE"}
    )

    assert sandbox.messages(town.infra)[0]["ts"] == said["ts"]
    assert slash == {"ok": False, "error": "dispatch_failed"}
    assert "not supported in threads" in threaded["error"]
    assert elsewhere == {"ok": False, "error": "channel_not_found"}


async def test_nonsense_is_refused_and_so_are_forms_of_other_sites(
    browser: aiohttp.ClientSession,
) -> None:
    nonsense = await browser.post("/sandbox/message", json={"text": "x"})
    foreign = await browser.post("/sandbox/message", data='{"text": "x"}')

    assert (nonsense.status, foreign.status) == (400, 415)


async def test_the_home_is_opened_by_a_person_and_looked_at_by_the_page(
    browser: aiohttp.ClientSession,
    client: AsyncWebClient,
    sandbox: Sandbox,
    town: Town,
) -> None:
    async def look() -> Payload | None:
        answer = await browser.get("/sandbox/home", params={"as": town.ann})
        shown: Payload | None = await answer.json()
        return shown

    first = await look()
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    await client.views_publish(user_id=town.ann, view=view)
    second = await look()
    assert sandbox.deliveries == []
    opened = await browser.post("/sandbox/home", json={"as": town.ann})
    await sandbox.wait_for(lambda: sandbox.deliveries)

    assert first is None
    assert second is not None
    assert second["type"] == "home"
    assert await opened.json() == {"ok": True}
    event = sandbox.deliveries[0].parcel.payload["event"]
    assert (event["type"], event["tab"], event["user"]) == (
        "app_home_opened",
        "home",
        town.ann,
    )
    assert event["view"]["id"] == second["id"]
