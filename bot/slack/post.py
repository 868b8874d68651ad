"""Turn one letter of the outbox into one Slack message."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.people import ChannelId
from bot.domain.run import Run, RunState
from bot.domain.telling import IN_PLACE, Notice, Tail, Waiting
from bot.domain.telling import Final as Ending
from bot.ports import Archive, Clock, Letter, Posted, Thread
from bot.slack.attachment import Attachment
from bot.slack.blocks import context
from bot.slack.endings import final
from bot.slack.message import Message
from bot.slack.mrkdwn import escaped
from bot.slack.output import Excerpt
from bot.slack.refusals import is_fixed, is_gone, is_hopeless
from bot.slack.rendering import Rendering
from bot.slack.search import NOTHING, Traces, mark, search
from bot.slack.shown import digest, digest_of, shown

log = structlog.get_logger(__name__)

#: how far Slack's clock and the bot's may be apart
_SKEW: Final = timedelta(minutes=10)
_CARD_AGE: Final = timedelta(hours=1)
#: what Slack says of blocks that it does not take; the bare text is better than none
_BAD_BLOCKS: Final = frozenset(
    {"invalid_blocks", "msg_blocks_too_long", "msg_too_long"}
)


class Post:
    """Renders a letter from the record as it is now, and sends it.

    *above* are the ids of the global admins, whose runs no freeze keeps queued.
    """

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        archive: Archive,
        clock: Clock,
        above: frozenset[str] = frozenset(),
    ) -> None:
        self._client = client
        self._archive = archive
        self._clock = clock
        self._attachment = Attachment(client, archive)
        self._render = Rendering(archive=archive, link=self._link, above=above)

    async def __call__(
        self, letter: Letter, *, doubtful: bool = False
    ) -> Posted | None:
        """Send *letter* and return where its message is. Raises Slack's errors.

        A *doubtful* letter may have been sent before, so it is looked for first.
        One that was redacted since is sent into the message that it became. None:
        there was nothing to send, because a later message says it all.
        """
        traces = await self._traces(letter, doubtful=doubtful)
        if traces.message_ts is not None:
            if not isinstance(letter.telling, IN_PLACE) and not letter.revision:
                return _found(letter, traces.message_ts, traces.digest)
            letter = replace(letter, message_ts=traces.message_ts)
        if await self._is_superfluous(letter):
            return None
        message = await self._rendered(letter, traces)
        try:
            return await self._send(letter, message)
        except SlackApiError as error:
            if letter.revision and is_fixed(error):
                return await self._send_anew(letter, message)
            if letter.revision and is_gone(error):
                return await self._send_to_what_is_there(letter, message)
            if error.response.get("error") not in _BAD_BLOCKS:
                raise
            log.warning("blocks not taken", letter=letter.id, error=str(error))
            return await self._send(
                letter, Message(text=message.text[:3_000], blocks=[])
            )

    async def _traces(self, letter: Letter, *, doubtful: bool) -> Traces:
        if isinstance(letter.telling, Notice):
            # Direct messages cannot be searched without the scope im:history, which
            # lets the bot read what people write to it. Rather twice than never.
            return NOTHING
        has_old_file = letter.revision > 0 and isinstance(letter.telling, Ending)
        is_unknown = doubtful and letter.message_ts is None
        if not has_old_file and not is_unknown:
            return NOTHING
        return await search(self._client, letter, await self._since(letter))

    async def _since(self, letter: Letter) -> datetime:
        # Letters are numbered by database: an older one may have had the same.
        if letter.thread.run is None:
            return self._clock() - _CARD_AGE
        return (await self._archive.run(letter.thread.run)).created_at - _SKEW

    async def _is_superfluous(self, letter: Letter) -> bool:
        if letter.message_ts is not None:
            return False
        match letter.telling:
            case Tail(run=run):
                return (await self._archive.run(run)).state.is_terminal
            case Waiting(run=run):
                # It did not wait for so long that anybody was told.
                state = (await self._archive.run(run)).state
                return state is not RunState.QUEUED
            case _:
                return False

    async def _send(self, letter: Letter, message: Message) -> Posted:
        thread = letter.thread
        if letter.message_ts is not None:
            answer = await self._client.chat_update(
                channel=thread.channel,
                ts=letter.message_ts,
                text=message.text,
                blocks=message.blocks,
            )
            return _posted(message, answer, thread.channel, letter.message_ts)
        answer = await self._client.chat_postMessage(
            channel=thread.channel,
            thread_ts=thread.ts,
            text=message.text,
            blocks=message.blocks or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata=mark(letter),
        )
        # A direct message went to a person; it is in another channel than that.
        return _posted(message, answer, ChannelId(answer["channel"]), str(answer["ts"]))

    async def _send_anew(self, letter: Letter, message: Message) -> Posted:
        # What it showed must go, whatever the price: a reply moves to the thread's
        # end, and of a thread's first message a placeholder is left.
        ts = letter.message_ts or ""
        await self._client.chat_delete(channel=letter.thread.channel, ts=ts)
        if ts == letter.thread.ts:
            return Posted(channel=letter.thread.channel, ts=ts)
        posted = await self._send(replace(letter, message_ts=None), message)
        return replace(posted, replaced=ts)

    async def _send_to_what_is_there(self, letter: Letter, message: Message) -> Posted:
        # It was deleted, maybe to be posted anew, and that may have been done too.
        ts = letter.message_ts
        if ts and ts == letter.thread.ts:
            return Posted(channel=letter.thread.channel, ts=ts)
        traces = await search(self._client, letter, await self._since(letter))
        is_new = traces.message_ts not in {None, letter.message_ts}
        found = replace(letter, message_ts=traces.message_ts if is_new else None)
        try:
            posted = await self._send(found, message)
        except SlackApiError as error:
            if not is_new or not is_fixed(error):
                raise
            posted = await self._send_anew(found, message)
        return replace(posted, replaced=posted.replaced or ts)

    async def _rendered(self, letter: Letter, traces: Traces) -> Message:
        if isinstance(letter.telling, Ending):
            return await self._ending(letter, traces)
        return await self._render(letter.telling)

    async def _ending(self, letter: Letter, traces: Traces) -> Message:
        run = await self._run(letter.thread)
        excerpt = Excerpt()
        async for piece in self._archive.output(run.id):
            excerpt.feed(piece)
        still_there = await self._attachment.settle(letter, run, traces)
        attached = excerpt.is_whole or await self._attachment.attach(
            letter, run, excerpt.size
        )
        message = final(run, excerpt, attached=attached)
        return _with_warning(message, still_there) if still_there else message

    async def _run(self, thread: Thread) -> Run:
        if thread.run is None:
            raise LookupError(f"thread {thread.id} is of no run")
        return await self._archive.run(thread.run)

    async def _link(self, thread: Thread) -> str | None:
        if thread.ts is None:
            return None
        try:
            answer: Any = await self._client.chat_getPermalink(
                channel=thread.channel, message_ts=thread.ts
            )
        except SlackApiError as error:
            if not is_hopeless(error):
                raise
            return None  # somebody deleted what would be linked to
        return str(answer["permalink"])


def _found(letter: Letter, ts: str, digest: str) -> Posted:
    return Posted(channel=letter.thread.channel, ts=ts, digest=digest)


def _posted(
    message: Message, answer: AsyncSlackResponse, channel: ChannelId, ts: str
) -> Posted:
    # What Slack made of it is what it will return later; not every answer says so.
    kept: Any = answer.get("message")
    seen = digest_of(kept) if kept else digest(shown(message.text, message.blocks))
    return Posted(channel=channel, ts=ts, digest=seen)


def _with_warning(message: Message, errors: tuple[str, ...]) -> Message:
    warning = (
        f"A file above could not be deleted ({', '.join(errors)}), and it still has "
        "what was redacted: somebody who may should delete it."
    )
    return replace(message, blocks=[*message.blocks, context(escaped(warning))])
