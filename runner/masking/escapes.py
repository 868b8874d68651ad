"""How a value is written where some of its characters must be escaped."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, product
from string import ascii_letters, digits
from typing import Final
from urllib.parse import quote_from_bytes

#: A value of these alone is written as it is by everything here.
_NEVER_ESCAPED: Final = re.compile(rb"[0-9A-Za-z_.-]*")

_HEX_ESCAPE: Final = re.compile(r"%[0-9A-F]{2}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}")


def escaped(value: bytes) -> frozenset[bytes]:
    """Return every way to write *value* with escapes, without quotes around it."""
    if _NEVER_ESCAPED.fullmatch(value):
        return frozenset()
    # What is no UTF-8 keeps its bytes where an escape does not spell them.
    text = value.decode("utf-8", "surrogateescape")
    letters = frozenset(text)
    written = chain.from_iterable(
        escape(text) for untouched, escape in ESCAPES if not letters <= untouched
    )
    return frozenset(_encoded(form) for form in written)


def in_json(value: bytes) -> frozenset[bytes]:
    """Return how *value* most often stands in a JSON string: as jq and Go write it."""
    text = value.decode("utf-8", "surrogateescape")
    return frozenset(map(_encoded, (_json_plain(text), _json_of_go(text))))


def _encoded(form: str) -> bytes:
    return form.encode("utf-8", "surrogateescape")


def _both_cases(form: str) -> Iterator[str]:
    """Give *form* with the digits of its escapes in capitals, and in small letters."""
    yield form
    if not _HEX_ESCAPE.search(form):
        return
    yield _HEX_ESCAPE.sub(lambda found: _digits(found[0], str.upper), form)
    yield _HEX_ESCAPE.sub(lambda found: _digits(found[0], str.lower), form)


def _digits(escape: str, case: Callable[[str], str]) -> str:
    kind = 1 if escape[0] == "%" else 2
    return escape[:kind] + case(escape[kind:])


_CONTROLS: Final = [chr(code) for code in (*range(32), 127)]
_GO_HTML: Final = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def _json(text: str) -> Iterator[str]:
    """Give JSON strings as encoders differ on them, and a string in such a string."""
    for once in frozenset(_json_once(text)):
        yield from _both_cases(once)
    for outer, inner in product((_json_plain, _json_ascii, _json_of_go), repeat=2):
        yield outer(inner(text))
    for encode in (_json_plain, _json_ascii, _json_of_go):
        yield encode(encode(encode(text)))


def _json_once(text: str) -> Iterator[str]:
    ascii_only = _json_ascii(text)
    plain = _json_plain(text)
    yield plain
    yield plain.replace("\x7f", "\\u007f")  # jq
    yield ascii_only
    yield ascii_only.replace("/", "\\/")  # PHP
    yield plain.replace("/", "\\/")
    go = _json_of_go(text)
    yield go
    yield go.replace("\\b", "\\u0008").replace("\\f", "\\u000c")  # before Go 1.22
    yield ascii_only.translate(_GO_HTML)  # Ruby on Rails and others


_PLAIN: Final = json.JSONEncoder(ensure_ascii=False)


def _json_plain(text: str) -> str:
    return _PLAIN.encode(text)[1:-1]


def _json_ascii(text: str) -> str:
    return json.dumps(text)[1:-1]


def _json_of_go(text: str) -> str:
    return _json_plain(text).translate(_GO_HTML)


def _hcl(text: str) -> Iterator[str]:
    """Give strings as Terraform quotes them; templates are doubled."""
    quoted = text.translate(_HCL)
    yield quoted
    yield quoted.replace("${", "$${").replace("%{", "%%{")
    yield text.replace("${", "$${").replace("%{", "%%{")


_HCL: Final = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


def _shell(text: str) -> Iterator[str]:
    """Give words as shells quote them in `set -x`, `export -p` and `printf %q`."""
    yield text.replace("'", "'\\''")
    # Python; dash and busybox: quotes stand between double quotes
    yield text.replace("'", "'\"'\"'")
    yield re.sub("'+", lambda quotes: f"'\"{quotes[0]}\"'", text)
    yield re.sub(r'(["\\$`])', r"\\\1", text)
    # bash escapes the comma too, other shells do not
    yield re.sub(r"""([ \t!"$&'()*,;<>?\[\\\]^`{|}])""", r"\\\1", text)
    yield re.sub(r"""([ \t!"$&'()*;<>?\[\\\]^`{|}~#=])""", r"\\\1", text)
    yield text.translate(_ANSI_C)
    octal = "".join(map(chr, text.encode("utf-8", "surrogateescape")))
    yield octal.translate(_ANSI_C_OCTAL)  # in the C locale
    yield _of_coreutils(text, _UNPRINTABLE)
    yield _of_coreutils(octal, _UNPRINTABLE_IN_C)
    # dash's echo, and %b of printf
    yield _SPELLED.sub(lambda found: _meant(found[1]), text)


def _meant(spelled: str) -> str:
    return chr(int(spelled, 8) % 256) if spelled[0] == "0" else _SPELLED_AS[spelled]


def _of_coreutils(text: str, unprintable: re.Pattern[str]) -> str:
    """Quote as `ls` and coreutils' `printf %q` do: what is unprintable apart."""
    quoted = unprintable.sub(
        lambda run: f"'$'{run[0].translate(_COREUTILS)}''", text.replace("'", "'\\''")
    )
    return quoted.removesuffix("''") if unprintable.search(text[-1:]) else quoted


_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]+")
_UNPRINTABLE_IN_C: Final = re.compile(r"[\x00-\x1f\x7f-\xff]+")


_NAMED: Final = dict(zip("\a\b\t\n\v\f\r", "abtnvfr", strict=True))
_SPELLED_AS: Final = {letter: control for control, letter in _NAMED.items()} | {
    "\\": "\\",
    "e": "\x1b",
}
_SPELLED: Final = re.compile(r"\\([abefnrtv\\]|0[0-7]{1,3})")
_ANSI_C: Final = str.maketrans(
    {control: f"\\{ord(control):03o}" for control in _CONTROLS}
    | {control: f"\\{letter}" for control, letter in _NAMED.items()}
    | {"\x1b": "\\E", "\\": "\\\\", "'": "\\'"}
)
_ANSI_C_OCTAL: Final = _ANSI_C | {code: f"\\{code:03o}" for code in range(128, 256)}
_COREUTILS: Final = _ANSI_C_OCTAL | {0x1B: "\\033"}


def _url(text: str) -> Iterator[str]:
    """Give URL encodings: of queries and paths, by what each encoder leaves alone."""
    whole = quote_from_bytes(_encoded(text), safe="")
    paths = {_unquoted(whole, left_alone) for left_alone in _LEFT_ALONE}
    for path in paths:
        yield from _both_cases(path)
        yield from _both_cases(path.replace("%20", "+"))


def _unquoted(url: str, left_alone: str) -> str:
    for letter in left_alone:
        url = url.replace(f"%{ord(letter):02X}", letter)
    return url


_LEFT_ALONE: Final = (
    "",
    "/",
    "*",  # HTML forms
    "!*'()",  # encodeURIComponent
    "$&+=:@",  # Go's PathEscape
    ";/?:@&=+$,#!*'()",  # encodeURI
)


def _markup(text: str) -> Iterator[str]:
    """Give HTML and XML, with the entities that each encoder knows."""
    for entities in _ENTITIES:
        yield text.translate(entities)
    yield _json_plain(text).translate(_ENTITIES_OF_JQ)


_SIGNS: Final = {"&": "&amp;", "<": "&lt;"}
_MORE: Final[tuple[dict[str, str], ...]] = (
    {},
    {">": "&gt;"},
    {">": "&gt;", '"': "&quot;"},
    {">": "&gt;", '"': "&quot;", "\n": "&#10;"},  # XML attributes
    {">": "&gt;", '"': "&quot;", "'": "&apos;"},
    {">": "&gt;", '"': "&quot;", "'": "&#39;"},  # jq
    {">": "&gt;", '"': "&quot;", "'": "&#x27;"},  # Python
    {">": "&gt;", '"': "&#34;", "'": "&#39;"},  # Go
    {
        ">": "&gt;",
        '"': "&#34;",
        "'": "&#39;",
        "\n": "&#xA;",
        "\r": "&#xD;",
        "\t": "&#x9;",
    },
)
_ENTITIES: Final = tuple(str.maketrans(_SIGNS | more) for more in _MORE)
_ENTITIES_OF_JQ: Final = _ENTITIES[5]


def _source_code(text: str) -> Iterator[str]:
    """Give literals as Python's `repr`, Node and Go's `%q` write them."""
    for written in (repr(text), ascii(text), repr(_encoded(text))[1:]):
        for literal in _in_either_quotes(written[1:-1]):
            yield from _both_cases(literal)
    named = text.translate(_GO_QUOTED)
    yield named
    yield "".join(map(_go_ascii, named))


def _in_either_quotes(body: str) -> Iterator[str]:
    """Give what stands between quotes, also as it would in quotes of the other kind."""
    yield body
    bare = body.replace("\\'", "'")
    yield bare
    yield bare.replace("'", "\\'")
    yield bare.replace('"', '\\"')


def _go_ascii(letter: str) -> str:
    code = ord(letter)
    if code < 128:
        return letter
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_GO_QUOTED: Final = str.maketrans(
    {control: f"\\x{ord(control):02x}" for control in _CONTROLS}
    | {control: f"\\{letter}" for control, letter in _NAMED.items()}
    | {"\\": "\\\\", '"': '\\"'}
)


def _tables(text: str) -> Iterator[str]:
    """Give cells of CSV, and texts of SQL and YAML: quotes are doubled."""
    yield text.replace('"', '""')
    yield text.replace("'", "''")


_Escape = Callable[[str], Iterator[str]]

_BARE: Final = frozenset("".join(map(chr, range(32, 127)))) - frozenset("\"'\\/<>&")
_NO_URL: Final = frozenset(ascii_letters + digits + "-_.~")

#: Every kind of escaping, with the letters that it leaves as they are.
ESCAPES: Final[tuple[tuple[frozenset[str], _Escape], ...]] = (
    (_BARE | {"'"}, _json),
    (_BARE - {"$", "%"} | frozenset("'/<>&"), _hcl),
    (_NO_URL | frozenset("/+=:@%"), _shell),
    (_NO_URL, _url),
    (_BARE | {"/"}, _markup),
    (_BARE | frozenset("/<>&"), _source_code),
    (_BARE | frozenset("/<>&\\"), _tables),
)
