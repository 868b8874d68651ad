"""What must not be said: every text of the bot's own passes here."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bot.domain.errors import SecretUnavailable
from bot.domain.stack import FromCommand, Stack, StackName, ValueSource
from bot.ports import Values
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, unmaskable
from runner.masking.shapes import WellKnown

#: What is said in the place of a text that could not be masked.
WITHHELD: Final = "[text withheld: masking failed]"

#: What is said in the place of a text that might hold what only a program tells.
NOT_KEPT: Final = "[not kept: it could not be masked]"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What must not be said of a stack."""

    secrets: tuple[Secret, ...]
    masks: tuple[Masks, ...]  #: of the stack, and of its run that goes on
    lacking: tuple[str, ...] = ()  #: names of what cannot be masked
    unread: str = ""  #: why a secret could not be read

    def text(self, whole: str) -> str:
        """Return *whole* with every secret replaced."""
        for masks in self.masks:
            whole = masks.text(whole)
        return whole

    def names_in(self, text: str) -> tuple[str, ...]:
        """Name the secrets of the stack that stand in *text*."""
        return names_in(text, self.secrets)


class Secrecy:
    """Knows the bot's own tokens, and the secrets of every run that goes on."""

    def __init__(self, own: Iterable[Secret], values: Values) -> None:
        self.own = tuple(own)
        self.values = values
        self._own_masks = Masks(self.own)
        self._shapes = WellKnown()
        self._live: list[tuple[StackName, Masks]] = []

    def hidden(self, text: str) -> str:
        """Return *text* without any secret that is known now; never raises."""
        try:
            for masks in (self._own_masks, *(masks for _, masks in self._live)):
                text = masks.text(text)
        except Exception:  # noqa: BLE001 - whatever fails here must not show a text
            return WITHHELD
        return text

    def masks(self, stack: Stack | None, secrets: Iterable[Secret] = ()) -> Masks:
        """Return what hides *secrets*, Handrail's own, and known shapes of tokens."""
        shapes = (self._shapes,) if stack is None or stack.mask_shapes else ()
        return Masks((*self.own, *secrets), others=shapes)

    async def about(self, stack: Stack) -> About:
        """Return what must not be said of *stack*, as far as it can be read now."""
        read = await asyncio.gather(
            *(self._read(name, source) for name, source in _sources(stack))
        )
        found = tuple(each for each in read if isinstance(each, Secret))
        # In a thread, because a thousand secrets take seconds.
        masks = await asyncio.to_thread(self.masks, stack, found)
        live = (masks for name, masks in self._live if name == stack.name)
        return About(
            secrets=(*self.own, *found),
            masks=(masks, *live),
            lacking=await asyncio.to_thread(unmaskable, found),
            unread=next((each for each in read if isinstance(each, str)), ""),
        )

    async def of_anybody(self, text: str, stack: Stack | None) -> str:
        """Return *text*, which somebody without a role typed, as it may be kept.

        For them no program is run, so what only a program knows is not masked: where
        there is such a secret, the text is not kept.
        """
        if stack is None:
            return self.masks(None).text(text)
        if any(isinstance(source, FromCommand) for _, source in _sources(stack)):
            return NOT_KEPT
        return await self.of_writer(text, stack)

    async def of_writer(self, text: str, stack: Stack) -> str:
        """Return *text*, which a writer of *stack* said, as it may be kept."""
        about = await self.about(stack)
        return NOT_KEPT if about.unread else about.text(text)

    @contextmanager
    def keeping(self, stack: StackName, masks: Masks) -> Iterator[None]:
        """Hide what *masks* hide from every text while the body runs."""
        live = stack, masks
        self._live.append(live)
        try:
            yield
        finally:
            self._live.remove(live)

    async def _read(self, name: str, source: ValueSource) -> Secret | str:
        """Return the secret, or say why it could not be read."""
        try:
            return Secret(name, await self.values.content(source))
        except SecretUnavailable as lack:
            return f"{name}: {lack}."


def names_in(text: str, secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Name those of *secrets* that stand in *text*; a thousand take a second."""
    return tuple(
        secret.name for secret in secrets if Masks((secret,)).text(text) != text
    )


def _sources(stack: Stack) -> Iterator[tuple[str, ValueSource]]:
    """Give every source of a secret with its name."""
    yield from stack.secrets.items()
    yield from ((file.path, file.source) for file in stack.files if file.secret)
