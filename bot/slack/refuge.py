"""Where a thread goes on once nothing can be told in its own channel any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.domain.people import ChannelId, UserId
from bot.domain.stack import StackName
from bot.ports import Letter, Moved
from bot.slack.blocks import Block, context
from bot.slack.mrkdwn import escaped

_WHY: Final = {
    "channel_not_found": "is gone, or private and without Handrail",
    "is_archived": "is archived",
    "not_in_channel": "has not let Handrail in",
    "restricted_action": "does not let Handrail post",
}
_DELETED: Final = (
    ":warning: Somebody deleted the first message of this thread. It goes on here."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuge:
    """Where threads go that have to leave their channel, and who is told of it.

    To *fallback*, the channel that handrail.yaml names for the records; where that
    is none, or is closed itself, to one of *admins* after the other. Threads of the
    stacks *with_readers*, which not everybody may see, go to them at once.
    """

    fallback: ChannelId | None = None
    admins: tuple[UserId, ...] = ()
    with_readers: frozenset[StackName] = frozenset()

    def after(self, letter: Letter) -> ChannelId | None:
        """Return where to go with the thread of *letter*; None: all was tried."""
        own = letter.moved.channel if letter.moved else letter.thread.channel
        places = [place for place in self._places(letter) if place != own]
        tried = letter.moved.tried if letter.moved else 0
        return places[tried] if tried < len(places) else None

    def _places(self, letter: Letter) -> Iterator[ChannelId]:
        is_for_all = letter.thread.stack not in self.with_readers
        if self.fallback is not None and is_for_all:
            yield self.fallback
        # Slack opens the conversation when a message is posted to a person's id.
        yield from (ChannelId(admin) for admin in self.admins)


def why_moved(code: str, channel: str) -> str:
    """Return why nothing is told in *channel* any more, as the end of a sentence."""
    known = next((why for begin, why in _WHY.items() if code.startswith(begin)), "")
    told = known or "takes no messages of Handrail's"
    return f"<#{channel}> {told} (`{escaped(code)}`)"


def preface(moved: Moved) -> Block:
    """Return the line above the first message of a thread that goes on elsewhere."""
    if not moved.tried:
        return context(_DELETED)
    return context(
        f":warning: This thread goes on here: {why_moved(moved.why, moved.channel)}."
    )
