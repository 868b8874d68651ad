"""Masks what a container prints and tells it in pieces."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from runner.errors import ContainerLost, EngineAway
from runner.events import Event, Output, Remark, SecretsLearned
from runner.masking.announced import Announced, Announcements
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, unmaskable
from runner.seal import Carried

#: How much is masked at a time, in bytes: about the most that one event carries.
PIECE: Final = 64 * 1024

#: How many different values a container may announce, and their bytes in all.
MOST_VALUES: Final = 1_000
MOST_BYTES: Final = 1 << 20

#: How long after a container could not be given what is hidden it is tried again.
AGAIN: Final = timedelta(seconds=10)

#: What is told, once, in the place of output that could not be masked.
WITHHELD: Final = b"[output withheld: masking failed]\n"

#: What is said in the place of a text that could not be masked.
TEXT_WITHHELD: Final = "[text withheld: masking failed]"

_FAILED: Final = (
    "Output is withheld from here on, because masking failed. The run goes on."
)
_TOO_MANY: Final = (
    "Output is withheld from here on, because more was announced by ::add-mask:: "
    f"than can be masked: {MOST_VALUES:,} values, or {MOST_BYTES >> 20} MiB in all. "
    "The run goes on."
)
_NOT_CARRIED: Final = (
    "Output is withheld from here on, because the container could not be given what "
    "a restarted bot would have to mask. The run goes on."
)
_LOST: Final = (
    "Output is withheld from here on, because what the container carried of what has "
    "to be masked could not be read after a restart of the bot. The run goes on."
)
_UNMASKABLE: Final = (
    "A value announced by ::add-mask:: is too short or too ordinary to be masked."
)


def hidden(text: str, masks: Masks) -> str:
    """Return *text* as it may be said; never raises."""
    try:
        return masks.text(text)
    except Exception:  # noqa: BLE001 - whatever fails here must not show a text
        return TEXT_WITHHELD


class Teller:
    """Tells the output of one container, and what becomes hidden on the way.

    The first *position* bytes were told before. Whatever is told is masked by all
    that its masks know at that moment, and the container carries all of that.
    """

    def __init__(
        self,
        carried: Carried,
        tell: Callable[[Event], Awaitable[None]],
        *,
        position: int = 0,
        again: timedelta = AGAIN,
    ) -> None:
        self._carried = carried
        self._tell = tell
        self._hidden = len(carried.masks.secrets) - len(carried.missing)  # and told
        self._again = again.total_seconds()
        self._clock = asyncio.get_running_loop().time
        self._carry_at = self._clock()  # not before
        self._announcements = Announcements()
        self._masker = carried.masks.stream(shown=position)
        self._known = position
        self._position = position  # of the last output that was told
        self._read = 0  # bytes that the masker has taken
        self._announced: set[bytes] = set()
        self._remarked = False
        self._withheld = False
        self._unlearned = False  # whether something was not learned that had to be

    async def take(self, data: bytes) -> None:
        """Tell as much as is certain to hold no half secret."""
        if self._carried.is_lost:
            await self.withhold(_LOST)
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            await self._pass_on(partial(self._announcements.feed, piece))

    async def end_line(self) -> None:
        """Take note that a line ends here, with or without a newline."""
        await self._pass_on(self._announcements.flush)

    async def end(self) -> None:
        """Tell what was held back."""
        await self.end_line()
        await self._show(self._masker.flush)

    async def learn(self, secrets: Sequence[Secret]) -> None:
        """Hide *secrets* from here on, and tell so."""
        try:
            await asyncio.to_thread(self._carried.masks.learn, secrets)
        except Exception:  # noqa: BLE001 - what cannot be masked must not be shown
            self._unlearned = True
            await self.withhold()
        await self._catch_up()

    async def is_carried(self) -> bool:
        """Return whether the container carries all that is to be hidden."""
        if self._carried.missing:
            await self._carry()
        return not (self._unlearned or self._carried.missing)

    async def withhold(self, why: str = _FAILED) -> None:
        """Tell no more output, and say so once."""
        if not self._withheld:
            self._withheld = True
            await self._tell(Output(data=WITHHELD, position=self._position))
            await self._tell(Remark(text=why))

    async def _pass_on(self, split: Callable[[], Iterator[bytes | Announced]]) -> None:
        try:
            items = list(split())
        except Exception:  # noqa: BLE001 - a value may have been missed
            await self.withhold()
            return
        announced: list[bytes] = []
        for item in items:
            if isinstance(item, Announced):
                announced.append(item.value)
                continue
            await self._hide(announced)
            announced = []
            await self._show(partial(self._masker.feed, item))
            self._read += len(item)
        await self._hide(announced)

    async def _show(self, mask: Callable[[], bytes]) -> None:
        # Nothing is awaited from here until the watcher has what was masked: else
        # it could be told without what has become hidden meanwhile.
        await self._catch_up()
        await self._tell_masked(mask)

    async def _tell_masked(self, mask: Callable[[], bytes]) -> None:
        if self._withheld:
            return
        try:
            masked = mask()
        except Exception:  # noqa: BLE001 - whatever fails here must not show output
            await self.withhold()
            return
        if masked:
            self._position = self._masker.position
            await self._tell(Output(data=masked, position=self._position))

    async def _catch_up(self) -> None:
        """Have the container carry all that is hidden, and tell what is new of it.

        What is held back stays so: it may be half of a secret that is known already,
        and it is searched again for what is new.
        """
        await self._carry_when_due()
        while new := self._untold:
            await self._carry_when_due()
            await self._tell(SecretsLearned(secrets=new))
            self._hidden += len(new)

    @property
    def _untold(self) -> tuple[Secret, ...]:
        return self._carried.masks.secrets[self._hidden :]

    async def _carry_when_due(self) -> None:
        if self._carried.missing and self._clock() >= self._carry_at:
            await self._carry()

    async def _carry(self) -> None:
        try:
            await self._carried.renew()
        except (ContainerLost, EngineAway):
            raise
        except Exception:  # noqa: BLE001 - what is not carried would be shown later
            self._carry_at = self._clock() + self._again
            await self.withhold(_NOT_CARRIED)

    async def _hide(self, announced: Sequence[bytes]) -> None:
        new = set(announced) - self._announced
        if not new:
            return
        values = self._announced | new
        if len(values) > MOST_VALUES or sum(map(len, values)) > MOST_BYTES:
            await self.withhold(_TOO_MANY)
            return
        self._announced = values
        secrets = [
            Secret("announced while it ran", value)
            for value in dict.fromkeys(announced)
            if value in new
        ]
        await self._learn_announced(secrets)

    async def _learn_announced(self, secrets: Sequence[Secret]) -> None:
        try:
            maskable = [one for one in secrets if not unmaskable((one,))]
        except Exception:  # noqa: BLE001 - what cannot be masked must not be shown
            await self.withhold()
            return
        await self.learn(maskable)
        if len(maskable) < len(secrets):
            await self._remark_unmaskable()

    async def _remark_unmaskable(self) -> None:
        # Who told the output that follows has told this before it.
        if not self._remarked and self._read >= self._known:
            await self._tell(Remark(text=_UNMASKABLE))
        self._remarked = True
