"""What is shown to one person alone, and kept by nobody: refusals and answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import (
    HandrailError,
    Refusal,
    Refused,
    RoleSourceUnavailable,
    StoreUnavailable,
)
from bot.domain.lock import EVERY
from bot.slack import buttons
from bot.slack.blocks import Block, actions, section
from bot.slack.hearing import Doors
from bot.slack.message import SECTION_LENGTH
from bot.slack.mrkdwn import mentioning, shortened
from bot.slack.refusals import CALL_FAILED

log = structlog.get_logger(__name__)

Made = TypeVar("Made")

_TEXT_LENGTH: Final = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """A text, and the blocks that take its place where it has buttons."""

    text: str
    blocks: list[Block] = field(default_factory=list)
    #: it takes the place of the message pressed in, which nobody else may see then
    instead: bool = False


RESTARTING: Final = Whisper(text="Handrail is restarting; send it again in a minute.")


def answer(sentence: str) -> Whisper:
    """Return a sentence of Handrail's own."""
    return Whisper(text=shortened(mentioning(sentence), _TEXT_LENGTH))


def refusal(error: HandrailError) -> Whisper:
    """Return why nothing was done, or raise *error* again if nobody refused."""
    match error:
        case Refused():
            return _refused(error)
        case RoleSourceUnavailable():
            return _refused(error.refused())
        case StoreUnavailable():
            log.error("store away", error=str(error))
            return answer(error.sentence)
        case _:
            raise error


def _refused(refused: Refused) -> Whisper:
    said = answer(str(refused))
    if refused.reason is not Refusal.HELD or refused.stack in {"", EVERY}:
        return said
    told = shortened(mentioning(str(refused)), SECTION_LENGTH)
    row = actions(buttons.notify_me(refused.stack))
    return Whisper(text=said.text, blocks=[section(told), *row])


async def told(doors: Doors, act: Callable[[], Awaitable[Made]]) -> Made | Whisper:
    """Return what *act* makes, or why nothing is done."""
    return await tried(act) if doors.open else RESTARTING


async def tried(act: Callable[[], Awaitable[Made]]) -> Made | Whisper:
    """Return what *act* makes, or why it makes nothing."""
    try:
        return await act()
    except HandrailError as error:
        return refusal(error)


async def respond_with(
    respond: AsyncRespond, whisper: Whisper, thread_ts: str | None = None
) -> None:
    """Answer a command or a press, where it was made."""
    try:
        await respond(
            whisper.text,
            blocks=whisper.blocks or None,
            replace_original=whisper.instead,
            thread_ts=None if whisper.instead else thread_ts,
        )
    except CALL_FAILED as error:
        log.warning("answer not shown", error=str(error))


async def show(
    client: AsyncWebClient,
    whisper: Whisper,
    *,
    channel: str,
    user: str,
    thread_ts: str | None = None,
) -> None:
    """Show somebody a whisper where there is nothing to respond to."""
    try:
        await client.chat_postEphemeral(
            channel=channel,
            user=user,
            thread_ts=thread_ts,
            text=whisper.text,
            blocks=whisper.blocks or None,
        )
    except CALL_FAILED as error:
        log.warning("refusal not shown", user=user, error=str(error))
