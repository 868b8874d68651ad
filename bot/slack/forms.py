"""The forms that open over a conversation."""

from datetime import datetime
from typing import Any, Final

from bot.slack.blocks import Block, labelled_input, section
from bot.slack.mrkdwn import escaped

STEAL: Final = "steal"
REASON: Final = "reason"
SAY_WHY: Final = "Say why, because the holder is told."

_REASON_LENGTH: Final = 500


def steal(hold: str, *, channel: str, thread_ts: str) -> Block:
    """Return the form that asks why a hold is taken over.

    *hold* is what the button says: the stack, `|`, since when it is held.
    """
    stack, _, since = hold.partition("|")
    return {
        "type": "modal",
        "callback_id": STEAL,
        # What is submitted does not say where the form was opened.
        "private_metadata": f"{channel}|{thread_ts}|{since}",
        "title": {"type": "plain_text", "text": "Take over a lock"},
        "submit": {"type": "plain_text", "text": "Steal"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            section(
                f"You take over the lock on *{escaped(stack)}*. Whoever has it now is "
                "told so, with your reason."
            ),
            labelled_input(REASON, "Why?", longest=_REASON_LENGTH),
        ],
    }


def reason_in(view: dict[str, Any]) -> str:
    """Return the reason that was filled in, "" for none."""
    field: dict[str, Any] = view["state"]["values"].get(REASON, {}).get(REASON, {})
    return str(field.get("value") or "").strip()


def place_in(view: dict[str, Any]) -> tuple[str, str]:
    """Return the channel and the thread that the form was opened in."""
    channel, thread_ts, _ = _kept_in(view)
    return channel, thread_ts


def since_in(view: dict[str, Any]) -> datetime | None:
    """Return since when the hold is that the form was opened for."""
    _, _, since = _kept_in(view)
    return datetime.fromisoformat(since) if since else None


def _kept_in(view: dict[str, Any]) -> tuple[str, str, str]:
    channel, _, more = str(view["private_metadata"]).partition("|")
    thread_ts, _, since = more.partition("|")
    return channel, thread_ts, since
