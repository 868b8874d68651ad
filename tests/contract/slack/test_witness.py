"""A channel is read to its last message, whatever Slack answers in between."""

from typing import Any

import pytest

from bot.domain.audit import AuditHead
from bot.domain.witness import GONE, SeenMessage
from bot.sandbox.faults import BadGateway, Drop, Fault, RateLimited, Refuse
from bot.slack.shown import digest, shown
from bot.slack.witness import ChannelUnreadable, SlackShownMessages
from tests.contract.slack.conftest import Town

HASH = "9f" * 32
HEAD = {"kind": "final", "letter": 7, "run": 3, "audit": 12, "hash": HASH}


async def post(town: Town, text: str, root: str | None = None, **more: Any) -> str:
    answer = await town.client.chat_postMessage(
        channel=town.infra, text=text, thread_ts=root, **more
    )
    return str(answer["ts"])


async def thread(town: Town, root: str) -> list[SeenMessage]:
    reader = await SlackShownMessages.introduced(town.client)
    return [*await reader.thread(town.infra, root)]


async def test_every_page_of_a_channel_is_read(town: Town) -> None:
    posted = [await post(town, f"message {n}") for n in range(205)]
    await town.sandbox.say("talk", by=town.ann, channel=town.infra)
    await post(town, "reply", posted[3])

    reader = await SlackShownMessages.introduced(town.client)
    roots = [root async for root in reader.roots(town.infra, "0")]

    mine = [root for root in roots if root.message is not None]
    assert sorted(root.ts for root in mine) == sorted(posted)
    assert len(roots) == len(posted) + 1
    assert [root.ts for root in roots if root.has_replies] == [posted[3]]
    assert town.called("conversations.history") == 2


async def test_nothing_older_than_what_is_asked_for_is_read(town: Town) -> None:
    posted = [await post(town, f"message {n}") for n in range(3)]

    reader = await SlackShownMessages.introduced(town.client)
    roots = [root.ts async for root in reader.roots(town.infra, posted[1])]

    assert sorted(roots) == posted[1:]


async def test_a_message_is_seen_as_it_shows_itself(town: Town) -> None:
    root = await post(town, "a <b> & c")
    reply = await post(
        town, "done", root, metadata={"event_type": "handrail", "event_payload": HEAD}
    )
    await town.sandbox.say("talk", by=town.ann, channel=town.infra, thread_ts=root)

    first, second = await thread(town, root)

    assert (first.ts, first.head, first.run) == (root, None, None)
    assert second.ts == reply
    assert second.digest == digest(shown("done"))
    assert (second.run, second.head) == (3, AuditHead(ordinal=12, hash=HASH))
    assert f"archives/{town.infra}/p{reply.replace('.', '')}?thread_ts=" in second.link


async def test_what_a_message_prints_is_a_head_too(town: Town) -> None:
    block = {"type": "mrkdwn", "text": f"audit 12 · {HASH[:16]}", "verbatim": True}
    root = await post(town, "done", blocks=[{"type": "context", "elements": [block]}])

    (only,) = await thread(town, root)

    assert only.head == AuditHead(ordinal=12, hash=HASH[:16])


async def test_what_a_command_prints_is_no_head(town: Town) -> None:
    root = await post(town, f"audit 12 · {HASH[:16]}")

    (only,) = await thread(town, root)

    assert only.head is None


async def test_a_file_that_was_deleted_has_no_name(town: Town) -> None:
    root = await post(town, "root")
    sent = await town.client.files_upload_v2(
        channel=town.infra, thread_ts=root, content="x", filename="a.log"
    )
    await town.sandbox.wait_for(lambda: len(town.sandbox.thread(town.infra, root)) == 2)
    before = await thread(town, root)
    await town.client.files_delete(file=sent["file"]["id"])
    after = await thread(town, root)

    assert [message.files for message in before] == [(), ("a.log",)]
    assert [message.files for message in after] == [(), (GONE,)]


async def test_a_thread_that_is_not_there_has_no_messages(town: Town) -> None:
    assert await thread(town, "1.5") == []


@pytest.mark.parametrize("fault", [RateLimited(), BadGateway(), Drop()])
async def test_what_passes_is_waited_for(town: Town, fault: Fault) -> None:
    root = await post(town, "root")
    town.sandbox.faults.add("conversations.replies", fault)

    assert len(await thread(town, root)) == 1


async def test_a_channel_that_cannot_be_read_is_a_sentence(town: Town) -> None:
    town.sandbox.faults.add("conversations.replies", Refuse("not_in_channel"))

    with pytest.raises(ChannelUnreadable, match="invite Handrail to it"):
        await thread(town, "1.5")
