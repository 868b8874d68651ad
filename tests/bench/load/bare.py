"""The same containers without the bot, each log followed by the least of readers."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.bench.chaos.engine import OwnEngine
from tests.bench.load import usage
from tests.bench.load.lag import Lags, now

_FRAME: Final = 8  #: bytes of a frame's head; the last four are its length
_LABEL: Final = "handrail.bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """What was seen: *engine* is how long dockerd kept a processor busy, in s."""

    lags: Lags
    engine: float


async def bare(engine: OwnEngine, image: str, count: int, seconds: int) -> Bare:
    """Run *count* containers at once, and read what they print as it comes."""
    script = Path(__file__).with_name("lines.sh").read_text()
    asked = {
        "Image": image,
        "Entrypoint": ["sh", "-c", script, "sh", str(seconds)],
        "HostConfig": {
            "NetworkMode": "none",
            "LogConfig": {"Type": "local", "Config": {}},
            "AutoRemove": False,
        },
    }
    lags = Lags()
    pids = usage.processes(engine.folder)
    before = usage.seconds(*pids)
    connector = aiohttp.UnixConnector(str(engine.folder / "docker.sock"), limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        "http://engine", connector=connector, timeout=timeout
    ) as session:
        await asyncio.gather(*(_one(session, asked, lags) for _ in range(count)))
    return Bare(lags=lags, engine=usage.seconds(*pids) - before)


async def _one(
    session: aiohttp.ClientSession, asked: dict[str, Any], lags: Lags
) -> None:
    async with session.post("/containers/create", json=asked) as answer:
        made = await answer.json()
        assert answer.ok, made
    place = f"/containers/{made['Id']}"
    async with session.post(f"{place}/start") as answer:
        assert answer.ok, await answer.text()
    follow = {"follow": "1", "stdout": "1"}
    async with session.get(f"{place}/logs", params=follow) as answer:
        await _read(answer.content, made["Id"], lags)
    async with session.delete(place, params={"force": "1", "v": "1"}) as answer:
        assert answer.ok, await answer.text()


async def _read(stream: aiohttp.StreamReader, source: str, lags: Lags) -> None:
    while not stream.at_eof():
        try:
            head = await stream.readexactly(_FRAME)
            data = await stream.readexactly(int.from_bytes(head[4:], "big"))
        except asyncio.IncompleteReadError:
            return
        lags.see(source, data, now())
