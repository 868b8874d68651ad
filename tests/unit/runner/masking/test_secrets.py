"""What counts as secret."""

import random
import time
from base64 import b64encode, encodebytes, urlsafe_b64encode
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.masking.ordinary import STOP_WORDS
from runner.masking.secrets import (
    LONGEST,
    MINIMUM,
    MOST_LINES,
    Secret,
    encodings,
    forms,
    partly_masked,
    unmaskable,
)
from tests.unit.runner.masking.keys import PEM


def a_secret(value: bytes) -> Secret:
    return Secret("TOKEN", value)


def test_a_secret_never_shows_its_value() -> None:
    shown = repr(a_secret(b"hunter22"))

    assert shown == "Secret(name='TOKEN')"


def test_a_value_is_hidden_as_it_is() -> None:
    assert forms(a_secret(b"hunter22")) == {b"hunter22"}


def test_white_space_around_a_value_is_no_part_of_it() -> None:
    assert forms(a_secret(b" hunter22\r\n")) == {b"hunter22"}


def test_a_value_of_several_lines_is_hidden_as_a_whole_and_by_line() -> None:
    found = forms(a_secret(b"first-line\n  second-line\r\nthird"))

    assert {b"first-line", b"second-line"} < found
    assert b"first-line\n  second-line\nthird" in found
    assert b"first-line\r\n  second-line\r\nthird" in found
    assert b"third" not in found


def test_the_armour_of_a_key_is_hidden_only_with_the_key() -> None:
    found = forms(a_secret(PEM))

    assert not [form for form in found if form.startswith(b"-----") and len(form) < 40]
    assert PEM.strip() in found
    assert PEM.splitlines()[1] in found


@pytest.mark.parametrize(
    "line",
    [
        b"[default]",
        b"credentials: {",
        b'  "private_key": {',
        b"- contexts:",
        b"kind: Config",
        b"apiVersion: v1",
        b'"type": "service_account",',
        b"----------",
        b"production",
        b"eu-west-1",
    ],
)
def test_a_line_that_ordinary_output_has_too_is_not_hidden_alone(line: bytes) -> None:
    found = forms(a_secret(b"hunter22\n" + line + b"\nhunter33"))

    assert line.strip() not in found
    assert {b"hunter22", b"hunter33"} < found


SCRIPT_LINES = (
    *(b"#!/bin/bash", b"set -euo pipefail", b"set -x", b"apt-get update", b"exit 1"),
    *(b"sudo apt-get upgrade -y", b"kubernetes", b"esac;;;", b"1000000"),
)


@pytest.mark.parametrize("line", SCRIPT_LINES)
def test_an_ordinary_line_of_a_script_is_not_hidden_alone(line: bytes) -> None:
    script = b"first-line\n%b\nPW=hunter22\nhunter333\nlast-line" % line

    found = forms(a_secret(script))

    assert line not in found
    assert {b"PW=hunter22", b"hunter22", b"hunter333"} <= found


@pytest.mark.parametrize("password", [b"letmein", b"opensesame", b"1234567", b"pw-123"])
def test_a_line_of_a_login_is_hidden_however_plain(password: bytes) -> None:
    assert password in forms(a_secret(b"admin-of-net\n" + password))


@pytest.mark.parametrize(
    "value", [b"c2VjcmV0cw==", b"aaaaaaaa", b"kind:s3cr3t:", b"[p4ss word]"]
)
def test_a_value_that_only_resembles_a_structure_is_hidden(value: bytes) -> None:
    assert value in forms(a_secret(value))


@pytest.mark.parametrize("value", [b"c2VjcmV0cw=", b"c2VjcmV0cw=="])
def test_a_line_of_padded_base64_is_hidden(value: bytes) -> None:
    assert value in forms(a_secret(value + b"\nanother-line"))


def test_secrets_too_short_or_too_ordinary_are_named_in_order() -> None:
    secrets = [
        Secret("PIN", b"12345"),
        Secret("TOKEN", b"hunter22"),
        Secret("STAGE", b"Production\n"),
        Secret("EMPTY", b""),
        Secret("BLANK", b"          "),
        Secret("RULE", b"----------"),
        Secret("DB_PASSWORD", b"password"),
    ]

    assert unmaskable(secrets) == (
        "PIN",
        "STAGE",
        "EMPTY",
        "BLANK",
        "RULE",
        "DB_PASSWORD",
    )


@given(
    st.binary(max_size=12)
    | st.sampled_from([*STOP_WORDS, b"------", b"eu-west-1", b" secret\n", b"Secret"])
    | st.text(" -a1\n", max_size=9).map(str.encode)
)
def test_what_is_unmaskable_is_what_has_no_forms(value: bytes) -> None:
    secret = a_secret(value)

    assert unmaskable([secret]) == (() if forms(secret) else ("TOKEN",))


def test_of_very_many_lines_the_first_are_hidden_and_the_value_as_a_whole() -> None:
    lines = [b"line %05d/" % nth for nth in range(10 * MOST_LINES)]
    value = b"\n".join(lines)

    began = time.process_time()
    found = forms(a_secret(value))

    assert time.process_time() - began < 10
    assert {*lines[:MOST_LINES]} <= found
    assert lines[MOST_LINES] not in found
    assert {value[:LONGEST], value[-LONGEST:]} <= found


def test_what_is_masked_only_in_part_is_named() -> None:
    many = b"\n".join(b"line %d/" % nth for nth in range(MOST_LINES + 1))
    secrets = [
        Secret("MANY", many),
        Secret("LONG", b"a/b" * 100_000),
        Secret("PIN", b"12345"),
        Secret("YAML", b"a:\n- b\n" + b"#" * 20_000),
        Secret("FEWER", many[:-20]),
    ]

    assert partly_masked(secrets) == ("MANY", "YAML")


def test_hex_and_percent_are_known_of_a_value_in_both_cases() -> None:
    found = encodings(a_secret(b"key-\xab\xcd\xef"))

    assert {b"6b65792dabcdef", b"6B65792DABCDEF", b"%6b%65%79%2d%ab%cd%ef"} <= found
    assert b"%6B%65%79%2D%AB%CD%EF" in found


@pytest.mark.parametrize(
    "leaf",
    ["authorized_user", "https://oauth2.googleapis.com/token", "eu-west-1", "12345"],
)
def test_a_leaf_that_ordinary_output_has_too_is_not_hidden(leaf: str) -> None:
    found = forms(a_secret(b'{"a": "%b", "b": "hunter22"}' % leaf.encode()))

    assert leaf.encode() not in found
    assert b"hunter22" in found


def test_what_cannot_be_masked_has_no_encodings() -> None:
    assert encodings(a_secret(b"12345")) == frozenset()


@pytest.mark.parametrize("size", [1024, 1025, 2047, 2048, 3000, 30_000])
def test_a_long_form_is_known_in_parts_that_overlap(size: int) -> None:
    value = random.Random(size).randbytes(size).hex()[:size].encode()

    starts = sorted(value.index(form) for form in forms(a_secret(value)))

    assert starts[0] == 0
    assert starts[-1] == size - 1024
    assert all(after - before <= 1023 for before, after in pairwise(starts))


@given(st.binary(max_size=40))
def test_no_form_is_shorter_than_the_minimum(value: bytes) -> None:
    made = forms(a_secret(value)) | encodings(a_secret(value))

    assert all(len(form) >= MINIMUM for form in made)


@given(st.binary(min_size=6, max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_base64_is_known_wherever_the_value_stands(
    value: bytes, before: bytes, after: bytes
) -> None:
    value = b"\x80" + value + b"\x80"
    found = encodings(a_secret(value))

    for encode in (b64encode, urlsafe_b64encode):
        encoded = encode(before + value + after)
        known = max((form for form in found if form in encoded), key=len, default=b"")
        assert 8 * len(value) - 6 * len(known) <= 8


@pytest.mark.parametrize("before", [b"", b"u", b"u:"])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_base64_that_ends_with_the_value_is_known_to_its_last_letter(
    before: bytes, end: bytes
) -> None:
    found = encodings(a_secret(b"hunter22"))

    encoded = b64encode(before + b"hunter22" + end)

    assert any(encoded.endswith(form) for form in found)


def test_base64_forms_have_no_blanks() -> None:
    found = encodings(a_secret(PEM))

    assert all(form.split() == [form] for form in found)
    assert b"".join(encodebytes(PEM.strip()).split()) in found
