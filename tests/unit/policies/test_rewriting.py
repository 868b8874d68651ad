"""A policy is moved into a package of its own, and its places are found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.rego import place_of, place_of_rule, tokens
from bot.policies.rewriting import package_of, rewritten, says_v1

HOMES = {"spacelift": "root.p"}

#: what Rego is made of, and what may be mistaken for it
PIECES = st.sampled_from(
    [
        *("package ", "spacelift", "data", ".", "[", "]", '"', "`", "#", "\n", " "),
        *("import ", "rego.v1", "as", "\\", "é", "{", "}", "deny", '"spacelift"'),
    ]
)


def moved(source: str, *, v1: bool = False) -> str:
    """Return *source* as OPA would get it."""
    return rewritten(source, HOMES, v1=v1).text


@pytest.mark.parametrize(
    ("source", "package"),
    [
        ("package spacelift", "spacelift"),
        ("# package a\n\n package  spacelift # b\nx = 1", "spacelift"),
        ("package a.b\n.c", "a.b"),
        ("package\nspacelift\nx = 1", "spacelift"),
        ("x = 1\npackage spacelift", ""),
        ("package", ""),
        ("", ""),
    ],
)
def test_the_package_is_what_is_declared(source: str, package: str) -> None:
    assert package_of(source) == package


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("package spacelift", "package root.p"),
        ("package spacelift.tests", "package root.p.tests"),
        ("package spacelifter", "package spacelifter"),
        (
            "package spacelift\nx = data.spacelift.y",
            "package root.p\nx = data.root.p.y",
        ),
        ("x = data.spacelift[y]", "x = data.root.p[y]"),
        ("x = data.spacelifts.y", "x = data.spacelifts.y"),
        ("x = input.data.spacelift", "x = input.data.spacelift"),
        ('x = data["spacelift"].y', 'x = data["root"]["p"].y'),
        ("x = data[`spacelift`].y", 'x = data["root"]["p"].y'),
        ('x = "data.spacelift"', 'x = "data.spacelift"'),
        ('x = "\\"data.spacelift"', 'x = "\\"data.spacelift"'),
        ("x = `\ndata.spacelift`", "x = `\ndata.spacelift`"),
        ("x = 1 # data.spacelift", "x = 1 # data.spacelift"),
        ("import data.spacelift", "import data.root.p as spacelift"),
        ("import data.spacelift as s", "import data.root.p as s"),
        ("import data.spacelift.team", "import data.root.p.team"),
    ],
)
def test_references_follow_the_package(source: str, text: str) -> None:
    assert moved(source) == text


def test_the_second_syntax_is_said_once() -> None:
    assert moved("package spacelift # a\nx := 1", v1=True) == (
        "package root.p\nimport rego.v1 # a\nx := 1"
    )
    said = "package spacelift\nimport rego.v1\nx := 1"
    assert moved(said, v1=True) == "package root.p\nimport rego.v1\nx := 1"
    assert says_v1(said)
    assert not says_v1("package a # import rego.v1")


def test_a_place_is_found_again_whatever_was_put_before_it() -> None:
    source = "package spacelift\n\nx := data.spacelift.y + oops\n"
    text = rewritten(source, HOMES, v1=True, behind="\nmore = 1\n")

    row, column = place_of(text.text, "oops")

    assert (row, column) == (4, 22)
    assert text.place(row, column) == place_of(source, "oops") == (3, 25)
    assert text.place(4, 1) == (3, 1)
    assert text.place(2, 3) == (1, 18)
    assert text.place(7, 1) == (4, 1)
    assert text.place(99, 1) == (0, 0)
    assert text.place(0, 0) == (0, 0)


def test_a_rule_is_where_a_row_begins_with_it() -> None:
    source = "package a\n\nx { deny }\n  deny := 1\ndeny := 2\n"

    assert place_of_rule(source, "deny") == (5, 1)
    assert place_of_rule("x { deny }", "deny") == (1, 5)
    assert place_of_rule("x", "deny") == (0, 0)
    assert place_of("x := http.sender(http.send)", "http.send") == (1, 18)


@given(st.lists(PIECES).map("".join))
def test_any_text_is_taken_apart_and_only_names_are_replaced(source: str) -> None:
    text = rewritten(source, HOMES, v1=True)
    left = source
    for token in tokens(source):
        assert source[token.start : token.end] == token.text
        left = left.replace(token.text, "", 1)

    assert text.source == source
    for edit in text.edits:
        assert source[edit.start : edit.end] in {"spacelift", '"spacelift"', ""} or (
            source[edit.start : edit.end].strip('`"') == "spacelift"
        )


@given(st.lists(PIECES).map("".join))
def test_what_is_not_changed_keeps_its_place(source: str) -> None:
    text = rewritten(source, {}, v1=False)

    assert text.text == source
    for row, line in enumerate(source.split("\n"), 1):
        assert text.place(row, 1) == (row, 1)
        assert text.place(row, len(line) + 1) == (row, len(line) + 1)
