"""What a saved plan would change, out of what `show -json` prints of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.plan import (
    LONGEST_LINE,
    LONGEST_TEXT,
    MOST_LINES,
    PlanSummary,
    summary_of,
    text_of,
)


def a_change(address: str, *actions: str, **more: object) -> dict[str, object]:
    change = {"actions": list(actions), "before": None, "after": {"x": "s3cret-value"}}
    change |= {"importing": {"id": "i-1"}} if more.pop("imported", False) else {}
    return {"address": address, "change": change, **more}


def a_plan(*changes: dict[str, object], **more: object) -> bytes:
    plan = {
        "format_version": "1.2",
        "variables": {"password": {"value": "s3cret-value"}},
        "planned_values": {},
        "resource_changes": list(changes),
        **more,
    }
    return json.dumps(plan).encode()


def summary(*changes: dict[str, object], **more: object) -> PlanSummary:
    found = summary_of(a_plan(*changes, **more))
    assert found is not None
    return found


def test_the_counts_come_first_and_then_one_change_a_line_what_destroys_above() -> None:
    told = summary(
        a_change("a.made", "create"),
        a_change("a.kept", "no-op"),
        a_change("data.a.read", "read", mode="data"),
        a_change("a.changed", "update"),
        a_change("a.replaced", "delete", "create"),
        a_change("a.renewed", "create", "delete"),
        a_change('a.gone["x"]', "delete"),
    )

    assert told.text == (
        "3 to add, 1 to change, 3 to destroy\n"
        '- a.gone["x"]\n'
        "-/+ a.replaced\n"
        "+/- a.renewed\n"
        "~ a.changed\n"
        "+ a.made"
    )
    assert not told.changes_nothing


def test_imports_moves_and_what_is_forgotten_are_told() -> None:
    told = summary(
        a_change("a.new", "no-op", previous_address="a.old"),
        a_change("a.found", "update", imported=True),
        a_change("a.left", "forget"),
        a_change("a.it", "delete", deposed="ab12"),
    )

    assert told.text == (
        "0 to add, 1 to change, 1 to destroy, 1 to import, 1 to move, 1 to forget\n"
        "- a.it (deposed ab12)\n"
        ". a.left\n"
        "~ a.found (imported)\n"
        "= a.new (moved from a.old)"
    )


def test_a_plan_may_change_outputs_alone() -> None:
    told = summary(
        output_changes={
            "new": {"actions": ["create"], "after": "s3cret-value"},
            "same": {"actions": ["no-op"]},
            "old": {"actions": ["delete"]},
        }
    )

    assert told.text == (
        "0 to add, 0 to change, 0 to destroy, 2 outputs to change\n"
        "+ output.new\n"
        "- output.old"
    )
    assert not told.changes_nothing


@pytest.mark.parametrize(
    ("more", "changes_nothing"),
    [({}, True), ({"applyable": False}, True), ({"applyable": True}, False)],
)
def test_nothing_is_to_be_changed_unless_the_tool_says_that_it_is_worth_applying(
    more: dict[str, object], *, changes_nothing: bool
) -> None:
    told = summary(a_change("a.kept", "no-op"), **more)

    assert told.changes_nothing is changes_nothing
    assert told.text == "0 to add, 0 to change, 0 to destroy"


def test_a_change_is_never_taken_for_none_whatever_the_tool_says() -> None:
    assert not summary(a_change("a.b", "create"), applyable=False).changes_nothing


def test_no_value_of_the_plan_is_told() -> None:
    told = summary(
        a_change("a.b", "create"), output_changes={"o": {"actions": ["update"]}}
    )

    assert "s3cret-value" not in repr(told)


def test_what_is_told_is_hidden_before_it_is_cut() -> None:
    address = f'a.b["{"x" * (LONGEST_LINE - 12)}s3cret-value"]'
    plan = a_plan(a_change(address, "create"))

    told = summary_of(plan, lambda text: text.replace("s3cret-value", "*****"))

    assert told is not None
    assert "s3" not in told.text
    assert len(told.lines[0]) <= LONGEST_LINE


def test_of_very_many_changes_the_first_are_told_and_all_are_counted() -> None:
    changes = [a_change(f"a.b[{nth}]", "create") for nth in range(MOST_LINES + 5)]

    told = summary(*changes)

    assert (told.adds, len(told.lines)) == (MOST_LINES + 5, MOST_LINES)
    assert told.text.endswith("\n… and 5 more")


def test_an_address_is_one_line_that_can_be_printed() -> None:
    told = summary(a_change('a.b["\x1b[31m\u202e"]', "create"))

    assert told.lines == ('+ a.b["?[31m?"]',)


@pytest.mark.parametrize(
    "shown",
    [
        b"",
        b"\xff",
        b"[]",
        b"2 to add",
        b'{"format_version": "1.0", "values": {}}',
        b'{"format_version": "2.0", "planned_values": {}}',
        b'{"planned_values": {}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_known_plan_has_no_summary(shown: bytes) -> None:
    assert summary_of(shown) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["change", "actions", "address", "deposed", "importing", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(changes=_JSON, outputs=_JSON)
def test_a_plan_of_any_other_form_is_read_without_an_error(
    changes: object, outputs: object
) -> None:
    document = {
        "format_version": "1.2",
        "resource_changes": changes,
        "output_changes": outputs,
    }

    assert summary_of(json.dumps(document).encode()) is not None


def test_the_text_of_another_tool_is_told_as_it_is_but_for_what_cannot_be_printed() -> (
    None
):
    assert text_of(b"\n2 to make\r\n\t\x1b[1mone to keep\n") == (
        "2 to make\n\t?[1mone to keep"
    )


def test_a_long_text_is_hidden_and_then_cut() -> None:
    shown = b"x" * (LONGEST_TEXT - 6) + b"s3cret-value"

    told = text_of(shown, lambda text: text.replace("s3cret-value", "*****"))

    assert told.endswith("x*****")
    assert text_of(b"y" * (LONGEST_TEXT + 1)).endswith("y\n… (cut)")


@pytest.mark.parametrize("shown", [b' {"variables": {}}', b"[1]"])
def test_json_that_nobody_understands_is_not_told(shown: bytes) -> None:
    assert text_of(shown) == ""
