"""What Handrail says about holds, in words: pure text, without any markup."""

from collections.abc import Iterable, Sequence

from bot.domain.lock import EVERY, Hold
from bot.domain.sentences import frozen_since, minute
from bot.domain.stack import StackName

HOLD_LENGTHS = (
    "A hold lasts from 1 minute to 30 days, for example lock 2h: <reason>. Without a "
    "length it lasts until unlock."
)
NO_STACK = "Name at least one stack. Nothing was done."
NO_MESSAGES = (
    "An API key cannot be told anything directly. Ask for the stack's runs and holds "
    "instead."
)
NOT_ABOVE = (
    "Only the admins that handrail.yaml names may freeze every stack, or end that. Ask "
    "one of them; what you may hold are single stacks: lock a, b: <reason>."
)
WHY_STEAL = "Say why, because the holder is told: steal: <reason>."
NOTHING_FROZEN = "Nothing is frozen."
HOLDS_NOTHING = "You hold no stack."
ANOTHER_WAS_FIRST = "Another hand was first: nothing was released."


def stacks_of(stack: StackName) -> str:
    """Name what a hold is on."""
    return "every stack" if stack == EVERY else stack


def held_already(holds: Sequence[Hold]) -> str:
    """Say to their holder what they hold as it is."""
    return "\n".join(_own(hold, "already") for hold in holds)


def held_so(hold: Hold) -> str:
    """Say to its holder how long a hold lasts."""
    return _own(hold, "")


def _own(hold: Hold, already: str) -> str:
    words = filter(None, ("You hold", stacks_of(hold.stack), already))
    end = f"until {minute(hold.until)}" if hold.until else "without an end"
    why = f": {hold.reason}" if hold.reason else "."
    return f"{' '.join(words)}, since {minute(hold.since)}, {end}{why}"


def held_while_frozen(freeze: Hold) -> str:
    """Say what a hold is worth that was taken during another person's freeze."""
    return f"{frozen_since(freeze)} Your hold counts, your runs wait until that ends."


def nobody_holds(stacks: Iterable[str]) -> str:
    """Say that there is nothing to release or to take over."""
    return f"Nobody holds {_listed(stacks)}."


def whole_or_nothing(sentences: Iterable[str], *, done: str) -> str:
    """Say why a list of stacks was left as it was."""
    return "\n".join([f"Nothing was {done}, because it is all or none.", *sentences])


def hold_is_over(stack: StackName, now_is: str) -> str:
    """Say that what was meant is no more, and what is now."""
    return f"That hold on {stacks_of(stack)} is over. {now_is}"


def let_go(stack: StackName) -> str:
    """Say to its holder that a hold is over."""
    return f"You released {stacks_of(stack)}."


def is_free(stack: StackName) -> str:
    """Say that nobody has to be told later."""
    return f"{stack} is free now: send your command."


def will_be_told(stack: StackName) -> str:
    """Say what will come."""
    return f"You will get a direct message when {stack} is free for you."


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
