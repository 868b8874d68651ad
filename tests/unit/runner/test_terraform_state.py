import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.terraform_state import (
    MOST_BYTES,
    MOST_LINES,
    MOST_VALUES,
    sensitive_values,
)

PASSWORD = "correct-horse-battery"


def a_resource(values: object, marks: object, **more: object) -> dict[str, object]:
    return {
        "address": "aws_db_instance.main",
        "mode": "managed",
        "type": "aws_db_instance",
        "name": "main",
        "values": values,
        "sensitive_values": marks,
    } | more


def a_state(*resources: object, **more: object) -> bytes:
    values = {"root_module": {"resources": resources}} | more
    state = {"format_version": "1.0", "terraform_version": "1.11.4", "values": values}
    return json.dumps(state).encode()


def found(shown: bytes) -> dict[str, str]:
    return {secret.name: secret.value.decode() for secret in sensitive_values(shown)}


def test_a_marked_attribute_is_named_by_its_address() -> None:
    values = {"password": PASSWORD, "username": "not-a-secret"}

    seen = found(a_state(a_resource(values, {"password": True})))

    assert seen == {"aws_db_instance.main.password": PASSWORD}


def test_marks_are_followed_to_any_depth() -> None:
    values = {
        "input": {
            "users": [{"name": "ann-smith", "token": "t0ken-of-ann"}, {"token": "x"}],
            'a "b".c': "behind-a-strange-key",
        }
    }
    marks = {"input": {"users": [{"token": True}], 'a "b".c': True}}

    seen = found(a_state(a_resource(values, marks)))

    assert seen == {
        "aws_db_instance.main.input.users[0].token": "t0ken-of-ann",
        'aws_db_instance.main.input["a \\"b\\".c"]': "behind-a-strange-key",
    }


@pytest.mark.parametrize("marks", [True, {"input": True}, {"input": {"map": True}}])
def test_what_is_marked_whole_counts_with_all_that_is_in_it(marks: object) -> None:
    values = {"input": {"map": {"deep": ["first-leaf", {"b": "second-leaf"}]}}}

    seen = found(a_state(a_resource(values, marks)))

    assert seen == {
        "aws_db_instance.main.input.map.deep[0]": "first-leaf",
        "aws_db_instance.main.input.map.deep[1].b": "second-leaf",
    }


def test_an_attribute_whose_mark_is_false_empty_or_absent_is_no_secret() -> None:
    values = {"a": "first-value", "b": {"c": "second-value"}, "d": ["third-value"]}

    assert found(a_state(a_resource(values, {"a": False, "b": {}, "d": [False]}))) == {}
    assert found(a_state(a_resource(values, {"b": [True], "d": {"0": True}}))) == {}


def test_numbers_are_as_they_are_written_and_nothing_else_is_a_value() -> None:
    written = '{"big": 1234567890123456789012, "part": 12345.670, "no": [true, null]}'
    shown = a_state(a_resource("VALUES", True)).replace(b'"VALUES"', written.encode())

    assert sorted(found(shown).values()) == ["12345.670", "1234567890123456789012"]


def test_what_cannot_be_masked_is_left_out() -> None:
    values = {"a": "short", "b": "default", "c": "", "d": "        x"}

    assert found(a_state(a_resource(values, True))) == {}


def test_data_sources_deposed_objects_and_modules_are_looked_into() -> None:
    def holding(secret: str, address: str, **more: object) -> dict[str, object]:
        return a_resource({"it": secret}, {"it": True}, address=address, **more)

    inner = {"resources": [holding("in-the-inner", "module.a[0].module.b.x.y")]}
    outer = {"resources": [holding("in-the-outer", "module.a[0].x.y")]}
    root = {
        "resources": [
            holding("of-a-data-source", "data.x.y", mode="data"),
            holding("was-deposed-of", 'x.y["k"]', deposed_key="4f1d0a2b"),
            holding("is-current", 'x.y["k"]', index="k"),
        ],
        "child_modules": [outer | {"child_modules": [inner]}],
    }

    seen = [(s.name, s.value) for s in sensitive_values(a_state(root_module=root))]

    assert seen == [
        ("data.x.y.it", b"of-a-data-source"),
        ('x.y["k"].it', b"was-deposed-of"),
        ('x.y["k"].it', b"is-current"),
        ("module.a[0].x.y.it", b"in-the-outer"),
        ("module.a[0].module.b.x.y.it", b"in-the-inner"),
    ]


def test_sensitive_outputs_count_and_others_do_not() -> None:
    outputs = {
        "token": {"sensitive": True, "value": PASSWORD, "type": "string"},
        "all": {"sensitive": True, "value": {"a": ["in-an-output"]}},
        "plain": {"sensitive": False, "value": "not-a-secret"},
        "none": {"sensitive": True},
    }

    seen = found(a_state(outputs=outputs))

    assert seen == {"output.token": PASSWORD, "output.all.a[0]": "in-an-output"}


def test_a_value_that_stands_in_many_places_is_returned_once() -> None:
    values = {"a": PASSWORD, "b": PASSWORD}

    seen = found(a_state(a_resource(values, True), a_resource(values, True)))

    assert seen == {"aws_db_instance.main.a": PASSWORD}


@pytest.mark.parametrize(
    "shown",
    [
        b'{"format_version":"1.0"}',
        b'{"format_version":"1.0","terraform_version":"1.11.4","values":null}\n',
        b'{"format_version":"0.2","values":{"root_module":{}}}',
        b'\xef\xbb\xbf{"format_version":"1.2","values":{"outputs":null}}',
    ],
)
def test_a_state_without_anything_has_no_values(shown: bytes) -> None:
    assert sensitive_values(shown) == ()


def test_text_that_is_no_unicode_is_a_value_as_well() -> None:
    shown = a_state(a_resource({"a": "lone \ud800 surrogate"}, True))

    (secret,) = sensitive_values(shown)

    assert secret.value == b"lone \xed\xa0\x80 surrogate"


def test_several_states_may_follow_each_other() -> None:
    outputs = {"it": {"sensitive": True, "value": "of-the-first"}}
    more = {"too": {"sensitive": True, "value": "of-the-second"}}

    seen = found(a_state(outputs=outputs) + b"\n" + a_state(outputs=more) + b"\n")

    assert seen == {"output.it": "of-the-first", "output.too": "of-the-second"}


NO_STATES = [
    b"",
    b" \n",
    a_state() + PASSWORD.encode(),
    PASSWORD.encode(),
    b'"' + PASSWORD.encode(),
    b'{"' + PASSWORD.encode() + b'": "\xff\xfe"}',
    json.dumps(PASSWORD).encode(),
    json.dumps([PASSWORD]).encode(),
    json.dumps({"version": 4, "outputs": {PASSWORD: PASSWORD}}).encode(),
    json.dumps({"format_version": PASSWORD, "values": {}}).encode(),
    json.dumps({"format_version": "1.2", "planned_values": {PASSWORD: 1}}).encode(),
    a_state(PASSWORD),
    a_state(root_module=PASSWORD),
    a_state(root_module={"resources": {PASSWORD: PASSWORD}}),
    a_state(root_module={"child_modules": [[PASSWORD]]}),
    a_state(outputs=[PASSWORD]),
    a_state(outputs={"a": PASSWORD}),
    b"[" * 100_000,
]


@pytest.mark.parametrize("shown", NO_STATES, ids=range(len(NO_STATES)))
def test_what_is_no_state_is_refused_in_words_without_it(shown: bytes) -> None:
    with pytest.raises(
        ValueError, match="not a state as `show -json` has it"
    ) as caught:
        sensitive_values(shown)

    assert PASSWORD not in repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_more_values_than_can_be_masked_are_refused() -> None:
    most = [f"secret-{nth}" for nth in range(MOST_VALUES)]

    assert len(found(a_state(a_resource({"a": most}, True)))) == MOST_VALUES
    with pytest.raises(ValueError, match=r"more than 10,000 of its values"):
        found(a_state(a_resource({"a": [*most, "one-more"]}, True)))


def test_more_lines_than_can_be_masked_are_refused() -> None:
    text = "line-1\n" * MOST_LINES

    with pytest.raises(ValueError, match=r"more than 10,000 lines"):
        found(a_state(a_resource({"a": text}, True)))


@pytest.mark.parametrize("odd", ['x: "\\UFFFFFFFF"', "a: " + "[" * 5000, "\ud800" * 9])
def test_one_odd_value_costs_no_other(odd: str) -> None:
    outputs = {
        "odd": {"sensitive": True, "value": odd},
        "it": {"sensitive": True, "value": PASSWORD},
    }

    secrets = sensitive_values(a_state(outputs=outputs))

    assert {each.name for each in secrets} == {"output.odd", "output.it"}


def test_a_value_that_is_nested_deeply_costs_no_other() -> None:
    deep = json.loads('{"a":' * 400 + '"a-deep-secret"' + "}" * 400)

    secrets = sensitive_values(a_state(a_resource({"a": deep, "b": PASSWORD}, True)))

    assert {each.value for each in secrets} == {b"a-deep-secret", PASSWORD.encode()}


def test_more_bytes_than_can_be_masked_are_refused() -> None:
    with pytest.raises(ValueError, match=r"more than 262,144 bytes"):
        found(a_state(a_resource({"a": "a\\" * MOST_BYTES}, True)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def texts(value: Any) -> set[str]:
    match value:
        case str():
            return {value}
        case bool() | None:
            return set()
        case int():
            return {str(value)}
        case dict():
            return set[str]().union(*map(texts, value.values()))
        case _:
            return set[str]().union(*map(texts, value))


@given(JSON, JSON)
def test_only_values_are_returned_whatever_is_marked(value: Any, marks: Any) -> None:
    secrets = sensitive_values(a_state(a_resource(value, marks)))

    assert {secret.value.decode() for secret in secrets} <= texts(value)
