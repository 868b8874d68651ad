"""What must not be said: every text of the bot's own passes here."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from bot.domain.errors import SecretUnavailable
from bot.domain.stack import Stack
from bot.ports import Values
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.masking.shapes import WellKnown

#: What is said in the place of a text that could not be masked.
WITHHELD: Final = "[text withheld: masking failed]"


class Secrecy:
    """Knows the bot's own tokens, and the secrets of every run that goes on."""

    def __init__(self, own: Iterable[Secret], values: Values) -> None:
        self.own = tuple(own)
        self.values = values
        self._own_masks = Masks(self.own)
        self._shapes = WellKnown()
        self._live: list[Masks] = []

    def hidden(self, text: str) -> str:
        """Return *text* without any secret that is known now; never raises."""
        try:
            for masks in (self._own_masks, *self._live):
                text = masks.text(text)
        except Exception:  # noqa: BLE001 - whatever fails here must not show a text
            return WITHHELD
        return text

    def masks(self, stack: Stack | None, secrets: Iterable[Secret] = ()) -> Masks:
        """Return what hides *secrets*, Handrail's own, and known shapes of tokens."""
        shapes = (self._shapes,) if stack is None or stack.mask_shapes else ()
        return Masks((*self.own, *secrets), others=shapes)

    async def about(self, stack: Stack) -> Masks:
        """Return what hides the secrets of *stack*, as far as they can be read now."""
        sources = stack.secrets.items()
        read = (
            *(_read(name, self.values.variable(source)) for name, source in sources),
            *(
                _read(file.path, self.values.content(file.source))
                for file in stack.files
                if file.secret
            ),
        )
        found = [each for each in await asyncio.gather(*read) if each is not None]
        return await asyncio.to_thread(self.masks, stack, found)

    @contextmanager
    def keeping(self, masks: Masks) -> Iterator[None]:
        """Hide what *masks* hide from every text while the body runs."""
        self._live.append(masks)
        try:
            yield
        finally:
            self._live.remove(masks)


def names_within(text: str, masks: Masks) -> tuple[str, ...]:
    """Name the secrets of *masks* that stand in *text*."""
    if masks.text(text) == text:
        return ()
    return tuple(
        secret.name for secret in masks.secrets if Masks((secret,)).text(text) != text
    )


async def _read(name: str, reading: Awaitable[str | bytes]) -> Secret | None:
    try:
        value = await reading
    except SecretUnavailable:
        return None  # whoever needs it will say so
    return Secret(name, value if isinstance(value, bytes) else value.encode())
