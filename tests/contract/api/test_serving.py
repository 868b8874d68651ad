"""Where the API is served, and what it answers while others are away."""

import asyncio
import errno
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.sandbox.faults import Refuse
from runner.scripted import ScriptedEngine
from tests.contract.api.asking import NET, Api, a_running_api, an_api


def without_keys(path: Path) -> None:
    """Take the table of keys away, once the bot lets it: it goes on meanwhile."""
    with closing(sqlite3.connect(path, timeout=30)) as database, database:
        database.execute("ALTER TABLE api_keys RENAME TO away")


async def test_where_nobody_chose_an_address_no_port_is_opened(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    async with an_api(tmp_path, engine) as api:
        address = api.bot.settings.http
        # As if the free port were the default: nobody chose it.
        api.bot.settings.model_fields_set.discard("http")
        async with api.bot.start():
            with socket.socket() as caller:
                refused = caller.connect_ex((address.host, address.port))

    assert refused == errno.ECONNREFUSED


async def test_beside_slacks_own_requests_the_api_is_served_at_the_same_address(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    signed = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "0123456789abcdef"}
    async with a_running_api(tmp_path, engine, **signed) as api:
        run = await api.task("date")
        over = await api.ends(run["id"])
        nowhere = await api.get("/nowhere")
        async with api.session.post(
            api.url + "/slack/events",
            data=b"{}",
            headers={"Content-Type": "application/json"},
        ) as response:
            unsigned = response.status

    assert over["state"] == "finished"
    assert nowhere.error == (404, "no_such_path")
    assert unsigned == 401


async def test_while_the_database_cannot_be_asked_nothing_is_done(api: Api) -> None:
    await asyncio.to_thread(without_keys, api.bot.settings.data_dir / "handrail.db")

    refused = await api.post("/tasks", {"stack": NET, "command": "date"})

    assert refused.error == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert "api_keys" not in refused.text


async def test_while_slack_cannot_be_asked_no_task_is_taken(api: Api) -> None:
    api.bot.sandbox.faults.add(
        "conversations.info", Refuse("internal_error"), times=1_000
    )

    refused = await api.post("/tasks", {"stack": NET, "command": "date"})
    api.bot.sandbox.faults.clear()
    granted = await api.post("/tasks", {"stack": NET, "command": "date"})

    assert refused.error == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert "Nothing was done" in refused.json["message"]
    assert (await api.audited())[0].startswith("ci unavailable: task ")
    assert granted.status == 201
