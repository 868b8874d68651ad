"""What a person filled in: elements found in blocks, and a form's state."""

from collections.abc import Iterator

from bot.sandbox.values import MethodError, Payload

#: https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
_LONGEST = 3_000
_CHOSEN_FIELDS = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}


def find_element(
    blocks: object, action_id: str, block_id: str = "", *, acting: bool = False
) -> Payload:
    """Return the element called *action_id*, with its block, as an action.

    *acting* it has to tell the app at once; a field does so if its block asks for it.
    """
    for block, element in _elements(blocks):
        in_block = not block_id or block.get("block_id") == block_id
        is_quiet = block["type"] == "input" and not block.get("dispatch_action")
        if in_block and element.get("action_id") == action_id:
            if acting and is_quiet:
                break
            return {**element, "block_id": block.get("block_id", "")}
    raise MethodError("action_not_found")


def chosen(element: Payload, selected: object) -> Payload:
    """Return the action's fields for a choice: a value, several, or an option."""
    if isinstance(selected, list):
        options = [
            one if isinstance(one, dict) else _option(element, one) for one in selected
        ]
        return {"selected_options": options}
    if isinstance(selected, dict):
        return {"selected_option": selected}
    if "options" in element or "option_groups" in element:
        return {"selected_option": _option(element, selected)}
    field = _CHOSEN_FIELDS.get(element["type"], "value")
    return {field: selected}


def state_values(view: Payload, values: Payload) -> Payload:
    """Return Slack's `state.values` of *view*.

    *values* has, by block and action id, either Slack's own object or, for
    short, a text, an option value, or a list of option values.
    """
    state: Payload = {}
    for block, element in _elements(view["blocks"]):
        action, name = element.get("action_id"), block["block_id"]
        if action is None or element["type"] == "button":
            continue
        given = values.get(name, {}).get(action)
        state.setdefault(name, {})[action] = _state(element, given)
    return state


def kept(blocks: object, state: Payload) -> Payload:
    """Return what of *state* is about elements that *blocks* still have.

    A client keeps what was filled in as long as block and action id stay the same.
    """
    there = {(b["block_id"], e.get("action_id")) for b, e in _elements(blocks)}
    return {
        name: {action: one for action, one in states.items() if (name, action) in there}
        for name, states in state.items()
    }


def input_problems(view: Payload) -> Payload:
    """Return the client's own complaints by block id: left empty, or too long."""
    values = view["state"]["values"]
    problems = {
        block["block_id"]: _problem(block, values.get(block["block_id"], {}))
        for block in view["blocks"]
        if block["type"] == "input"
    }
    return {name: problem for name, problem in problems.items() if problem}


def _problem(block: Payload, states: Payload) -> str:
    if not any(map(_is_filled, states.values())):
        return "" if block.get("optional") else "Please complete this required field."
    element = block["element"]
    if element["type"] != "plain_text_input":
        return ""
    length = len(states[element["action_id"]]["value"])
    most, least = element.get("max_length", _LONGEST), element.get("min_length", 0)
    if length > most:
        return f"This entry needs to be {most} characters or fewer."
    if length < least:
        return f"This entry needs to be {least} characters or more."
    return ""


def _state(element: Payload, given: object) -> Payload:
    kind = element["type"]
    if isinstance(given, dict):
        return {**given, "type": kind}
    if kind in {"checkboxes", "multi_static_select", "multi_external_select"}:
        chosen = given if isinstance(given, list) else []
        initial = element.get("initial_options", []) if given is None else []
        return {
            "type": kind,
            "selected_options": initial or [_option(element, v) for v in chosen],
        }
    if kind in {"static_select", "external_select", "radio_buttons"}:
        initial_option = element.get("initial_option")
        option = initial_option if given is None else _option(element, given)
        return {"type": kind, "selected_option": option}
    field = _CHOSEN_FIELDS.get(kind, "value")
    first = element.get(field.replace("selected", "initial"))
    initial = element.get("initial_value", first)
    return {"type": kind, field: initial if given is None else given}


def _option(element: Payload, value: object) -> Payload:
    grouped = [g["options"] for g in element.get("option_groups", ())]
    for options in [element.get("options", ()), *grouped]:
        for option in options:
            if option["value"] == value:
                found: Payload = option
                return found
    raise MethodError("option_not_found")


def _is_filled(state: Payload) -> bool:
    chosen = (value for name, value in state.items() if name != "type")
    return any(chosen)


def _elements(blocks: object) -> Iterator[tuple[Payload, Payload]]:
    if not isinstance(blocks, list):
        return
    for block in blocks:
        inside = [block.get("accessory"), block.get("element")]
        if block["type"] in {"actions", "context_actions"}:
            inside += block["elements"]
        for element in inside:
            if element:
                yield block, element
