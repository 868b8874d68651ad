"""Turn one letter of the outbox into one Slack message."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.reviewers import reviews_of
from bot.domain.audit import AuditHead
from bot.domain.run import Run, RunState
from bot.domain.stack import Stack, StackName
from bot.domain.telling import IN_PLACE, Card, Header, Notice, Tail, Waiting
from bot.domain.telling import Final as Ending
from bot.ports import Approvals, Archive, Clock, Letter, Posted, Thread
from bot.slack.attachment import Attachment
from bot.slack.blocks import Block, context
from bot.slack.brevity import bare, shorter, unmade
from bot.slack.endings import final
from bot.slack.message import Message
from bot.slack.mrkdwn import escaped
from bot.slack.output import Excerpt
from bot.slack.refuge import preface
from bot.slack.refusals import Trouble, is_fixed, is_gone, is_hopeless, is_too_much
from bot.slack.refusals import trouble as trouble_of
from bot.slack.rendering import NO_STACKS, Rendering
from bot.slack.search import NOTHING, Traces, search
from bot.slack.sending import MaySend, Sending

log = structlog.get_logger(__name__)

#: how far Slack's clock and the bot's may be apart
_SKEW: Final = timedelta(minutes=10)
_CARD_AGE: Final = timedelta(hours=1)
#: after so many attempts that Slack refuses for no known reason, less is sent
_PATIENCE: Final = 3


class Post:
    """Renders a letter from the record as it is now, and sends it.

    *above* are the ids of the global admins, whose runs no freeze keeps queued.
    *stacks* are those of handrail.yaml.
    """

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        archive: Archive,
        approvals: Approvals,
        clock: Clock,
        above: frozenset[str] = frozenset(),
        stacks: Mapping[StackName, Stack] = NO_STACKS,
    ) -> None:
        self._client = client
        self._archive = archive
        self._approvals = approvals
        self._clock = clock
        self._send = Sending(client)
        self._attachment = Attachment(client, archive)
        self._render = Rendering(
            archive=archive,
            approvals=approvals,
            link=self._link,
            above=above,
            stacks=stacks,
        )

    def ask_first(self, may_send: MaySend) -> None:
        """Ask *may_send* before each call that is seen in Slack."""
        self._send.ask_first(may_send)

    def forget(self) -> None:
        """Take nothing for sent: another process may have sent since."""
        self._send.forget()

    async def __call__(
        self, letter: Letter, *, doubtful: bool = False
    ) -> Posted | None:
        """Send *letter* and return where its message is. Raises Slack's errors.

        Raises Superseded where it may not be sent any more.

        A *doubtful* letter may have been sent before, so it is looked for first.
        One that was redacted since is sent into the message that it became. None:
        there was nothing to send, because a later message says it all.
        """
        traces = await self._traces(letter, doubtful=doubtful)
        if traces.message_ts is not None:
            if not isinstance(letter.telling, IN_PLACE) and not letter.revision:
                return _found(letter, traces)
            letter = replace(letter, message_ts=traces.message_ts)
        if await self._is_superfluous(letter):
            return None
        head = await self._head(letter)
        message = await self._rendered(letter, traces, head)
        if _has_an_outdated_first(letter):
            return await self._send_without_the_first(letter, message)
        return await self._sent(letter, message, head, doubtful=doubtful)

    async def unmade_ending(self, letter: Letter) -> Posted | None:
        """Say that the final message, which *letter* is, could not be made."""
        if not isinstance(letter.telling, Ending):
            return None
        try:
            run = await self._run(letter.thread)
        except LookupError:
            return None
        return await self._send(letter, unmade(run))

    async def _sent(
        self,
        letter: Letter,
        message: Message,
        head: AuditHead | None,
        *,
        doubtful: bool,
    ) -> Posted | None:
        try:
            return await self._send(letter, message, head)
        except SlackApiError as error:
            if letter.revision and is_fixed(error):
                return await self._put_anew(letter, message, head)
            if letter.revision and is_gone(error):
                return await self._send_to_what_is_there(letter, message, head)
            if _cannot_be_changed(letter, error):
                return await self._reply_instead(letter, message, doubtful=doubtful)
            if not _takes_less(letter, error):
                raise
            log.warning("message not taken", letter=letter.id, error=str(error))
            return await self._send_less(letter, message, head)

    async def _traces(self, letter: Letter, *, doubtful: bool) -> Traces:
        if isinstance(letter.telling, Notice):
            # Direct messages cannot be searched without the scope im:history, which
            # lets the bot read what people write to it. Rather twice than never.
            return NOTHING
        has_old_file = letter.revision > 0 and isinstance(letter.telling, Ending)
        is_unknown = doubtful and letter.message_ts is None
        if not has_old_file and not is_unknown:
            return NOTHING
        return await self._search(letter)

    async def _search(self, letter: Letter) -> Traces:
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

    async def _put_anew(
        self, letter: Letter, message: Message, head: AuditHead | None
    ) -> Posted:
        # What it showed must go, whatever the price: a reply moves to the thread's
        # end, and of a thread's first message a placeholder is left.
        ts = letter.message_ts
        if ts and ts == letter.thread.ts:
            return await self._send.delete(letter, ts)
        return await self._send.instead(letter, message, head)

    async def _send_to_what_is_there(
        self, letter: Letter, message: Message, head: AuditHead | None
    ) -> Posted:
        # It was deleted, maybe to be posted anew, and that may have been done too.
        ts = letter.message_ts
        if ts and ts == letter.thread.ts:
            return Posted(channel=letter.thread.channel, ts=ts)
        traces = await self._search(letter)
        is_new = traces.message_ts not in {None, ts}
        found = replace(letter, message_ts=traces.message_ts if is_new else None)
        try:
            posted = await self._send(found, message, head)
        except SlackApiError as error:
            if not is_new or not is_fixed(error):
                raise
            posted = await self._put_anew(found, message, head)
        return replace(posted, replaced=posted.replaced or ts)

    async def _reply_instead(
        self, letter: Letter, message: Message, *, doubtful: bool
    ) -> Posted | None:
        """Post what can no longer be changed in place as a reply of its own."""
        if await self._is_superfluous(replace(letter, message_ts=None)):
            return None
        if doubtful and (traces := await self._search(letter)).message_ts:
            return _found(letter, traces)
        return await self._send.instead(letter, message)

    async def _send_without_the_first(
        self, letter: Letter, message: Message
    ) -> Posted | None:
        # Since a reply took its place, it shows what was there then; it must go too.
        first = letter.thread.ts or ""
        await self._send.delete(letter, first)
        posted = await self._sent(letter, message, None, doubtful=False)
        return posted and replace(posted, replaced=posted.replaced or first)

    async def _send_less(
        self, letter: Letter, message: Message, head: AuditHead | None
    ) -> Posted:
        less = await self._less(letter, message, head)
        try:
            return await self._send(letter, less, head)
        except SlackApiError as error:
            if not _takes_less(letter, error):
                raise
            return await self._send(letter, bare(message), head)

    async def _less(
        self, letter: Letter, message: Message, head: AuditHead | None
    ) -> Message:
        if not isinstance(letter.telling, Ending):
            return shorter(message)
        run = await self._run(letter.thread)
        excerpt = await self._excerpt(run)
        attached = not excerpt.size or await self._attach(letter, run, excerpt.size)
        return final(
            run,
            excerpt,
            attached=attached,
            head=head,
            reviews=await reviews_of(self._approvals, run),
            brief=True,
        )

    async def _rendered(
        self, letter: Letter, traces: Traces, head: AuditHead | None
    ) -> Message:
        if isinstance(letter.telling, Ending):
            return await self._ending(letter, traces, head)
        message = await self._render(letter.telling)
        if letter.moved is None or not isinstance(letter.telling, Header | Card):
            return message
        return replace(message, blocks=[preface(letter.moved), *message.blocks])

    async def _ending(
        self, letter: Letter, traces: Traces, head: AuditHead | None
    ) -> Message:
        run = await self._run(letter.thread)
        excerpt = await self._excerpt(run)
        still_there = await self._attachment.settle(letter, run, traces)
        attached = excerpt.is_whole or await self._attach(letter, run, excerpt.size)
        more = _warning(still_there) if still_there else []
        return final(
            run,
            excerpt,
            attached=attached,
            head=head,
            reviews=await reviews_of(self._approvals, run),
            more=more,
        )

    async def _attach(self, letter: Letter, run: Run, size: int) -> bool:
        await self._send.ensure_it_may(letter)
        return await self._attachment.attach(letter, run, size)

    async def _excerpt(self, run: Run) -> Excerpt:
        excerpt = Excerpt()
        async for piece in self._archive.output(run.id):
            excerpt.feed(piece)
        return excerpt

    async def _head(self, letter: Letter) -> AuditHead | None:
        if letter.thread.run is None or not isinstance(letter.telling, Ending):
            return None
        return await self._archive.head(letter.thread.run)

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


def _found(letter: Letter, traces: Traces) -> Posted:
    return Posted(
        channel=letter.thread.channel,
        ts=traces.message_ts or "",
        digest=traces.digest,
    )


def _has_an_outdated_first(letter: Letter) -> bool:
    if not letter.revision or not isinstance(letter.telling, Header | Card):
        return False
    return letter.thread.ts is not None and letter.message_ts != letter.thread.ts


def _cannot_be_changed(letter: Letter, error: SlackApiError) -> bool:
    if letter.message_ts is None or not isinstance(letter.telling, IN_PLACE):
        return False
    return trouble_of(error) is Trouble.MESSAGE_GONE


def _takes_less(letter: Letter, error: SlackApiError) -> bool:
    is_odd = trouble_of(error) is Trouble.ODD
    return is_too_much(error) or (is_odd and letter.attempts >= _PATIENCE)


def _warning(errors: tuple[str, ...]) -> list[Block]:
    warning = (
        f"A file above could not be deleted ({', '.join(errors)}), and it still has "
        "what was redacted: somebody who may should delete it."
    )
    return [context(escaped(warning))]
