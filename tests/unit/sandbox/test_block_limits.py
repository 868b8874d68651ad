import pytest

from bot.sandbox.block_limits import block_problems, text_size
from bot.sandbox.values import Payload


def plain(length: int) -> Payload:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Payload:
    return {"type": "mrkdwn", "text": "x" * length}


def button(**fields: object) -> Payload:
    return {"type": "button", "text": plain(1), **fields}


def actions(*elements: Payload) -> Payload:
    return {"type": "actions", "elements": list(elements)}


def entry(**fields: object) -> Payload:
    element = {"type": "plain_text_input", "action_id": "a", **fields}
    return {"type": "input", "label": plain(1), "element": element}


def options(count: int = 1, *, long: int = 1, **fields: object) -> list[Payload]:
    return [{"text": plain(long), "value": f"v{n}", **fields} for n in range(count)]


def field(kind: str, **fields: object) -> Payload:
    element = {"type": kind, "action_id": "a", **fields}
    return {"type": "input", "label": plain(1), "element": element}


SURE: Payload = {
    "title": plain(100),
    "text": mrkdwn(300),
    "confirm": plain(30),
    "deny": plain(30),
}
AT_THE_LIMIT: list[Payload] = [
    {"type": "section", "text": mrkdwn(3_000)},
    {"type": "section", "fields": [mrkdwn(2_000)] * 10},
    {"type": "header", "text": plain(150)},
    {"type": "context", "elements": [mrkdwn(1)] * 10},
    actions(*[button()] * 25),
    actions(button(text=plain(75), value="x" * 2_000, url="x" * 3_000)),
    actions(button(action_id="a" * 255)),
    actions(button(confirm=SURE)),
    entry(initial_value="x" * 3_000, min_length=0, max_length=3_000),
    field("static_select", options=options(100, long=75, description=plain(75))),
    field("static_select", option_groups=[{"label": plain(75), "options": options()}]),
    field("static_select", options=options(2), initial_option=options(2)[1]),
    field("external_select", min_query_length=0, initial_option=options()[0]),
    field("checkboxes", options=[{"text": mrkdwn(75), "value": "v" * 150}]),
    field("number_input", is_decimal_allowed=False),
    {"type": "divider", "block_id": "b" * 255},
    {"type": "image", "image_url": "https://x", "alt_text": "x"},
    {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": []}],
    },
]
OVER_THE_LIMIT: list[tuple[Payload, str]] = [
    ({"type": "section"}, "/blocks/0]"),
    ({"type": "section", "text": mrkdwn(3_001)}, "3001 characters"),
    ({"type": "section", "text": mrkdwn(0)}, "more than 0 characters"),
    ({"type": "section", "fields": [mrkdwn(2_001)]}, "/fields/0/text"),
    ({"type": "section", "fields": [mrkdwn(1)] * 11}, "no more than 10 items"),
    ({"type": "header", "text": plain(151)}, "151 characters"),
    ({"type": "header", "text": mrkdwn(1)}, "unsupported type: mrkdwn"),
    ({"type": "context", "elements": [mrkdwn(1)] * 11}, "no more than 10 items"),
    (actions(*[button()] * 26), "no more than 25 items"),
    (actions(), "missing required field: elements"),
    (actions(button(text=plain(76))), "76 characters"),
    (actions(button(value="x" * 2_001)), "/elements/0/value"),
    (actions(button(action_id="a" * 256)), "/elements/0/action_id"),
    (actions(button(action_id="a"), button(action_id="a")), "must be unique"),
    (actions(button(style="loud")), "/elements/0/style"),
    (actions(button(confirm={**SURE, "title": plain(101)})), "/confirm/title/text"),
    (actions(button(confirm={**SURE, "text": None})), "/confirm/text"),
    (actions(button(confirm={**SURE, "style": "loud"})), "/confirm/style"),
    (entry(initial_value="x" * 3_001), "/element/initial_value"),
    (entry(max_length=3_001), "between 1 and 3000"),
    (field("static_select", options=options(101)), "no more than 100 items"),
    (field("static_select", options=options(long=76)), "76 characters"),
    (field("static_select", options=options(value="v" * 151)), "151 characters"),
    (field("static_select", options=options(value="")), "field: value"),
    (field("static_select", options=options(text=mrkdwn(1))), "unsupported type"),
    (field("static_select", options=options(description=plain(76))), "/description"),
    (field("static_select", options=[]), "missing required field: options"),
    (
        field("static_select", options=options(), initial_option=options(2)[1]),
        "/initial_option",
    ),
    (
        field("static_select", option_groups=[{"label": plain(1), "options": 1}]),
        "must be an array",
    ),
    (field("external_select", min_query_length=-1), "/min_query_length"),
    (field("external_select", initial_option={"value": "v"}), "/initial_option"),
    (field("checkboxes", options=options(11)), "no more than 10 items"),
    (field("button", text=plain(1)), "unsupported type: button"),
    (actions({"type": "plain_text_input"}), "unsupported type: plain_text_input"),
    ({"type": "divider", "block_id": "b" * 256}, "/block_id"),
    ({"type": "marquee"}, "unsupported type: marquee"),
    ({"type": "rich_text", "elements": [{"type": "text"}]}, "unsupported type: text"),
]


@pytest.mark.parametrize("block", AT_THE_LIMIT)
def test_a_block_at_its_limit_is_taken(block: Payload) -> None:
    assert block_problems([block], most=50) == []


@pytest.mark.parametrize(("block", "problem"), OVER_THE_LIMIT)
def test_a_block_beyond_its_limit_is_pointed_at(block: Payload, problem: str) -> None:
    [found] = block_problems([block], most=50)

    assert problem in found
    assert "[json-pointer:/blocks/0" in found


def test_blocks_are_a_list_of_so_many_objects_with_ids_of_their_own() -> None:
    twice = [{"type": "divider", "block_id": "a"}] * 2

    assert block_problems({}, most=50) == ["must be an array [json-pointer:/blocks]"]
    assert "no more than 50" in block_problems([{"type": "divider"}] * 51, most=50)[0]
    assert "must be unique" in block_problems(twice, most=50)[0]


def test_text_is_counted_at_any_depth() -> None:
    rich = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_preformatted",
                "elements": [{"type": "text", "text": "abc"}],
            }
        ],
    }

    assert text_size([rich, {"type": "section", "text": mrkdwn(4)}]) == 7
