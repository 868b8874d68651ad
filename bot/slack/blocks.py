"""The few Block Kit blocks that messages are made of."""

from typing import Any

Block = dict[str, Any]


def section(mrkdwn: str) -> Block:
    """Return a paragraph, of at most 3,000 characters."""
    return {"type": "section", "text": _as_written(mrkdwn)}


def context(mrkdwn: str) -> Block:
    """Return a small grey line, of at most 2,000 characters."""
    return {"type": "context", "elements": [_as_written(mrkdwn)]}


def preformatted(text: str) -> Block:
    """Return *text* as it stands: nothing in it is markup, and no fence ends it."""
    return {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_preformatted",
                "elements": [{"type": "text", "text": text}],
            }
        ],
    }


def actions(*buttons: Block) -> list[Block]:
    """Return a row of buttons, or nothing when there are none."""
    return [{"type": "actions", "elements": list(buttons)}] if buttons else []


def button(
    action: str, label: str, *, value: str = "", style: str = "", confirm: str = ""
) -> Block:
    """Return a button that carries *value*; *confirm* is asked before it acts."""
    block: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label},
    }
    if value:
        block["value"] = value
    if style:
        block["style"] = style
    if confirm:
        block["confirm"] = {
            "title": {"type": "plain_text", "text": f"{label}?"},
            "text": {"type": "plain_text", "text": confirm},
            "confirm": {"type": "plain_text", "text": label},
            "deny": {"type": "plain_text", "text": "No"},
        }
    return block


def labelled_input(name: str, label: str, *, longest: int) -> Block:
    """Return a field for some lines of text, which have to be filled in."""
    return {
        "type": "input",
        "block_id": name,
        "label": {"type": "plain_text", "text": label},
        "element": {
            "type": "plain_text_input",
            "action_id": name,
            "multiline": True,
            "max_length": longest,
        },
    }


def _as_written(mrkdwn: str) -> Block:
    # Without "verbatim" Slack makes mentions of a plain `@channel` and links of
    # bare addresses (docs.slack.dev, "Text object").
    return {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}
