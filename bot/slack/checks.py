"""What would become of a command, as the one person who asked is shown it."""

from collections.abc import Iterator, Mapping
from typing import Final

from bot.control.check_task import Checked
from bot.domain.opinion import Stance
from bot.slack.blocks import Block, context, preformatted, section
from bot.slack.message import SECTION_LENGTH
from bot.slack.mrkdwn import clipped, escaped, mentioning, shortened
from bot.slack.whispers import Whisper

_COMMAND_LENGTH: Final = 2_000
_CONTEXT_LENGTH: Final = 2_000
_VERDICTS: Final[Mapping[Stance, str]] = {
    Stance.REFUSES: ":no_entry: *It would be refused.*",
    Stance.ASKS: ":raised_hand: *It would wait until people agree to it.*",
    Stance.AGREES: ":white_check_mark: *It would run; nobody has to agree.*",
}
_SIGNS: Final[Mapping[Stance, str]] = {
    Stance.REFUSES: ":no_entry:",
    Stance.ASKS: ":raised_hand:",
    Stance.AGREES: ":white_check_mark:",
}
_HELD: Final = ":lock: *Not now.*"


def shown(checked: Checked) -> Whisper:
    """Render what *checked* says: the verdict, by which rules, and what blocks now."""
    return Whisper(
        text=f"{_verdict(checked)} Nothing was run.", blocks=list(_blocks(checked))
    )


def _blocks(checked: Checked) -> Iterator[Block]:
    yield section(f":mag: *{escaped(checked.stack)}*")
    if checked.asked:
        yield preformatted(clipped(checked.asked, _COMMAND_LENGTH))
    yield section(_verdict(checked))
    if why := "\n".join(_reasons(checked)):
        yield section(shortened(why, SECTION_LENGTH))
    if checked.held:
        yield section(shortened(f"{_HELD} {escaped(checked.held)}", SECTION_LENGTH))
    if checked.now:
        yield context(shortened(f"Now: {mentioning(checked.now)}", _CONTEXT_LENGTH))


def _verdict(checked: Checked) -> str:
    return _VERDICTS[checked.stance]


def _reasons(checked: Checked) -> Iterator[str]:
    if checked.refusal:
        yield escaped(checked.refusal)
    for opinion in checked.opinions:
        for line in opinion.lines:
            yield f"{_SIGNS[opinion.stance]} {mentioning(line)}"
