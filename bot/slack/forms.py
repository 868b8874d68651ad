"""The forms that open over a conversation and ask why."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from bot.domain.words import Reject, Steal, Word
from bot.slack.blocks import Block, labelled_input, section
from bot.slack.mrkdwn import escaped

STEAL: Final = "steal"
REJECT: Final = "reject"
REJECT_AT_HOME: Final = "home_reject"
REASON: Final = "reason"

_REASON_LENGTH: Final = 500
_NO_REASON: Final = {
    STEAL: "Say why, because the holder is told.",
    REJECT: "Say why, because the thread is told.",
    REJECT_AT_HOME: "Say why, because the thread is told.",
}


def steal(hold: str, *, channel: str, thread_ts: str) -> Block:
    """Return the form that asks why a hold is taken over.

    *hold* is what the button says: the stack, `|`, since when it is held.
    """
    stack, _, since = hold.partition("|")
    return _form(
        STEAL,
        f"You take over the lock on *{escaped(stack)}*. Whoever has it now is told so, "
        "with your reason.",
        title="Take over a lock",
        submit="Steal",
        # What is submitted does not say where the form was opened.
        kept=f"{channel}|{thread_ts}|{since}",
    )


def reject(
    subject: str, *, channel: str, thread_ts: str, callback_id: str = REJECT
) -> Block:
    """Return the form that asks why a run is rejected; *subject* is what was seen."""
    return _form(
        callback_id,
        "The run does not start. Its thread is told so, with your reason.",
        title="Reject a run",
        submit="Reject",
        kept=f"{channel}|{thread_ts}|{subject}",
    )


def not_taken(sentence: str) -> dict[str, str]:
    """Return what a form says, by its field, that stays open."""
    return {REASON: sentence}


def missing_in(view: dict[str, Any]) -> str:
    """Return what is missing in a form that was sent, "" for nothing."""
    return "" if reason_in(view) else _NO_REASON[view["callback_id"]]


def reason_in(view: dict[str, Any]) -> str:
    """Return the reason that was filled in, "" for none."""
    field: dict[str, Any] = view["state"]["values"].get(REASON, {}).get(REASON, {})
    return str(field.get("value") or "").strip()


def place_in(view: dict[str, Any]) -> tuple[str, str]:
    """Return the channel and the thread that the form was opened in."""
    channel, thread_ts, _ = _kept_in(view)
    return channel, thread_ts


def word_in(view: dict[str, Any]) -> Word:
    """Return what is said by submitting the form."""
    _, _, about = _kept_in(view)
    return WORDS[view["callback_id"]](reason_in(view), about)


def _stolen(reason: str, since: str) -> Steal:
    return Steal(reason=reason, since=datetime.fromisoformat(since) if since else None)


def _rejected(reason: str, subject: str) -> Reject:
    return Reject(note=reason, subject=subject)


#: what a form says, made of the reason and of what it was opened about
WORDS: Final[dict[str, Callable[[str, str], Word]]] = {
    STEAL: _stolen,
    REJECT: _rejected,
    REJECT_AT_HOME: _rejected,
}


def _form(name: str, told: str, *, title: str, submit: str, kept: str) -> Block:
    return {
        "type": "modal",
        "callback_id": name,
        "private_metadata": kept,
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": submit},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            section(told),
            labelled_input(REASON, "Why?", longest=_REASON_LENGTH),
        ],
    }


def _kept_in(view: dict[str, Any]) -> tuple[str, str, str]:
    channel, _, more = str(view["private_metadata"]).partition("|")
    thread_ts, _, about = more.partition("|")
    return channel, thread_ts, about
