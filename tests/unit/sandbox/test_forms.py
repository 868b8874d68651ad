import pytest

from bot.sandbox.forms import (
    chosen,
    find_element,
    input_problems,
    kept,
    state_values,
)
from bot.sandbox.values import MethodError, Payload

NET = {"text": {"type": "plain_text", "text": "net"}, "value": "net"}
SELECT: Payload = {"type": "static_select", "action_id": "stack", "options": [NET]}
CHECK: Payload = {
    "type": "checkboxes",
    "action_id": "init",
    "options": [NET],
    "initial_options": [NET],
}
TEXT: Payload = {"type": "plain_text_input", "action_id": "command"}


def an_input(block_id: str, element: Payload, **fields: object) -> Payload:
    return {"type": "input", "block_id": block_id, "element": element, **fields}


def test_an_element_is_found_in_its_block() -> None:
    blocks = [
        {"type": "section", "block_id": "a", "accessory": SELECT},
        {"type": "actions", "block_id": "b", "elements": [SELECT]},
    ]

    assert find_element(blocks, "stack")["block_id"] == "a"
    assert find_element(blocks, "stack", "b")["block_id"] == "b"
    with pytest.raises(MethodError, match="action_not_found"):
        find_element(blocks, "stack", "c")


@pytest.mark.parametrize(
    ("element", "selected", "fields"),
    [
        (SELECT, "net", {"selected_option": NET}),
        (SELECT, NET, {"selected_option": NET}),
        (CHECK, ["net"], {"selected_options": [NET]}),
        ({"type": "users_select"}, "U1", {"selected_user": "U1"}),
    ],
)
def test_a_choice_by_value_becomes_slacks_option(
    element: Payload, selected: object, fields: Payload
) -> None:
    assert chosen(element, selected) == fields


def test_a_form_starts_from_what_its_elements_say() -> None:
    view = {"blocks": [an_input("i", CHECK), an_input("c", TEXT)]}

    state = state_values(view, {"c": {"command": "plan"}})

    assert state["i"]["init"]["selected_options"] == [NET]
    assert state["c"]["command"] == {"type": "plain_text_input", "value": "plan"}


def test_an_empty_list_unticks_what_was_ticked() -> None:
    view = {"blocks": [an_input("i", CHECK)]}

    state = state_values(view, {"i": {"init": []}})

    assert state["i"]["init"]["selected_options"] == []


def test_only_inputs_that_are_not_optional_must_be_filled() -> None:
    blocks = [an_input("a", TEXT), an_input("b", TEXT, optional=True)]
    view: Payload = {"blocks": blocks}
    view["state"] = {"values": state_values(view, {})}

    assert list(input_problems(view)) == ["a"]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("a", "This entry needs to be 2 characters or more."),
        ("ab", ""),
        ("abc", ""),
        ("abcd", "This entry needs to be 3 characters or fewer."),
    ],
)
def test_a_text_keeps_to_the_lengths_of_its_input(typed: str, problem: str) -> None:
    view: Payload = {
        "blocks": [an_input("a", {**TEXT, "min_length": 2, "max_length": 3})]
    }
    view["state"] = {"values": state_values(view, {"a": {"command": typed}})}

    assert input_problems(view) == ({"a": problem} if problem else {})


def test_a_text_without_a_limit_of_its_own_has_slacks() -> None:
    view: Payload = {"blocks": [an_input("a", TEXT)]}
    view["state"] = {"values": state_values(view, {"a": {"command": "x" * 3_001}})}

    assert "3000 characters or fewer" in input_problems(view)["a"]


def test_a_field_acts_only_where_its_block_asks_for_it() -> None:
    quiet, telling = an_input("q", SELECT), an_input("t", SELECT, dispatch_action=True)

    assert find_element([quiet], "stack")["block_id"] == "q"
    assert find_element([telling], "stack", acting=True)["block_id"] == "t"
    with pytest.raises(MethodError, match="action_not_found"):
        find_element([quiet], "stack", acting=True)


def test_what_is_filled_in_is_kept_by_block_and_action() -> None:
    state = {"a": {"command": 1, "other": 2}, "b": {"command": 3}}

    assert kept([an_input("a", TEXT)], state) == {"a": {"command": 1}, "b": {}}


def test_a_choice_out_of_the_apps_own_options_must_have_been_offered() -> None:
    menu: Payload = {"type": "external_select", "action_id": "stack"}
    bare = {"blocks": [an_input("s", menu)]}
    offered = {"blocks": [an_input("s", {**menu, "options": [NET]})]}

    state = state_values(offered, {"s": {"stack": "net"}})

    assert state["s"]["stack"] == {"type": "external_select", "selected_option": NET}
    with pytest.raises(MethodError, match="option_not_found"):
        state_values(bare, {"s": {"stack": "net"}})
