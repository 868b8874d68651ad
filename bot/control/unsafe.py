"""Keep secrets out of commands before anything of them is recorded."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from bot.control.secrecy import About, Secrecy
from bot.domain.errors import Refusal, Refused
from bot.domain.sentences import in_command, not_maskable
from bot.domain.stack import Stack
from runner.masking.secrets import Secret


@dataclass(slots=True)
class Known:
    """What must not be said of the stack, once it is known who asks."""

    about: About | None = None


async def refuse_secrets(
    secrecy: Secrecy, text: str, stack: Stack, known: Known
) -> None:
    """Refuse what would put a secret into the record, or could not mask one.

    Only for who may run something: for others no program is run that reads a secret.
    """
    known.about = about = await secrecy.about(stack)
    if about.unread:
        raise Refused(f"{about.unread} So nothing was run.", reason=Refusal.UNAVAILABLE)
    if stack.strict_masking and about.lacking:
        sentence = not_maskable(stack.name, about.lacking)
        raise Refused(sentence, reason=Refusal.UNSAFE)
    if about.text(text) != text:
        names = await asyncio.to_thread(about.names_in, text)
        raise Refused(_telling(names, secrecy.own), reason=Refusal.UNSAFE)


def _telling(names: tuple[str, ...], own: Iterable[Secret]) -> str:
    if {secret.name for secret in own}.intersection(names):
        return (
            "The command contains one of Handrail's own tokens, so it was neither run "
            "nor recorded. Replace that token now, and take it out of the command."
        )
    return in_command(names)
