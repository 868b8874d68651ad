import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.values import Payload
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town


def section(text: str) -> Payload:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def rich(text: str) -> Payload:
    line = {"type": "text", "text": text}
    part = {"type": "rich_text_preformatted", "elements": [line]}
    return {"type": "rich_text", "elements": [part]}


async def test_a_message_carries_the_app_as_slacks_do(
    client: AsyncWebClient, town: Town
) -> None:
    answer = await client.chat_postMessage(channel=town.infra, text="hello")

    message = answer["message"]
    bot = town.workspace.bot
    assert (message["user"], message["bot_id"]) == (bot.id, bot.bot_id)
    assert message["app_id"] == town.workspace.app_id
    assert message["ts"] == answer["ts"]


async def test_timestamps_are_unique_and_grow(
    client: AsyncWebClient, town: Town
) -> None:
    answers = [
        await client.chat_postMessage(channel=town.infra, text=str(n)) for n in range(5)
    ]

    stamps = [answer["ts"] for answer in answers]
    assert stamps == sorted(set(stamps))


async def test_replies_count_on_their_parent(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    parent = (await client.chat_postMessage(channel=town.infra, text="run"))["ts"]
    for text in ("one", "two"):
        last = await client.chat_postMessage(
            channel=town.infra, text=text, thread_ts=parent
        )

    shown = sandbox.messages(town.infra)
    assert [message["text"] for message in shown] == ["run"]
    assert (shown[0]["reply_count"], shown[0]["latest_reply"]) == (2, last["ts"])
    texts = [message["text"] for message in sandbox.thread(town.infra, parent)]
    assert texts == ["run", "one", "two"]


async def test_a_broadcast_reply_shows_in_the_channel(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    parent = (await client.chat_postMessage(channel=town.infra, text="run"))["ts"]
    await client.chat_postMessage(
        channel=town.infra, text="failed", thread_ts=parent, reply_broadcast=True
    )

    assert sandbox.messages(town.infra)[-1]["subtype"] == "thread_broadcast"


async def test_long_text_is_cut_with_a_warning(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    answer = await client.chat_postMessage(channel=town.infra, text="x" * 40_001)

    assert answer["warning"] == "message_truncated"
    assert len(sandbox.messages(town.infra)[0]["text"]) == 40_000


async def test_what_an_app_left_unescaped_is_escaped(
    client: AsyncWebClient, town: Town
) -> None:
    answer = await client.chat_postMessage(
        channel=town.infra, text="a < b & <@U1> <https://x.y|z> &lt; <script>"
    )

    text = "a &lt; b &amp; <@U1> <https://x.y|z> &lt; &lt;script&gt;"
    assert answer["message"]["text"] == text


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"blocks": [section("x" * 3_001)]}, "invalid_blocks"),
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": "{"}, "invalid_blocks_format"),
        ({"blocks": [section("x" * 2_700)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
async def test_a_bad_post_is_refused_by_name(
    client: AsyncWebClient, town: Town, arguments: Payload, error: str
) -> None:
    call = client.api_call(
        "chat.postMessage", json={"channel": town.infra, **arguments}
    )

    assert await error_of(call) == error


async def test_a_refused_block_is_pointed_at(
    client: AsyncWebClient, town: Town
) -> None:
    answer = await refusal(
        client.chat_postMessage(
            channel=town.infra, text="x", blocks=[section("x" * 3_001)]
        )
    )

    problem = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["errors"] == [problem]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {problem}"]


async def test_where_the_bot_is_not_it_cannot_post(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    open_ = town.workspace.add_channel("open", bot=False)
    hidden = town.workspace.add_channel("hidden", private=True, bot=False)
    sandbox.archive(town.infra)

    errors = [
        await error_of(client.chat_postMessage(channel=channel, text="x"))
        for channel in (open_, hidden, town.infra)
    ]

    assert errors == ["not_in_channel", "channel_not_found", "is_archived"]


async def test_an_update_replaces_text_and_marks_it_edited(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    ts = (await client.chat_postMessage(channel=town.infra, text="queued"))["ts"]

    await client.chat_update(channel=town.infra, ts=ts, text="running")

    message = sandbox.messages(town.infra)[0]
    assert message["text"] == "running"
    assert message["edited"]["user"] == town.workspace.bot.id


async def test_an_update_keeps_metadata_unless_it_is_emptied(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    metadata = {"event_type": "run", "event_payload": {"id": "1"}}
    posted = await client.chat_postMessage(
        channel=town.infra, text="x", metadata=metadata
    )
    ts = posted["ts"]

    await client.chat_update(channel=town.infra, ts=ts, text="y")
    kept = sandbox.messages(town.infra)[0].get("metadata")
    await client.chat_update(channel=town.infra, ts=ts, text="y", metadata={})

    assert kept == metadata
    assert "metadata" not in sandbox.messages(town.infra)[0]


async def test_a_bad_update_is_refused_by_name(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    theirs = await sandbox.say("mine", by=town.ann, channel=town.infra)
    mine = (
        await client.chat_postMessage(channel=town.infra, text="x", blocks=[rich("x")])
    )["ts"]

    async def update(ts: str, **changes: object) -> str:
        body = {"channel": town.infra, "ts": ts, "text": "y", **changes}
        return await error_of(client.api_call("chat.update", json=body))

    assert await update("1.000001") == "message_not_found"
    assert await update(theirs) == "cant_update_message"
    assert await update(mine, text="x" * 4_001) == "msg_too_long"
    assert await update(mine, blocks=[section("x")]) == "block_mismatch"
    sandbox.edit_window = "never"
    assert await update(mine) == "edit_window_closed"
    sandbox.edit_window = 60.0
    await client.chat_update(channel=town.infra, ts=mine, text="in time")


async def test_only_own_messages_can_be_deleted(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    theirs = await sandbox.say("mine", by=town.ann, channel=town.infra)
    mine = (await client.chat_postMessage(channel=town.infra, text="x"))["ts"]

    await client.chat_delete(channel=town.infra, ts=mine)

    refused = client.chat_delete(channel=town.infra, ts=theirs)
    assert await error_of(refused) == "cant_delete_message"
    assert [m["ts"] for m in sandbox.messages(town.infra)] == [theirs]


async def test_a_deleted_parent_leaves_a_placeholder_and_its_replies(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    parent = (await client.chat_postMessage(channel=town.infra, text="run"))["ts"]
    await client.chat_postMessage(channel=town.infra, text="out", thread_ts=parent)

    sandbox.delete_message(town.infra, parent)

    left = sandbox.thread(town.infra, parent)
    assert [m["text"] for m in left] == ["This message was deleted.", "out"]
    update = client.chat_update(channel=town.infra, ts=parent, text="x")
    assert await error_of(update) == "message_not_found"


async def test_an_ephemeral_message_is_for_one_member(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    carl = town.workspace.add_person("carl")

    await client.chat_postEphemeral(channel=town.infra, user=town.ann, text="psst")

    assert [m["text"] for m in sandbox.ephemerals(town.ann)] == ["psst"]
    assert sandbox.ephemerals(town.ben) == []
    assert sandbox.messages(town.infra) == []
    outsider = client.chat_postEphemeral(channel=town.infra, user=carl, text="x")
    assert await error_of(outsider) == "user_not_in_channel"


async def test_an_ephemeral_reply_shows_only_in_an_active_thread(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    parent = (await client.chat_postMessage(channel=town.infra, text="run"))["ts"]

    async def whisper() -> None:
        await client.chat_postEphemeral(
            channel=town.infra, user=town.ann, text="psst", thread_ts=parent
        )

    await whisper()
    before = len(sandbox.ephemerals(town.ann))
    await sandbox.say("hi", by=town.ann, channel=town.infra, thread_ts=parent)
    await whisper()

    assert (before, len(sandbox.ephemerals(town.ann))) == (0, 1)


async def test_a_permalink_leads_to_this_server(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    ts = (await client.chat_postMessage(channel=town.infra, text="run"))["ts"]

    answer = await client.chat_getPermalink(channel=town.infra, message_ts=ts)

    digits = ts.replace(".", "")
    assert answer["permalink"] == f"{sandbox.url}/archives/{town.infra}/p{digits}"
