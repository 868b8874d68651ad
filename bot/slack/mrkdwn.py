"""Slack's markup: escape what is said, mention who did it."""

import re
from datetime import datetime
from typing import Final, assert_never

from bot.domain.people import Actor, ActorKind

ELLIPSIS: Final = "…"
#: what a cut may leave behind of an entity, or of a mention, date or link of ours
_CUT_APART: Final = re.compile(r"(?:&[a-z]*|<[^<>]*)\Z")

#: as `bot.domain.judging` and `bot.control.approve` name whom they ask
_ASKED: Final = re.compile(r"\b(?:\d+ of|Ask) [^;\n]+?(?= ha(?:s|ve) to agree;|\.\Z)")
_PERSON: Final = re.compile(r"(?<= )[UW][A-Z0-9]{2,}(?=[ ,]|\Z)")


def escaped(text: str) -> str:
    """Escape exactly what Slack says must be: `&`, `<` and `>`.

    So no text of anybody's can mention people or make a link.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mentioning(text: str) -> str:
    """Escape what Handrail says, and mention the people whom a rule asks by their id.

    Only where it says so in its own words: `1 of @platform or U0ADA has to agree;`.
    """
    return _ASKED.sub(_mentioned, escaped(text))


def clipped(text: str, length: int) -> str:
    """Return *text* in at most *length* characters, cut at the end."""
    return text if len(text) <= length else text[: length - 1] + ELLIPSIS


def shortened(mrkdwn: str, length: int) -> str:
    """Return escaped text in at most *length* characters, nothing of it cut apart."""
    if len(mrkdwn) <= length:
        return mrkdwn
    return _CUT_APART.sub("", mrkdwn[: length - 1]) + ELLIPSIS


def _mentioned(asked: re.Match[str]) -> str:
    return _PERSON.sub(r"<@\g<0>>", asked.group())


def who(actor: Actor) -> str:
    """Mention a person; name any other hand."""
    match actor.kind:
        case ActorKind.PERSON:
            return f"<@{actor.id}>"
        case ActorKind.API_KEY:
            return f"api::{escaped(actor.id)}"
        case ActorKind.HANDRAIL:
            return "Handrail"
        case _:
            assert_never(actor.kind)


def when(moment: datetime) -> str:
    """Return a moment as the reader's own client writes it."""
    stamp = int(moment.timestamp())
    plain = moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"<!date^{stamp}^{{date_short_pretty}} {{time_secs}}|{plain}>"
