"""What is secret in a document."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.masking.leaves import LARGEST_YAML, MOST_LEAVES, is_read_in_part, leaves
from runner.masking.secrets import Secret, encodings, forms, unmaskable

DOCUMENTS = {
    "JSON": b'{"user": "ann-of-net", "deep": [{"pass": "s3cret\\nvalue"}], '
    b'"n": 1234567}',
    "YAML": b'user: ann-of-net\ndeep:\n  - pass: "s3cret\\nvalue"\nn: 1234567\n',
    "dotenv": b"user=ann-of-net\nexport N='1234567'\nPASS = \"s3cret\"",
    "INI": b"[default]\nuser = ann-of-net\r\nn=1234567\r\n",
    "properties": b"user: ann-of-net\na.n = 1234567",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_leaves_of_a_document_are_known_without_their_names(kind: str) -> None:
    found = leaves(DOCUMENTS[kind])

    assert {b"ann-of-net", b"1234567"} <= {*found}
    assert not {b"user", b"pass", b"n", b"N"} & {*found}


@pytest.mark.parametrize("kind", ["JSON", "YAML"])
def test_a_leaf_is_known_as_it_is_meant(kind: str) -> None:
    assert b"s3cret\nvalue" in leaves(DOCUMENTS[kind])


def test_leaves_are_hidden_and_encoded_like_values() -> None:
    secret = Secret("KEY", b'{"type": "service_account", "token": "a/s3cret"}')

    assert {b"a/s3cret", b"a\\/s3cret", b"a%2Fs3cret"} <= forms(secret)
    assert {b"YS9zM2NyZXQ=", b"612f733363726574"} <= encodings(secret)
    assert b"service_account" not in forms(secret)


def test_a_repeated_anchor_is_read_once() -> None:
    bomb = b"a: &a [secret-leaf, secret-leaf]\n" + b"".join(
        b"%c: &%c [%b]\n" % (after, after, b", ".join([b"*%c" % before] * 9))
        for before, after in zip(b"abcdefgh", b"bcdefghi", strict=True)
    )

    assert b"secret-leaf" in leaves(bomb)


@pytest.mark.parametrize(
    "value",
    [b"[" * 100_000, b"{" * 50_000, b"- " * 20_000, b"a: " * 20_000, b" " * 99_999],
)
def test_a_hostile_document_is_no_document(value: bytes) -> None:
    assert all(b"secret" not in leaf for leaf in leaves(value))


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text()) | st.integers()))
def test_every_text_of_a_json_document_is_a_leaf(document: dict[str, object]) -> None:
    found = leaves(json.dumps(document).encode())

    texts = [leaf for leaf in document.values() if isinstance(leaf, str)]
    assert {text.strip().encode("utf-8", "surrogatepass") for text in texts} <= {*found}


@pytest.mark.parametrize(
    ("line", "around"),
    [(b'"k%d": "leaf-%d",', b'{%b"": ""}'), (b"k%d = leaf-%d\n", b"%b")],
)
def test_the_first_leaves_of_very_many_are_known(line: bytes, around: bytes) -> None:
    document = around % b"".join(line % (nth, nth) for nth in range(5 * MOST_LEAVES))

    found = leaves(document)

    assert found[:2] == (b"leaf-0", b"leaf-1")
    assert len(found) == MOST_LEAVES
    assert is_read_in_part(document)


def test_yaml_that_is_too_large_or_too_deep_is_read_in_part() -> None:
    large = b"a:\n- b\n" + b"# more\n" * LARGEST_YAML
    deep = b"a: " + b"[" * 65 + b"]" * 65

    assert is_read_in_part(large)
    assert is_read_in_part(deep)
    assert not is_read_in_part(large[:LARGEST_YAML])
    assert not is_read_in_part(json.dumps({"a": "b\n" * LARGEST_YAML}).encode())


ODD = (
    b'x: "\\UFFFFFFFF"',
    b'x: "\\U00110000"',
    b'x: "\\uD800"',
    b"%YAML 1." + b"9" * 5000 + b"\n---\na: b-secret",
    b'["\\ud800", "\\udc80\\udfff", ' + b"9" * 5000 + b", 1e" + b"9" * 500 + b"]",
    b"{" + b'"a": [' * 3000,
    b"a: " + b"[" * 3000 + b"]" * 3000,
    b"a: !<%FF> b\nb: !%zz c\nc: *d",
    b"? - a\n: - b\n- : c",
)
ANY = st.lists(
    st.sampled_from([b"\n", b'"', b"a: ", b"- ", b"[", b"}", b"\\U", b"FFFFFFFF", *ODD])
    | st.binary(max_size=20)
    | st.text("a:-[]{}&*!|>#'\"\n =%\\", max_size=60).map(str.encode),
    max_size=6,
).map(b"".join)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_an_odd_value_has_forms_like_others(value: bytes) -> None:
    secret = Secret("ODD", value)

    assert leaves(value) is not None
    assert value[:1024] in forms(secret)
    assert encodings(secret)
    assert not unmaskable([secret])


@given(ANY)
@settings(deadline=None)
def test_any_value_can_be_asked_for_its_leaves_and_forms(value: bytes) -> None:
    secret = Secret("ANY", value)

    assert len(leaves(value)) == len({*leaves(value)})
    assert bool(encodings(secret)) == bool(forms(secret))
    assert unmaskable([secret]) == (() if forms(secret) else ("ANY",))
