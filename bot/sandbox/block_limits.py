"""Which Block Kit blocks Slack takes, and how long their parts may be.

Numbers from https://docs.slack.dev/reference/block-kit; each problem is worded
as Slack does, ending in a JSON pointer.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from typing import Final, TypeAlias

from bot.sandbox.values import Payload

Problems: TypeAlias = Iterator[str]

#: options of a menu, and groups of them
MOST_OPTIONS: Final = 100

_UNCHECKED_ELEMENTS = (
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "workflow_button",
    "feedback_buttons",
    "icon_button",
)
#: they are fields of a form, and stand nowhere else
_FIELDS = {
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "rich_text_input",
    "file_input",
}
#: they do something at once, and are no fields
_PRESSED = {
    "button",
    "overflow",
    "image",
    "workflow_button",
    "feedback_buttons",
    "icon_button",
}
_UNCHECKED_BLOCKS = (
    "divider",
    "markdown",
    "file",
    "table",
    "data_table",
    "alert",
    "card",
    "video",
    "carousel",
    "task_card",
    "plan",
    "context_actions",
)
_RICH_TEXT_PARTS = {
    "rich_text_section",
    "rich_text_list",
    "rich_text_preformatted",
    "rich_text_quote",
}


def block_problems(blocks: object, *, most: int, root: str = "/blocks") -> list[str]:
    """Return what Slack would say against *blocks*, nothing if it takes them."""
    if not isinstance(blocks, list):
        return [f"must be an array [json-pointer:{root}]"]
    if len(blocks) > most:
        return [f"no more than {most} items allowed [json-pointer:{root}]"]
    found = chain.from_iterable(
        _block(block, f"{root}/{index}") for index, block in enumerate(blocks)
    )
    return [*found, *_repeated(blocks, "block_id", root)]


def text_size(blocks: object) -> int:
    """Return how many characters of text stand in *blocks*, at any depth."""
    if isinstance(blocks, list):
        return sum(map(text_size, blocks))
    if not isinstance(blocks, dict):
        return 0
    own = blocks.get("text")
    size = len(own) if isinstance(own, str) else 0
    return size + sum(map(text_size, blocks.values()))


def _block(block: object, at: str) -> Problems:
    if not isinstance(block, dict):
        yield f"must be an object [json-pointer:{at}]"
        return
    kind = block.get("type")
    check = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _length(block, "block_id", 255, at)
    yield from check(block, at)


def _section(block: Payload, at: str) -> Problems:
    if not block.get("text") and not block.get("fields"):
        yield f"missing required field: text [json-pointer:{at}]"
    if block.get("text"):
        yield from _text(block["text"], f"{at}/text", 3_000)
    yield from _count(block, "fields", 10, at)
    for index, field in enumerate(block.get("fields") or ()):
        yield from _text(field, f"{at}/fields/{index}", 2_000)
    if block.get("accessory"):
        yield from _element(block["accessory"], f"{at}/accessory")


def _header(block: Payload, at: str) -> Problems:
    yield from _text(block.get("text"), f"{at}/text", 150, plain=True)


def _context(block: Payload, at: str) -> Problems:
    yield from _required_list(block, at)
    yield from _count(block, "elements", 10, at)
    for index, element in enumerate(block.get("elements") or ()):
        where = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image(element, where)
        else:
            yield from _text(element, where, 2_000)


def _actions(block: Payload, at: str) -> Problems:
    yield from _required_list(block, at)
    yield from _count(block, "elements", 25, at)
    elements = block.get("elements") or []
    for index, element in enumerate(elements):
        yield from _element(element, f"{at}/elements/{index}")
    yield from _repeated(elements, "action_id", f"{at}/elements")


def _input(block: Payload, at: str) -> Problems:
    yield from _text(block.get("label"), f"{at}/label", 2_000, plain=True)
    if block.get("hint"):
        yield from _text(block["hint"], f"{at}/hint", 2_000, plain=True)
    yield from _element(block.get("element"), f"{at}/element", never=_PRESSED)


def _rich_text(block: Payload, at: str) -> Problems:
    yield from _required_list(block, at)
    for index, part in enumerate(block.get("elements") or ()):
        where = f"{at}/elements/{index}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _RICH_TEXT_PARTS:
            yield f"unsupported type: {kind} [json-pointer:{where}/type]"
        elif not isinstance(part.get("elements"), list):
            yield f"missing required field: elements [json-pointer:{where}]"


def _image(block: Payload, at: str) -> Problems:
    if not block.get("slack_file"):
        yield from _required(block, "image_url", at)
    yield from _required(block, "alt_text", at)
    yield from _length(block, "image_url", 3_000, at)
    yield from _length(block, "alt_text", 2_000, at)


def _anything(_part: Payload, _at: str) -> Problems:
    return iter(())


def _element(
    element: object, at: str, *, never: Collection[str] = frozenset(_FIELDS)
) -> Problems:
    if not isinstance(element, dict):
        yield f"missing required field: type [json-pointer:{at}]"
        return
    kind = element.get("type")
    check = _ELEMENTS.get(kind) if isinstance(kind, str) else None
    if check is None or kind in never:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from _length(element, "action_id", 255, at)
    if element.get("confirm"):
        yield from _confirm(element["confirm"], f"{at}/confirm")
    if element.get("placeholder"):
        yield from _text(element["placeholder"], f"{at}/placeholder", 150, plain=True)
    yield from check(element, at)


def _button(button: Payload, at: str) -> Problems:
    yield from _text(button.get("text"), f"{at}/text", 75, plain=True)
    yield from _length(button, "value", 2_000, at)
    yield from _length(button, "url", 3_000, at)
    yield from _style(button, at)


def _text_input(element: Payload, at: str) -> Problems:
    yield from _length(element, "initial_value", 3_000, at)
    for name, least in (("min_length", 0), ("max_length", 1)):
        if not least <= element.get(name, 1) <= 3_000:
            yield f"must be between {least} and 3000 [json-pointer:{at}/{name}]"


def options_problems(
    options: object,
    at: str = "/options",
    *,
    most: int = MOST_OPTIONS,
    ticked: bool = False,
) -> Problems:
    """Yield what Slack would say against *options*; what is *ticked* takes mrkdwn."""
    if not isinstance(options, list):
        yield f"must be an array [json-pointer:{at}]"
        return
    if len(options) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
    for index, option in enumerate(options):
        where = f"{at}/{index}"
        if not isinstance(option, dict):
            yield f"must be an object [json-pointer:{where}]"
            continue
        yield from _text(option.get("text"), f"{where}/text", 75, plain=not ticked)
        yield from _required(option, "value", where)
        yield from _length(option, "value", 150, where)
        if option.get("description"):
            about = f"{where}/description"
            yield from _text(option["description"], about, 75, plain=not ticked)


def _options_up_to(
    most: int, *, ticked: bool = False
) -> Callable[[Payload, str], Problems]:
    def check(element: Payload, at: str) -> Problems:
        if not element.get("options") and not element.get("option_groups"):
            yield f"missing required field: options [json-pointer:{at}]"
        lists = {"options": element.get("options") or []}
        yield from _count(element, "option_groups", MOST_OPTIONS, at)
        for index, group in enumerate(element.get("option_groups") or ()):
            where = f"option_groups/{index}"
            yield from _text(group.get("label"), f"{at}/{where}/label", 75, plain=True)
            lists[f"{where}/options"] = group.get("options") or []
        for where, options in lists.items():
            yield from options_problems(
                options, f"{at}/{where}", most=most, ticked=ticked
            )
        every = [some for some in lists.values() if isinstance(some, list)]
        yield from _initial(element, at, [one for some in every for one in some])

    return check


def _initial(element: Payload, at: str, options: list[Payload]) -> Problems:
    """Yield a problem unless what is chosen at first is an option, to the letter."""
    chosen = [element.get("initial_option"), *(element.get("initial_options") or ())]
    if any(option is not None and option not in options for option in chosen):
        yield f"must be one of the provided options [json-pointer:{at}/initial_option]"


def _external(element: Payload, at: str) -> Problems:
    first = element.get("initial_option")
    options = [*([first] if first else ()), *(element.get("initial_options") or ())]
    yield from options_problems(options, f"{at}/initial_option")
    least = element.get("min_query_length", 0)
    if not isinstance(least, int) or least < 0:
        yield f"must be 0 or more [json-pointer:{at}/min_query_length]"


def _confirm(confirm: object, at: str) -> Problems:
    if not isinstance(confirm, dict):
        yield f"must be an object [json-pointer:{at}]"
        return
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    for name, most in limits.items():
        yield from _text(confirm.get(name), f"{at}/{name}", most)
    yield from _style(confirm, at)


def _style(part: Payload, at: str) -> Problems:
    if part.get("style", "primary") not in {"primary", "danger"}:
        yield f"value must be one of primary, danger [json-pointer:{at}/style]"


def _text(text: object, at: str, most: int, *, plain: bool = False) -> Problems:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield f"missing required field: text [json-pointer:{at}]"
        return
    allowed = {"plain_text"} if plain else {"plain_text", "mrkdwn"}
    if text.get("type") not in allowed:
        yield f"unsupported type: {text.get('type')} [json-pointer:{at}/type]"
    if not text["text"]:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    yield from _length(text, "text", most, at)


def _length(part: Payload, name: str, most: int, at: str) -> Problems:
    value = part.get(name)
    if isinstance(value, str) and len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}/{name}]"


def _count(part: Payload, name: str, most: int, at: str) -> Problems:
    if len(part.get(name) or ()) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}/{name}]"


def _required(part: Payload, name: str, at: str) -> Problems:
    if not part.get(name):
        yield f"missing required field: {name} [json-pointer:{at}]"


def _required_list(part: Payload, at: str) -> Problems:
    return _required(part, "elements", at)


def _repeated(parts: list[object], name: str, at: str) -> Problems:
    seen: set[str] = set()
    for index, part in enumerate(parts):
        value = part.get(name) if isinstance(part, dict) else None
        if value and value in seen:
            yield f"{name} must be unique [json-pointer:{at}/{index}/{name}]"
        seen.add(value or "")


_BLOCKS: Final[Mapping[str, Callable[[Payload, str], Problems]]] = {
    **dict.fromkeys(_UNCHECKED_BLOCKS, _anything),
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "rich_text": _rich_text,
    "image": _image,
}
_ELEMENTS: Final[Mapping[str, Callable[[Payload, str], Problems]]] = {
    **dict.fromkeys(_UNCHECKED_ELEMENTS, _anything),
    **dict.fromkeys(_FIELDS, _anything),
    "button": _button,
    "plain_text_input": _text_input,
    "external_select": _external,
    "multi_external_select": _external,
    "image": _image,
    "static_select": _options_up_to(MOST_OPTIONS),
    "multi_static_select": _options_up_to(MOST_OPTIONS),
    "overflow": _options_up_to(5),
    "checkboxes": _options_up_to(10, ticked=True),
    "radio_buttons": _options_up_to(10, ticked=True),
}
