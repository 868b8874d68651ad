"""The shapes of what is said to log in: headers of HTTP, and names in URLs."""

import re
from typing import Final

from runner.masking.grammar import (
    Shape,
    ahead,
    behind,
    either,
    hidden,
    joined,
    some,
    text,
    unless,
    unless_text,
    up_to_last,
)

#: RFC 9110 §11.2, and what some services use beside.
_CREDENTIAL: Final = rb"[0-9A-Za-z._~+/=:|%-]"

_SCHEMES: Final = (
    *(
        b"Bearer",
        b"bearer",
        b"BEARER",
        b"Basic",
        b"basic",
        b"BASIC",
        b"Token",
        b"token",
    ),
    *(b"ApiKey", b"apikey", b"Negotiate", b"NTLM", b"GenieKey", b"Bot", b"SSWS"),
)

_AUTHORIZATION: Final = Shape(
    text(b"uthorization", b"UTHORIZATION"),
    some(rb"\\", 0, 1),
    some(rb"[\"']", 0, 1),
    some(rb"[ \t]", 0, 3),
    some(rb"[=:]", 1, 1),
    some(rb"[ \t]", 0, 3),
    some(rb"[\\\[\"']", 0, 4),
    text(*_SCHEMES),
    some(rb"[ \t]", 1, 3),
    # No word of a sentence about headers.
    unless_text(b"realm="),
    ahead(
        either(
            joined(some(rb"[a-z/-]", 0, 29), some(rb"[0-9A-Z._~+=:|%]", 1, 1)),
            some(rb"[a-z/-]", 30),
        )
    ),
    hidden(some(_CREDENTIAL, 6)),
    anchors=(b"uthorization", b"UTHORIZATION"),
    longest=8 * 1024,
)

#: Letters that a word of a sentence has not.
_NO_WORD: Final = ahead(some(rb"[a-z_-]", 0, 40), some(rb"[0-9A-Z./+=]", 1, 1))

_SIGN: Final = joined(
    some(rb"\\", 0, 1),
    some(rb"[\"']", 0, 1),
    some(rb"[ \t]", 0, 3),
    some(rb"[=:]", 1, 1),
    some(rb"[ \t]", 0, 3),
    some(rb"[\\\[\"']", 0, 4),
)

#: Without a scheme it is told by digits, and by nothing that paths and names have.
_LONE_AUTHORIZATION: Final = Shape(
    text(b"uthorization", b"UTHORIZATION"),
    _SIGN,
    ahead(some(rb"[A-Za-z_+=-]", 0, 40), some(rb"[0-9]", 1, 1)),
    hidden(some(rb"[0-9A-Za-z_+=-]", 20)),
    unless(rb"[/:.]"),
    anchors=(b"uthorization", b"UTHORIZATION"),
    longest=8 * 1024,
)

_TOKEN_HEADERS: Final = tuple(
    each
    for name in (b"PRIVATE-TOKEN", b"JOB-TOKEN", b"DEPLOY-TOKEN", b"X-VAULT-TOKEN")
    for each in (name, name.lower(), name.title())
)

_TOKEN_HEADER: Final = Shape(
    text(*_TOKEN_HEADERS),
    _SIGN,
    _NO_WORD,
    hidden(some(rb"[0-9A-Za-z._~+/=-]", 16)),
    anchors=_TOKEN_HEADERS,
    longest=1024,
)

#: A name and a password in base64, as Docker keeps them (`config.json`).
_DOCKER_LOGIN: Final = Shape(
    text(b'"auth"', rb'"auth\"'),
    some(rb"[ \t]", 0, 10),
    text(b":"),
    some(rb"[ \t]", 0, 10),
    some(rb"\\", 0, 1),
    text(b'"'),
    _NO_WORD,
    hidden(some(rb"[0-9A-Za-z+/]", 10), some(b"=", 0, 2)),
    ahead(some(rb"[\\\"]", 1, 1)),
    anchors=(b'"auth"', rb'"auth\"'),
    longest=8 * 1024,
)

#: Every header that says who asks, and what is written into one.
HEADERS: Final = (_AUTHORIZATION, _LONE_AUTHORIZATION, _TOKEN_HEADER, _DOCKER_LOGIN)

_SLASHES: Final = (b"://", rb":\/\/")

#: What may stand in a user's name (RFC 3986 §3.2.1), and in a password that was
#: not escaped.
_NAME: Final = rb"[0-9A-Za-z._~!$&()*+,;=%-]"
_PASSWORD: Final = rb"[^/?#\"'<>`\\\x00-\x20\x7f]"
_BEFORE_AT: Final = rb"[^@/?#\"'<>`\\\x00-\x20\x7f]"

#: A placeholder such as ${PASSWORD}, <password> or ***** is none.
_NO_PLACEHOLDER: Final = unless(rb"[${<*]")

#: What follows a name or a password. An image may have a tag there, and a digest.
_AT_HOST: Final = joined(
    text(b"@"), unless_text(b"sha256:"), ahead(some(rb"[0-9A-Za-z\[]", 1, 1))
)

#: A port, and what follows an address: another user, a parameter.
_NO_PORT: Final = unless(rb"[0-9]{2,5}[,;][A-Za-z]")

_SECRET: Final = up_to_last(_PASSWORD, 1, 300)
_LOGIN: Final = joined(
    some(_NAME, 0, 30), text(b":"), _NO_PLACEHOLDER, _NO_PORT, hidden(_SECRET)
)
#: A name that is too long to be one may be secret itself.
_LONG_LOGIN: Final = hidden(some(_NAME, 31, 255), text(b":"), _SECRET)
#: A token in the place of a name: long, and with digits.
_LONE_TOKEN: Final = joined(
    behind(*(b"http%b" % re.escape(each) for each in (*_SLASHES, b"s://", rb"s:\/\/"))),
    ahead(some(rb"[A-Za-z_%-]", 0, 40), some(rb"[0-9]", 1, 1)),
    hidden(some(rb"[0-9A-Za-z_~.%-]", 20, 255)),
)

#: Every URL in which a password or a token stands.
URLS: Final = (
    Shape(
        behind(rb"[0-9A-Za-z]"),
        text(*_SLASHES),
        # Most URLs have no login: that is told fast.
        ahead(some(_BEFORE_AT, 1, 600), some(b"@", 1, 1)),
        either(_LOGIN, joined(_NO_PLACEHOLDER, either(_LONG_LOGIN, _LONE_TOKEN))),
        _AT_HOST,
        anchors=_SLASHES,
        longest=1024,
    ),
)
