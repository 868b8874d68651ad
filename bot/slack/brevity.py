"""Messages that Slack did not take at their length, and less of them."""

from typing import Final

from bot.domain.run import Run
from bot.slack.blocks import Block, context
from bot.slack.message import Message, line
from bot.slack.mrkdwn import ELLIPSIS, shortened

_LENGTH: Final = 700
_SAID: Final = "Slack did not take this at its whole length."


def shorter(message: Message) -> Message:
    """Return *message* with every text of it cut, and that it says so."""
    blocks = [_cut(block) for block in message.blocks]
    return Message(text=message.text, blocks=[*blocks, context(_SAID)])


def bare(message: Message) -> Message:
    """Return the text of *message* alone."""
    return Message(text=f"{message.text} ({_SAID})", blocks=[])


def unmade(run: Run) -> Message:
    """Return what is said of the end of *run* where nothing else can be made of it."""
    return line(
        f"Run {run.id} has ended: {run.state}. Its final message could not be made; "
        f"`handrail output {run.id}` on the bot's host prints its output."
    )


def _cut(block: Block) -> Block:
    match block:
        case {"type": "section", "text": {"text": str(text)}}:
            text = shortened(text, _LENGTH)
            return {**block, "text": {**block["text"], "text": text}}
        case {"type": "rich_text", "elements": [{"elements": [{"text": str(text)}]}]}:
            return _cut_code(block, text)
        case _:
            return block


def _cut_code(block: Block, text: str) -> Block:
    if len(text) <= _LENGTH:
        return block
    half = _LENGTH // 2
    kept = f"{text[:half]}\n{ELLIPSIS}\n{text[-half:]}"
    (code,) = block["elements"]
    return {
        **block,
        "elements": [{**code, "elements": [{"type": "text", "text": kept}]}],
    }
