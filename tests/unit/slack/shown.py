"""What a rendered message shows, and what can be pressed in it."""

from typing import Any

from bot.slack.blocks import Block
from bot.slack.message import Message
from tests.support.bot import text_of


def shown(message: Message) -> str:
    """Return everything that the message shows, a line per block."""
    return text_of({"blocks": message.blocks, "text": message.text})


def said(message: Message) -> str:
    """Return the message's first paragraph."""
    return shown(message).split("\n")[0]


def blocks_of(message: Message, kind: str) -> list[Block]:
    """Return the blocks of one *kind*."""
    return [block for block in message.blocks if block["type"] == kind]


def buttons_in(message: Message) -> list[dict[str, Any]]:
    """Return the buttons as Slack gets them."""
    return [b for row in blocks_of(message, "actions") for b in row["elements"]]


def buttons_of(message: Message) -> list[str]:
    """Return what the buttons are for."""
    return [button["action_id"] for button in buttons_in(message)]


def preformatted_in(message: Message) -> list[str]:
    """Return what stands in code blocks."""
    return [
        str(block["elements"][0]["elements"][0]["text"])
        for block in blocks_of(message, "rich_text")
    ]
