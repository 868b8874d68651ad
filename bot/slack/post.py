"""Turn one letter of the outbox into one Slack message."""

from typing import Any, Final, assert_never

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.run import Run, RunId
from bot.domain.stack import StackName
from bot.domain.telling import (
    Card,
    Echo,
    Header,
    Held,
    Released,
    Said,
    StopAsked,
    Tail,
    Waiting,
)
from bot.domain.telling import Final as Ending
from bot.ports import Archive, Clock, Letter, Thread
from bot.slack import messages
from bot.slack.messages import Message
from bot.slack.output import Excerpt
from bot.slack.upload import upload

log = structlog.get_logger(__name__)

_TAIL_BYTES: Final = 16 << 10
_CARD_RUNS: Final = 5
#: what Slack says of blocks that it does not take; the bare text is better than none
_BAD_BLOCKS: Final = frozenset(
    {"invalid_blocks", "msg_blocks_too_long", "msg_too_long"}
)


class Post:
    """Renders a letter from the record as it is now, and sends it."""

    def __init__(
        self, *, client: AsyncWebClient, archive: Archive, clock: Clock
    ) -> None:
        self._client = client
        self._archive = archive
        self._clock = clock

    async def __call__(self, letter: Letter) -> str | None:
        """Send *letter* and return the `ts` of its message. Raises Slack's errors.

        None: there was nothing to send, because the final message says it all.
        """
        if await self._is_superfluous(letter):
            return None
        message = await self._rendered(letter)
        try:
            return await self._send(letter, message)
        except SlackApiError as error:
            if error.response.get("error") not in _BAD_BLOCKS:
                raise
            log.warning("blocks not taken", letter=letter.id, error=str(error))
            return await self._send(
                letter, Message(text=message.text[:3_000], blocks=[])
            )

    async def _is_superfluous(self, letter: Letter) -> bool:
        telling = letter.telling
        if not isinstance(telling, Tail) or letter.message_ts is not None:
            return False
        return (await self._archive.run(telling.run)).state.is_terminal

    async def _send(self, letter: Letter, message: Message) -> str:
        thread = letter.thread
        if letter.message_ts is not None:
            await self._client.chat_update(
                channel=thread.channel,
                ts=letter.message_ts,
                text=message.text,
                blocks=message.blocks,
            )
            return letter.message_ts
        answer = await self._client.chat_postMessage(
            channel=thread.channel,
            thread_ts=thread.ts,
            text=message.text,
            blocks=message.blocks or None,
            unfurl_links=False,
            unfurl_media=False,
            metadata={
                "event_type": "handrail",
                "event_payload": {
                    "kind": type(letter.telling).__name__.lower(),
                    "letter": letter.id,
                    "run": thread.run or 0,
                },
            },
        )
        return str(answer["ts"])

    async def _rendered(self, letter: Letter) -> Message:
        match letter.telling:
            case Header(run=run):
                return await self._header(run)
            case Card(stack=stack):
                return await self._card(StackName(stack))
            case Echo() as telling:
                return messages.echo(telling, await self._run(letter.thread))
            case Waiting() as telling:
                return messages.waiting(telling, await self._link(telling.blocking_run))
            case Held() as telling:
                return messages.held(telling)
            case Released() as telling:
                return messages.released(telling)
            case StopAsked() as telling:
                return messages.stop_asked(telling)
            case Said() as telling:
                return messages.said(telling)
            case Tail(run=run):
                return messages.tail(await self._archive.tail(run, _TAIL_BYTES))
            case Ending(run=run):
                return await self._ending(run, letter.thread)
            case _:
                assert_never(letter.telling)

    async def _header(self, run_id: RunId) -> Message:
        run = await self._archive.run(run_id)
        occupancy = await self._archive.occupancy(run.stack)
        return messages.header(run, occupancy.hold)

    async def _card(self, stack: StackName) -> Message:
        occupancy = await self._archive.occupancy(stack)
        claim = occupancy.claim
        return messages.card(
            stack,
            occupancy,
            None if claim is None else await self._archive.run(claim.run),
            await self._archive.queue(stack),
            await self._archive.last_runs(stack, _CARD_RUNS),
            self._clock(),
        )

    async def _ending(self, run_id: RunId, thread: Thread) -> Message:
        run = await self._archive.run(run_id)
        excerpt = Excerpt()
        async for piece in self._archive.output(run_id):
            excerpt.feed(piece)
        attached = excerpt.is_whole or await self._attached(run, thread, excerpt.size)
        return messages.final(run, excerpt, attached=attached)

    async def _attached(self, run: Run, thread: Thread, size: int) -> bool:
        try:
            await upload(
                self._client,
                self._archive.output(run.id),
                size=size,
                filename=f"{run.stack}-run-{run.id}.log",
                channel=thread.channel,
                thread_ts=thread.ts or "",
            )
        except SlackApiError as error:
            # The record keeps the output, and the final message says how to get it.
            log.warning("output not attached", run=run.id, error=str(error))
            return False
        return True

    async def _run(self, thread: Thread) -> Run:
        if thread.run is None:
            raise LookupError(f"thread {thread.id} is of no run")
        return await self._archive.run(thread.run)

    async def _link(self, run_id: RunId | None) -> str | None:
        if run_id is None:
            return None
        thread = await self._archive.thread((await self._archive.run(run_id)).thread)
        if thread.ts is None:
            return None
        answer: Any = await self._client.chat_getPermalink(
            channel=thread.channel, message_ts=thread.ts
        )
        return str(answer["permalink"])
