"""What a thread is told of holds: taken, given back, taken over, ended."""

from bot.domain.lock import EVERY, Hold
from bot.domain.telling import Expired, Held, Released, Stolen
from bot.slack.message import Message, line, stacks_of, until, why
from bot.slack.mrkdwn import who


def held(telling: Held) -> Message:
    """Render that holds were taken."""
    hold = telling.holds[0]
    end = f"{until(hold)}{why(hold.reason)}"
    if hold.stack == EVERY:
        return line(
            f":snowflake: {who(hold.actor)} froze every stack{end}. Only runs of those "
            "who may freeze start, until the reply `unfreeze`."
        )
    return line(
        f":lock: {who(hold.actor)} holds {stacks_of(telling.holds)}{end}. "
        "Only their runs start until they reply `unlock`."
    )


def released(telling: Released) -> Message:
    """Render that holds were released, naming those who lost one."""
    by, reason = telling.actor, why(telling.reason)
    losers = list(
        dict.fromkeys(
            who(hold.actor) for hold in telling.holds if not hold.actor.is_same(by)
        )
    )
    if _is_freeze(telling.holds):
        whose = f" of {losers[0]}" if losers else ""
        return line(f":unlock: {who(by)} ended the freeze{whose}{reason}.")
    whose = f" from {', '.join(losers)}" if losers else ""
    return line(
        f":unlock: {who(by)} released {stacks_of(telling.holds)}{whose}{reason}."
    )


def stolen(telling: Stolen) -> Message:
    """Render that an admin took a hold over."""
    held, wanted = telling.held, telling.wanted
    return line(
        f":lock: {who(wanted.actor)} took {stacks_of([wanted])} over from "
        f"{who(held.actor)}{until(wanted)}{why(wanted.reason)}. Only their runs start "
        "until they reply `unlock`."
    )


def expired(telling: Expired) -> Message:
    """Render that a hold has ended by itself."""
    hold = telling.hold
    if hold.stack == EVERY:
        return line(f":unlock: The freeze of {who(hold.actor)} has come to its end.")
    return line(
        f":unlock: The hold of {who(hold.actor)} on {stacks_of([hold])} has come to "
        "its end."
    )


def _is_freeze(holds: tuple[Hold, ...]) -> bool:
    return holds[0].stack == EVERY
