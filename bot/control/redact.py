"""Take a text out of everything that was told of a run."""

from collections.abc import Awaitable, Callable
from typing import Final

from bot.domain.errors import Refusal, Refused
from bot.domain.people import Actor, ChannelId
from bot.domain.run import RunId
from bot.ports import Clock, Messages, Record
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, unmaskable

_TOO_SHORT: Final = (
    "Say what to hide: redact: <text>, at least 6 characters and no ordinary word, "
    "because it is hidden wherever it stands."
)
_STILL_THERE: Final = (
    " Slack does not let Handrail delete your reply, which still shows the text: "
    "delete it yourself now."
)


class Redact:
    """Hides from here on first, then in what is stored, so that nothing slips by."""

    def __init__(
        self,
        *,
        record: Record,
        messages: Messages,
        hide: Callable[[RunId, Secret], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._record = record
        self._messages = messages
        self._hide = hide
        self._clock = clock

    async def __call__(
        self, run: RunId, text: str, *, by: Actor, channel: ChannelId, ts: str
    ) -> str:
        """Redact *text*, which the message *ts* asked for, and say what was done."""
        secret = Secret("redacted text", text.encode("utf-8", "surrogatepass"))
        if unmaskable((secret,)):
            raise Refused(_TOO_SHORT, reason=Refusal.BAD_COMMAND)
        await self._hide(run, secret)
        places = await self._record.redact(
            run, Masks((secret,)), by, self._clock(), why="asked for in the thread"
        )
        changed = "1 place was" if places == 1 else f"{places} places were"
        gone = await self._messages.delete(channel, ts)
        return f"Redacted: {changed} changed.{'' if gone else _STILL_THERE}"
