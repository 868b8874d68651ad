from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.contract.sandbox.answers import error_of, refusal
from tests.contract.sandbox.conftest import Town


async def test_history_is_top_level_newest_first(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    first = await sandbox.say("one", by=town.ann, channel=town.infra)
    await sandbox.say("reply", by=town.ann, channel=town.infra, thread_ts=first)
    await sandbox.say("two", by=town.ann, channel=town.infra)
    await client.chat_postEphemeral(channel=town.infra, user=town.ann, text="psst")

    answer = await client.conversations_history(channel=town.infra)

    assert [m["text"] for m in answer["messages"]] == ["two", "one"]
    assert answer["has_more"] is False


async def test_history_is_paged_by_cursor(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    for number in range(5):
        await sandbox.say(str(number), by=town.ann, channel=town.infra)

    pages = [
        [m["text"] for m in page["messages"]]
        async for page in await client.conversations_history(
            channel=town.infra, limit=2
        )
    ]

    assert pages == [["4", "3"], ["2", "1"], ["0"]]


async def test_history_keeps_to_its_bounds(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    stamps = [
        await sandbox.say(str(number), by=town.ann, channel=town.infra)
        for number in range(4)
    ]
    oldest, latest = stamps[0], stamps[2]

    open_ = await client.conversations_history(
        channel=town.infra, oldest=oldest, latest=latest
    )
    closed = await client.conversations_history(
        channel=town.infra, oldest=oldest, latest=latest, inclusive=True
    )

    assert [m["text"] for m in open_["messages"]] == ["1"]
    assert [m["text"] for m in closed["messages"]] == ["2", "1", "0"]


async def test_bad_bounds_are_refused(client: AsyncWebClient, town: Town) -> None:
    async def history(**arguments: object) -> str:
        params = {"channel": town.infra, **arguments}
        return await error_of(client.api_call("conversations.history", params=params))

    assert await history(limit="1000") == "invalid_limit"
    assert await history(cursor="nonsense") == "invalid_cursor"
    assert await history(oldest="soon") == "invalid_ts_oldest"


async def test_metadata_comes_only_when_asked_for(
    client: AsyncWebClient, town: Town
) -> None:
    metadata = {"event_type": "run", "event_payload": {"id": "1"}}
    await client.chat_postMessage(channel=town.infra, text="x", metadata=metadata)

    plain = await client.conversations_history(channel=town.infra)
    whole = await client.conversations_history(
        channel=town.infra, include_all_metadata=True
    )

    assert "metadata" not in plain["messages"][0]
    assert whole["messages"][0]["metadata"] == metadata


async def test_replies_start_with_the_parent_and_page_on(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    parent = await sandbox.say("run", by=town.ann, channel=town.infra)
    for text in ("a", "b", "c"):
        await sandbox.say(text, by=town.ann, channel=town.infra, thread_ts=parent)

    texts = []
    async for page in await client.conversations_replies(
        channel=town.infra, ts=parent, limit=2
    ):
        texts += [m["text"] for m in page["messages"]]

    assert texts == ["run", "a", "b", "c"]
    missing = client.conversations_replies(channel=town.infra, ts="1.000001")
    assert await error_of(missing) == "thread_not_found"


async def test_replies_keep_to_their_bounds_and_still_begin_with_the_parent(
    client: AsyncWebClient, sandbox: Sandbox, town: Town
) -> None:
    parent = await sandbox.say("run", by=town.ann, channel=town.infra)
    stamps = [
        await sandbox.say(text, by=town.ann, channel=town.infra, thread_ts=parent)
        for text in "abcde"
    ]

    oldest, latest = stamps[0], stamps[4]
    texts = []
    async for page in await client.conversations_replies(
        channel=town.infra, ts=parent, limit=2, oldest=oldest, latest=latest
    ):
        assert len(page["messages"]) <= 2
        texts += [m["text"] for m in page["messages"]]
    closed = await client.conversations_replies(
        channel=town.infra, ts=parent, inclusive=True, oldest=oldest, latest=latest
    )

    assert texts == ["run", "b", "c", "d"]
    assert [m["text"] for m in closed["messages"]] == ["run", *"abcde"]


async def test_conversations_are_listed_as_far_as_the_bot_sees(
    client: AsyncWebClient, town: Town
) -> None:
    town.workspace.add_channel("hidden", private=True, bot=False)

    answer = await client.conversations_list(types="public_channel,private_channel")

    assert [c["name"] for c in answer["channels"]] == ["infra", "secret"]
    scope = await refusal(client.conversations_list(types="im"))
    assert (scope["error"], scope["needed"]) == ("missing_scope", "im:read")


async def test_members_are_paged(client: AsyncWebClient, town: Town) -> None:
    members = []
    async for page in await client.conversations_members(channel=town.infra, limit=1):
        members += page["members"]

    assert members == [town.ann, town.ben, town.workspace.bot.id]


async def test_a_conversation_is_described_or_unknown(
    client: AsyncWebClient, town: Town
) -> None:
    hidden = town.workspace.add_channel("hidden", private=True, bot=False)

    channel = (await client.conversations_info(channel=town.secret))["channel"]

    assert (channel["name"], channel["is_private"]) == ("secret", True)
    missing = client.conversations_info(channel=hidden)
    assert await error_of(missing) == "channel_not_found"


async def test_joining_needs_its_scope(client: AsyncWebClient, town: Town) -> None:
    answer = await refusal(client.conversations_join(channel=town.infra))

    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:join")


async def test_reading_needs_membership(client: AsyncWebClient, town: Town) -> None:
    open_ = town.workspace.add_channel("open", bot=False)

    error = await error_of(client.conversations_history(channel=open_))

    assert error == "not_in_channel"
