from dataclasses import replace

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.contract.sandbox.answers import error_of
from tests.contract.sandbox.conftest import Town


async def test_an_upload_is_shared_into_its_thread(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    ts = (await client.chat_postMessage(channel=town.infra, text="run"))["ts"]

    await client.files_upload_v2(
        channel=town.infra,
        thread_ts=ts,
        content="a\nb\n",
        filename="output.txt",
        title="Output",
        initial_comment="all of it",
    )
    shared = await sandbox.wait_for(lambda: sandbox.thread(town.infra, ts)[1:])

    assert shared[0]["text"] == "all of it"
    file = shared[0]["files"][0]
    assert (file["title"], file["size"]) == ("Output", 4)


async def test_a_file_downloads_for_those_who_see_its_channel(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    await client.files_upload_v2(channel=town.secret, content="<b>", filename="o.html")
    [message] = await sandbox.wait_for(lambda: sandbox.messages(town.secret))
    address = message["files"][0]["url_private_download"]

    async with aiohttp.ClientSession() as session:
        mine = await session.get(address, params={"as": town.ann})
        theirs = await session.get(
            address, params={"as": town.ben}, allow_redirects=False
        )
        text = await mine.text()

    assert (text, mine.headers["Content-Security-Policy"]) == ("<b>", "sandbox")
    assert "attachment" in mine.headers["Content-Disposition"]
    assert theirs.status == 302


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"filename": "a", "length": 0}, "missing_argument"),
        ({"length": 4}, "missing_argument"),
        (
            {"filename": "a", "length": 1_000_001, "snippet_type": "text"},
            "snippet_too_large",
        ),
    ],
)
async def test_a_bad_announcement_is_refused(
    client: AsyncWebClient, arguments: dict[str, object], error: str
) -> None:
    call = client.api_call("files.getUploadURLExternal", params=arguments)

    assert await error_of(call) == error


async def test_the_bytes_must_be_as_many_as_announced(
    client: AsyncWebClient, town: Town
) -> None:
    announced = await client.files_getUploadURLExternal(filename="a", length=4)

    async with (
        aiohttp.ClientSession() as session,
        session.post(announced["upload_url"], data=b"abc") as answer,
    ):
        status = answer.status

    assert status == 400
    unfinished = client.files_completeUploadExternal(
        files=[{"id": announced["file_id"]}], channel_id=town.infra
    )
    assert await error_of(unfinished) == "file_not_found"


async def test_a_file_is_not_shared_where_the_bot_is_not(
    client: AsyncWebClient, town: Town
) -> None:
    open_ = town.workspace.add_channel("open", bot=False)
    upload = client.files_upload_v2(channel=open_, content="x", filename="a.txt")

    assert await error_of(upload) == "not_in_channel"


async def test_a_deleted_file_leaves_a_placeholder(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    await client.files_upload_v2(channel=town.infra, content="x", filename="a.txt")
    [message] = await sandbox.wait_for(lambda: sandbox.messages(town.infra))
    file = message["files"][0]["id"]

    await client.files_delete(file=file)

    left = sandbox.messages(town.infra)[0]["files"]
    assert left == [{"id": file, "mode": "tombstone"}]


async def test_a_deleted_file_cannot_be_read_by_anybody(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    await client.files_upload_v2(channel=town.infra, content="x", filename="a.txt")
    [message] = await sandbox.wait_for(lambda: sandbox.messages(town.infra))
    file = message["files"][0]

    await client.files_delete(file=file["id"])

    async with aiohttp.ClientSession() as session:
        answer = await session.get(file["url_private"], params={"as": town.ann})
    assert answer.status == 404


async def test_a_file_is_deleted_once(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    await client.files_upload_v2(channel=town.infra, content="x", filename="a.txt")
    [message] = await sandbox.wait_for(lambda: sandbox.messages(town.infra))
    file = message["files"][0]["id"]
    await client.files_delete(file=file)

    assert await error_of(client.files_delete(file=file)) == "file_deleted"
    assert await error_of(client.files_delete(file="F0NOWHERE")) == "file_not_found"


async def test_only_own_files_can_be_deleted(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    await client.files_upload_v2(channel=town.infra, content="x", filename="a.txt")
    [message] = await sandbox.wait_for(lambda: sandbox.messages(town.infra))
    file = message["files"][0]["id"]
    files = town.workspace.files
    files[file] = replace(files[file], owner=town.ann)

    assert await error_of(client.files_delete(file=file)) == "cant_delete_file"


async def test_a_file_that_is_deleted_before_it_is_shared_is_never_shown(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    ticket = await client.files_getUploadURLExternal(filename="a.txt", length=1)
    async with aiohttp.ClientSession() as session:
        await session.post(ticket["upload_url"], data=b"x")
    file = ticket["file_id"]
    await client.files_completeUploadExternal(
        files=[{"id": file}], channel_id=town.infra
    )

    await client.files_delete(file=file)
    await client.files_upload_v2(channel=town.infra, content="y", filename="b.txt")

    messages = await sandbox.wait_for(lambda: sandbox.messages(town.infra))
    assert [m["files"][0]["name"] for m in messages] == ["b.txt"]
