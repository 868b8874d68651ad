"""Block Kit, in few words."""

from tests.e2e.page_stub import Json, Object


def plain(text: str) -> Object:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Object:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def options(*words: str) -> list[Json]:
    """Options whose values are their words in lower case."""
    return [{"text": plain(word), "value": word.lower()} for word in words]


def button(text: str, **more: Json) -> Object:
    """A button whose action is its text in lower case."""
    return {"type": "button", "text": plain(text), "action_id": text.lower(), **more}


def field(name: str, element: Object, **more: Json) -> Object:
    """An input block whose label, block and action are called *name*."""
    named: Object = {**element, "action_id": name}
    label = plain(name.title())
    return {"type": "input", "block_id": name, "label": label, "element": named, **more}


def form(*blocks: Object) -> Object:
    """An update that opens a modal, or replaces the one that is open."""
    view: Object = {
        "id": "V1",
        "type": "modal",
        "title": plain("Run a task"),
        "submit": plain("Run"),
        "blocks": list(blocks),
    }
    return {"type": "view", "view": view}
