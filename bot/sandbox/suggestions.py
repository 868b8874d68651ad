"""What a menu with options of the app's own offers, asked for as somebody types."""

from typing import Final

from bot.sandbox.block_limits import MOST_OPTIONS, options_problems
from bot.sandbox.values import MethodError, Payload

#: characters that are typed before Slack asks the app, unless the menu says another
#: number: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
_LEAST_TYPED: Final = 3
_EXTERNAL: Final = frozenset({"external_select", "multi_external_select"})


class Suggestions:
    """The options that each menu of each view or message was given by the app."""

    def __init__(self) -> None:
        self._offered: dict[tuple[str, str, str], dict[str, Payload]] = {}

    def note(self, place: str, menu: Payload, answer: Payload) -> list[Payload]:
        """Return the options that *answer* offers, and remember them.

        *place* is the view or the message that the menu is in. Refuses what Slack's
        client shows as no result, which is all that it cannot make sense of.
        """
        options = _options_in(answer)
        known = self._offered.setdefault(_key(place, menu), {})
        known.update({option["value"]: option for option in options})
        return options

    def with_offers(self, place: str, blocks: list[Payload]) -> list[Payload]:
        """Return *blocks* whose menus have the options that can be chosen by now."""
        return [self._block(place, block) for block in blocks]

    def _block(self, place: str, block: Payload) -> Payload:
        name = block.get("block_id", "")

        def told(element: Payload) -> Payload:
            return self._element(place, {**element, "block_id": name})

        changed: Payload = {
            part: told(block[part])
            for part in ("element", "accessory")
            if isinstance(block.get(part), dict)
        }
        if block["type"] == "actions":
            changed["elements"] = [told(one) for one in block["elements"]]
        return {**block, **changed}

    def _element(self, place: str, element: Payload) -> Payload:
        bare = {name: part for name, part in element.items() if name != "block_id"}
        if element.get("type") not in _EXTERNAL:
            return bare
        first = [element["initial_option"]] if element.get("initial_option") else []
        offered = self._offered.get(_key(place, element), {})
        return {**bare, "options": [*first, *offered.values()]}


def is_asked(menu: Payload, typed: str) -> bool:
    """Tell whether the app is asked for what it offers to somebody who typed that."""
    if menu.get("type") not in _EXTERNAL:
        raise MethodError("action_not_found")
    return len(typed) >= int(menu.get("min_query_length", _LEAST_TYPED))


def _options_in(answer: Payload) -> list[Payload]:
    groups = answer.get("option_groups")
    lists = (
        [answer.get("options")]
        if groups is None
        else [group.get("options") for group in groups]
    )
    if len(lists) > MOST_OPTIONS or any(list(options_problems(one)) for one in lists):
        raise MethodError("invalid_options")
    return [option for options in lists for option in options or ()]


def _key(place: str, menu: Payload) -> tuple[str, str, str]:
    return place, str(menu.get("block_id", "")), str(menu.get("action_id", ""))
