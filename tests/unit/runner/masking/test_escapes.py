"""How tools write a value that has to be escaped."""

import html
import json
import shlex
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.masking.escapes import escaped
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.unit.runner.masking.reference import pieces

#: What each tool writes for a value, without the quotes around it.
WRITTEN = {
    "JSON: jq": ('a"b\\c\n<é>', r"a\"b\\c\n<é>"),
    "JSON: Python": ('a"b\\c\n<é>', r"a\"b\\c\n<\u00e9>"),
    "JSON: capitals": ('a"b\\c\n<é>', r"a\"b\\c\n<\u00E9>"),
    "JSON: Go": ('a"b\\c\n<é>&', r"a\"b\\c\n\u003cé\u003e\u0026"),
    "JSON: Go in capitals": ("a<b>&c", r"a\u003Cb\u003E\u0026c"),
    "JSON: Go before 1.22": ("a\b\f<b>", r"a\u0008\u000c\u003cb\u003e"),
    "JSON: PHP": ("a/b/é", r"a\/b\/\u00e9"),
    "JSON: beyond the basic plane": ("key-😀", r"key-\ud83d\ude00"),
    "JSON: delete": ("abc\x7fdef", r"abc\u007fdef"),
    "JSON in JSON": ('a"b\\c\n', r"a\\\"b\\\\c\\n"),
    "JSON in JSON of Go": ('a"b<c', r"a\\\"b\\u003cc"),
    "JSON in JSON in JSON": ('a"b\\', r"a\\\\\\\"b\\\\\\\\"),
    "JSON in JSON in JSON of Go": ("a<b", r"a\\\\u003cb"),
    "CSV": ('say "it\'s"', 'say ""it\'s""'),
    "SQL": ('say "it\'s"', "say \"it''s\""),
    "jq: @tsv": ("a \"b' c\\d\te", "a \"b' c\\\\d\\te"),
    "dash: echo": (r"key\end\\x\t\0101", "key\x1bnd\\x\tA"),
    "Terraform: quoted": ('${x} "a" %{y}', r"$${x} \"a\" %%{y}"),
    "Terraform: heredoc": ('${x} "a" %{y}', '$${x} "a" %%{y}'),
    "bash: set -x": ("it's a key", r"it'\''s a key"),
    "dash: set -x": ("it's a key", "it'\"'\"'s a key"),
    "dash: two quotes": ("it''s a key", "it'\"''\"'s a key"),
    "Python: shlex": ("it''s a key", "it'\"'\"''\"'\"'s a key"),
    "bash: printf %q": ("it's $a & b,c", r"it\'s\ \$a\ \&\ b\,c"),
    "dash: printf %q": ("a b,c;d", r"a\ b,c\;d"),
    "bash: dollar quotes": ("it's\na\tk\x1b\x01", r"it\'s\na\tk\E\001"),
    "bash: C locale": ("it's é", r"it\'s \303\251"),
    "coreutils: ls": ("key\nb it's", r"key'$'\n''b it'\''s"),
    "bash: declare -p": ('a "$b" `c` \\', r"a \"\$b\" \`c\` \\"),
    "URL: query": ("a b&c/é=", "a+b%26c%2F%C3%A9%3D"),
    "URL: lower case": ("a b&c/é=", "a%20b%26c%2f%c3%a9%3d"),
    "URL: path": ("a b&c/é=", "a%20b%26c/%C3%A9%3D"),
    "URL: Go's path": ("a b&c/:@+", "a%20b&c%2F:@+"),
    "URL: encodeURIComponent": ("a b!*'()~", "a%20b!*'()~"),
    "URL: encodeURI": ("a b?c=#/[", "a%20b?c=#/%5B"),
    "HTML: Python": ("a<b>&'\"", "a&lt;b&gt;&amp;&#x27;&quot;"),
    "HTML: Go": ("a<b>&'\"", "a&lt;b&gt;&amp;&#39;&#34;"),
    "HTML: jq": ("a<b>&'\"", "a&lt;b&gt;&amp;&#39;&quot;"),
    "XML: text": ("a<b>&'\"", "a&lt;b&gt;&amp;'\""),
    "XML: text, smaller": ("a<b>&'\"", "a&lt;b>&amp;'\""),
    "XML: all": ("a<b>&'\"", "a&lt;b&gt;&amp;&apos;&quot;"),
    "XML: Go": ("a<b\t\n'\"", "a&lt;b&#x9;&#xA;&#39;&#34;"),
    "Python: repr": ("it's\n\x01é\\", r"it's\n\x01é\\"),
    "Python: both quotes": ('it\'s "a"\n', 'it\\\'s "a"\\n'),
    "coreutils: unprintable": (
        "it's\na\x1bé\x7f!",
        r"it'\''s'$'\n''a'$'\033''é'$'\177''!",
    ),
    "coreutils: C locale": ("key é ü\x01z", r"key '$'\303\251'' '$'\303\274\001''z"),
    "Node: inspect": ("it's é\x1b\x7f", r"it's é\x1B\x7F"),
    "Python: ascii": ("it's é", r"it's \xe9"),
    "Python: bytes": ("it's é", r"it's \xc3\xa9"),
    "Go: %q": ("a\"b\\c\n\x01é'", r"a\"b\\c\n\x01é'"),
    "Go: %+q": ('a"bé😀', r"a\"b\u00e9\U0001f600"),
}


@pytest.mark.parametrize("tool", WRITTEN)
def test_what_a_tool_writes_is_known(tool: str) -> None:
    value, written = WRITTEN[tool]

    assert written.encode() in escaped(value.encode()) | {value.encode()}


@pytest.mark.parametrize("tool", WRITTEN)
def test_what_a_tool_writes_is_hidden_at_every_cut(tool: str) -> None:
    value, written = (each.encode() for each in WRITTEN[tool])
    masks = Masks([Secret("S", value + b"-end")])
    text = b"key: [" + written + b"-end] ok\n"

    for cut in range(len(text) + 1):
        stream = masks.stream()
        shown = b"".join(map(stream.feed, pieces(text, [cut]))) + stream.flush()
        assert shown == b"key: [*****] ok\n"


def test_what_is_unprintable_at_the_end_ends_the_word_of_coreutils() -> None:
    assert rb"key'$'\n''b'$'\001" in escaped(b"key\nb\x01")


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(TEXTS)
def test_what_the_standard_library_writes_is_known(value: str) -> None:
    written = {
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        shlex.quote(f"a {value} z")[3:-3],
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        html.escape(value),
        escape(value),
        repr(value)[1:-1],
        ascii(value)[1:-1],
        repr(value.encode())[2:-1],
    }

    known = escaped(value.encode()) | {value.encode()}

    assert {each.encode() for each in written} <= known


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t"), max_size=30))
def test_an_xml_attribute_is_known(value: str) -> None:
    written = quoteattr(value)[1:-1].encode()

    assert written in escaped(value.encode()) | {value.encode()}


@given(st.binary(max_size=60))
def test_any_bytes_can_be_escaped(value: bytes) -> None:
    assert all(isinstance(form, bytes) for form in escaped(value))


def test_a_value_without_special_characters_has_no_escapes() -> None:
    assert escaped(b"hunter22_v1.0-x") == frozenset()


@pytest.mark.parametrize("value", [b'a"s3cret', b"a\\s3cret", b"a's3<cret\n&"])
def test_json_is_known_within_html_as_jq_writes_it(value: bytes) -> None:
    written = json.dumps(value.decode())[1:-1]
    for letter, entity in zip(
        "&<>'\"", ("amp", "lt", "gt", "#39", "quot"), strict=True
    ):
        written = written.replace(letter, f"&{entity};")

    assert written.encode() in escaped(value)
