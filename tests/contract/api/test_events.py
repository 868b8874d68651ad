"""What happens to a run, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.api.events import Rhythm
from bot.api.open_streams import OF_A_KEY
from bot.api.routes import api_routes
from bot.api.server import application, serving
from bot.app import secrecy_of, utc_now
from bot.control.requests import Requests
from bot.domain.keys import ApiKey
from bot.domain.replica import SOLO
from bot.domain.run import RunId
from bot.parts import Parts
from bot.policies.missing import NoPolicies
from bot.slack.connection import slack_client
from bot.slack.pacing import Budget
from bot.store.database import Database
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import ADA, Api, a_running_api


@dataclass(frozen=True)
class Event:
    """An event as it was received, or a comment."""

    name: str
    data: Any = None
    id: str | None = None


class Stream:
    """A reader of events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.seen: list[Event] = []

    async def next(self) -> Event | None:
        """Return the next event; None at the end of the stream."""
        lines = []
        while line := (await self.response.content.readline()).decode():
            if line == "\n":
                break
            lines.append(line.removesuffix("\n"))
        if not lines:
            return None
        if lines[0].startswith(":"):
            return self._taken(Event("comment", lines[0]))
        fields = dict(line.split(": ", 1) for line in lines)
        data = json.loads(fields["data"]) if "data" in fields else None
        return self._taken(Event(fields.get("event", ""), data, fields.get("id")))

    async def until(self, name: str) -> Event:
        """Read on to the next event called *name*."""
        while event := await self.next():
            if event.name == name:
                return event
        raise AssertionError(f"no {name} came: {self.seen}")

    async def rest(self) -> list[Event]:
        """Read on to the end."""
        while await self.next():
            pass
        return self.seen

    @property
    def text(self) -> str:
        return "".join(e.data["text"] for e in self.seen if e.name == "output")

    def _taken(self, event: Event) -> Event:
        self.seen.append(event)
        return event


@asynccontextmanager
async def reading(
    api: Api, run: int = 1, *, after: str | None = None, by: str = "ci"
) -> AsyncIterator[Stream]:
    headers = {} if after is None else {"Last-Event-ID": after}
    async with api.open(
        "GET", f"/runs/{run}/events", headers=headers, by=by
    ) as response:
        assert response.status == 200, await response.text()
        yield Stream(response)


class Watched(Requests):
    """What requests do, and how often an output was read."""

    reads = 0

    async def output(
        self, key: ApiKey, run: RunId, start: int = 0
    ) -> AsyncIterator[tuple[int, bytes]]:
        self.reads += 1
        return await super().output(key, run, start)


@dataclass(kw_only=True)
class Hasty(Api):
    """An API whose streams look, and comment, all the time."""

    requests: Watched


@pytest.fixture
async def hasty(api: Api) -> AsyncIterator[Hasty]:
    """The API of the same record once more, whose streams comment all the time."""
    bot = api.bot
    rhythm = Rhythm(look=timedelta(milliseconds=20), comment=timedelta(0))
    async with Database.open(bot.settings.database_url) as database:
        parts = Parts(
            settings=bot.settings,
            catalog=bot.catalog,
            engine=bot.engine,
            environ=bot.environ,
            client=slack_client("xoxb-1", bot.sandbox.api_url),
            database=database,
            replica=SOLO,
            installation=bot.handrail.installation,
            secrecy=secrecy_of(bot.settings, bot.environ),
            budget=Budget(),
            clock=utc_now,
            policies=NoPolicies(),
        )
        requests = Watched(
            catalog=parts.catalog,
            record=parts.record,
            archive=parts.archive,
            enlist=parts.enlist,
            holds=parts.holds,
            outside=parts.outside,
            schedule=parts.schedule,
            secrecy=parts.secrecy,
            clock=utc_now,
        )
        routes = api_routes(
            requests=requests, keys=parts.api_keys, clock=utc_now, rhythm=rhythm
        )
        async with serving(application(routes), "127.0.0.1", 0) as (host, port):
            yield Hasty(
                bot=bot,
                url=f"http://{host}:{port}",
                session=api.session,
                keys=api.keys,
                requests=requests,
            )


async def test_a_run_is_told_from_its_state_to_its_end(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("cat", b"first\n", block=True, then=b"last\n")
    await api.task("cat")
    async with reading(api) as stream:
        first = await stream.until("output")
        engine.release("cat")
        events = await stream.rest()

    assert first.data == {"text": "first\n"}
    assert stream.text == "first\nlast\n"
    states = [event.data["state"] for event in events if event.name == "state"]
    assert states[-1] == "finished"
    assert (events[1].name, events[-1].name) == ("state", "end")
    assert events[-1].data["exit_code"] == 0


async def test_a_run_that_is_over_is_told_at_once(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.prepare("cat", b"said\n")
    await api.ends((await api.task("cat"))["id"])

    async with reading(api) as stream:
        events = await stream.rest()

    assert [event.name for event in events] == ["", "state", "output", "end"]


async def test_whoever_comes_back_misses_nothing_and_is_told_nothing_twice(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("cat", b"first\n", block=True, then=b"second\n")
    await api.task("cat")
    async with reading(api) as stream:
        first = await stream.until("output")
    engine.release("cat")

    async with reading(api, after=first.id) as stream:
        second = await stream.until("output")
        await stream.rest()
    async with reading(api, after=second.id) as later:
        await later.rest()

    assert stream.text == "second\n"
    assert later.text == ""
    assert later.seen[-1].name == "end"


async def test_a_character_that_is_cut_in_two_is_told_whole_also_after_a_return(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.on("cat", b"costs 5 \xe2\x82", block=True, then=b"\xac\n\xe2\x82")
    await api.task("cat")
    async with reading(api) as stream:
        first = await stream.until("output")
        engine.release("cat")
        await stream.rest()
    async with reading(api, after=first.id) as returned:
        await returned.rest()

    assert first.data == {"text": "costs 5 "}
    assert stream.text == "costs 5 €\n\ufffd"
    assert returned.text == "€\n\ufffd"


async def test_a_long_output_comes_whole(api: Api, engine: ScriptedEngine) -> None:
    whole = "".join(f"{number}: größer\r\n" for number in range(60_000))
    engine.prepare("cat", whole.encode())
    await api.task("cat")

    async with reading(api) as stream:
        await stream.rest()

    assert stream.text == whole


@pytest.mark.parametrize("given", ["x", "-1", "9999999999999999999", "1,2"])
async def test_an_id_that_is_none_is_refused(api: Api, given: str) -> None:
    await api.task("date")

    refused = await api.get("/runs/1/events", headers={"Last-Event-ID": given})

    assert refused.error == (422, "invalid")


async def test_an_id_behind_the_end_is_followed_by_the_end(api: Api) -> None:
    await api.task("date")

    async with reading(api, after="8999999999999999999") as stream:
        await stream.rest()

    assert (stream.text, stream.seen[-1].name) == ("", "end")


async def test_a_quiet_stream_is_kept_alive_by_comments(
    hasty: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await hasty.bot.task("net-prod sleep")

    async with reading(hasty) as stream:
        comments = [(await stream.until("comment")).data for _ in range(3)]

    engine.release("sleep")
    assert comments == [": still here"] * 3


async def test_output_is_read_only_while_somebody_may_speak(
    api: Api, hasty: Hasty, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await api.task("sleep")
    await engine.reached("sleep")
    made = await api.post("/tracked-runs", {"stack": "net-prod", "command": "apply"})
    assert made.status == 201, made.text

    async with reading(hasty, 2) as stream:
        for _ in range(5):
            await stream.until("comment")
    waiting, hasty.requests.reads = hasty.requests.reads, 0
    async with reading(hasty, 1) as stream:
        for _ in range(5):
            await stream.until("comment")

    engine.release("sleep")
    assert waiting == 1
    assert hasty.requests.reads >= 5


async def test_a_stream_ends_without_an_end_once_its_key_is_revoked(
    hasty: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await hasty.bot.task("net-prod sleep")

    async with reading(hasty) as stream:
        await stream.until("comment")
        async with hasty.store() as keys:
            await keys.revoke("ci", ADA, datetime.now(UTC))
        events = await stream.rest()

    engine.release("sleep")
    assert "end" not in {event.name for event in events}


async def test_a_key_has_so_many_streams_and_those_who_left_do_not_count(
    hasty: Api, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    await hasty.bot.task("net-prod sleep")
    opened = [hasty.open("GET", "/runs/1/events") for _ in range(OF_A_KEY)]
    streams = [await each for each in opened]

    refused = await hasty.get("/runs/1/events")
    for stream in streams:
        stream.close()
    async with asyncio.timeout(10):
        while (again := await hasty.ask("HEAD", "/runs/1/events")).status == 429:
            pass

    engine.release("sleep")
    assert {stream.status for stream in streams} == {200}
    assert refused.error == (429, "too_often")
    assert again.status == 200


async def test_readers_who_take_nothing_keep_nobody_waiting(
    api: Api, engine: ScriptedEngine
) -> None:
    engine.prepare("cat", (b"x" * 79 + b"\n") * 100_000)
    await api.ends((await api.task("cat"))["id"])
    opened = [api.open("GET", "/runs/1/events") for _ in range(OF_A_KEY)]
    slow = [await each for each in opened]

    async with asyncio.timeout(60):
        over = await api.bot.ends((await api.task("date"))["id"])

    for stream in slow:
        stream.close()
    assert over.exit_code == 0


async def test_an_open_stream_does_not_keep_the_bot_from_ending(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    engine.on("sleep", block=True)
    async with aiohttp.ClientSession() as session:
        async with a_running_api(tmp_path, engine) as api:
            await api.task("sleep")
            lasting = replace(api, session=session)
            response = await lasting.open("GET", "/runs/1/events")
            stream = Stream(response)
            await stream.until("state")
            began = asyncio.get_running_loop().time()
        lasted = asyncio.get_running_loop().time() - began
        response.close()

    assert lasted < 10
