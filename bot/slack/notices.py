"""Direct messages: what somebody has to know although no thread of theirs says it."""

from typing import assert_never

from bot.domain.lock import EVERY, Hold
from bot.domain.people import ActorKind
from bot.domain.stack import StackName
from bot.domain.telling import Notice, NoticeKind
from bot.slack import buttons
from bot.slack.blocks import Block, actions
from bot.slack.message import Message, line, stacks_of, why
from bot.slack.mrkdwn import escaped, when, who
from bot.slack.refuge import why_moved


def notice(telling: Notice) -> Message:
    """Render a direct message, with what its reader can do at once."""
    return line(_sentence(telling), *actions(*_buttons(telling)))


def _sentence(notice: Notice) -> str:
    stack, reason = _stack(notice), why(notice.reason)
    by = who(notice.actor) if notice.actor else "An admin"
    match notice.kind:
        case NoticeKind.STOLEN:
            return f":lock: {by} took {stack} over from you{reason}."
        case NoticeKind.RELEASED:
            return f":unlock: {by} released your hold on {stack}{reason}."
        case NoticeKind.ENDS_SOON:
            return f":alarm_clock: Your hold on {stack} ends soon{_end(notice.hold)}."
        case NoticeKind.STILL_NEEDED:
            return (
                f":lock: You have held {stack}{_since(notice.hold)}. It has no end. Do "
                "you still need it?"
            )
        case NoticeKind.HOLDER_GONE:
            return _holder_gone(notice)
        case NoticeKind.FREE:
            return f":unlock: {stack} is free for you now: send your command."
        case NoticeKind.MOVED:
            return _moved(notice)
        case NoticeKind.UNDONE:
            return (
                f":warning: Handrail was ended right after it heard your "
                f"{escaped(notice.reason)}, so nothing of it was recorded, and nothing "
                "was run. Send it again."
            )
        case _:
            assert_never(notice.kind)


def _moved(notice: Notice) -> str:
    move = notice.move
    if move is None:
        return f":warning: A thread of {_stack(notice)} goes on elsewhere."
    run = "" if move.run is None else f"run {move.run} on "
    to = f"<@{move.to}>, directly" if move.to[:1] in "UW" else f"<#{move.to}>"
    return (
        f":warning: The thread of {run}{_stack(notice)} goes on with {to}: "
        f"{why_moved(move.why, move.left)}."
    )


def _holder_gone(notice: Notice) -> str:
    stack = _stack(notice)
    reply = (
        "Reply `unfreeze: reason` in any thread of Handrail's"
        if notice.stack == EVERY
        else f"Reply `unlock: reason`, or `steal: reason`, in a thread of {stack}"
    )
    if notice.hold is not None and notice.hold.actor.kind is ActorKind.API_KEY:
        return f":warning: {_of_key(notice.hold)} {reply}."
    holder = who(notice.hold.actor) if notice.hold else "the holder"
    return (
        f":warning: The account of {holder} is deactivated, and it has held {stack}"
        f"{_since(notice.hold)}. {reply}."
    )


def _of_key(hold: Hold) -> str:
    # Without an end the key may be a good one: it is only that nobody can ask it.
    why_told = (
        "That key was revoked or has expired."
        if hold.until
        else "That has no end, and no key can be asked whether it is still needed."
    )
    return f"{who(hold.actor)} has held {stacks_of([hold])}{_since(hold)}. {why_told}"


def _stack(notice: Notice) -> str:
    if notice.hold is not None:
        return stacks_of([notice.hold])
    is_every = StackName(notice.stack) == EVERY
    return "every stack" if is_every else f"*{escaped(notice.stack)}*"


def _since(hold: Hold | None) -> str:
    return f" since {when(hold.since)}{why(hold.reason)}" if hold else ""


def _end(hold: Hold | None) -> str:
    if hold is None or hold.until is None:
        return ""
    return f", at {when(hold.until)}{why(hold.reason)}"


def _buttons(notice: Notice) -> list[Block]:
    match notice.kind:
        case NoticeKind.ENDS_SOON | NoticeKind.STILL_NEEDED if notice.hold:
            has_end = notice.kind is NoticeKind.ENDS_SOON
            return buttons.of_notice(notice.hold, has_end=has_end)
        case _:
            return []
