"""What is done with what people type, say and press, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.control.notices import Notices
from bot.control.reply import Reply
from bot.control.submit import Submit


@dataclass(slots=True)
class Doors:
    """Whether people are heard: not any more once the bot is about to end."""

    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """The use cases behind the listeners."""

    submit: Submit
    reply: Reply
    notices: Notices
    doors: Doors
    #: has replies read again of which one could not be noted
    look: Callable[[], None]
