"""The shapes of tokens of clouds, code hosts, registries and other services.

As their makers describe them, or as they are seen.
"""

from typing import Final

from runner.masking.grammar import (
    AT_TOKEN,
    AT_WORD,
    END,
    Piece,
    Shape,
    ahead,
    behind,
    either,
    hidden,
    joined,
    maybe,
    some,
    text,
    unless,
)

_LETTERS: Final = rb"[0-9A-Za-z]"
_WORDS: Final = rb"[0-9A-Za-z_-]"
_BASE64: Final = rb"[0-9A-Za-z+/]"
_HEX: Final = rb"[0-9a-f]"
_CAPITALS: Final = rb"[0-9A-Z]"


def _token(*prefixes: bytes, of: bytes, least: int, most: int = 512) -> Shape:
    """Make the shape of a prefix and *least* or more bytes."""
    return Shape(
        AT_WORD if most <= 512 else AT_TOKEN,
        hidden(text(*prefixes), some(of, least)),
        anchors=prefixes,
        longest=most,
    )


def _exactly(*prefixes: bytes, of: bytes, size: int) -> Shape:
    """Make the shape of a prefix and *size* bytes, and no more of their kind."""
    return Shape(
        AT_WORD,
        hidden(text(*prefixes), some(of, size, size)),
        unless(of),
        anchors=prefixes,
        longest=512,
    )


def _set(*names: bytes, sign: Piece, value: Piece, most: int = 512) -> Shape:
    """Make the shape of a value that stands behind its name."""
    return Shape(text(*names), sign, hidden(value), anchors=names, longest=most)


#: As in `key = "…"`, `"key" : "…"`, `<key>…`, `key => …`, and in JSON in JSON.
_SIGN: Final = joined(
    some(rb"\\", 0, 1),
    some(rb"[\"']", 0, 1),
    some(rb"[ \t]", 0, 10),
    either(text(b"=>"), some(rb"[=:>]", 1, 1)),
    some(rb"[ \t]", 0, 4),
    some(rb"\\", 0, 1),
    some(rb"[\"']", 0, 1),
)

_AWS: Final = (
    _exactly(b"AKIA", b"ASIA", of=_CAPITALS, size=16),
    _set(
        b"secret_access_key",
        b"SECRET_ACCESS_KEY",
        b"SecretAccessKey",
        b"secretAccessKey",
        b"secret_key",
        sign=_SIGN,
        value=joined(some(_BASE64, 40, 40), unless(rb"[0-9A-Za-z+/=]")),
    ),
    # Both are base64 of what session tokens begin with.
    _token(
        b"IQoJb3JpZ2lu", b"FwoGZXIvYXdz", of=rb"[0-9A-Za-z+/=%]", least=100, most=4096
    ),
)

_GOOGLE: Final = (
    _exactly(b"AIza", of=_WORDS, size=35),
    _token(b"ya29.", of=rb"[0-9A-Za-z_.-]", least=20, most=2048),
    _token(b"GOCSPX-", of=_WORDS, least=20),
)

_AZURE: Final = (
    _set(
        b"AccountKey=",
        sign=joined(),
        value=joined(some(_BASE64, 86, 86), text(b"==")),
    ),
    _set(
        b"SharedAccessKey=",
        sign=joined(),
        value=joined(some(_BASE64, 43, 43), text(b"=")),
    ),
    Shape(
        behind(rb"[?&;]", rb"\\u0026"),
        text(b"sig="),
        hidden(some(rb"[0-9A-Za-z+/%_-]", 40), some(b"=", 0, 2)),
        anchors=(b"sig=",),
        longest=512,
    ),
    # Only the end of a client secret is hidden: what it starts with has no shape.
    Shape(
        behind(rb"[0-9A-Za-z_~.-]{3}[0-9]"),
        hidden(text(b"Q~"), some(rb"[0-9A-Za-z_~.-]", 31, 34)),
        unless(rb"[0-9A-Za-z_~-]"),
        anchors=(b"Q~",),
        longest=64,
    ),
)

_GITLAB: Final = (
    *(b"glpat-", b"glrt-", b"glrtr-", b"gldt-", b"glptt-", b"glft-", b"glcbt-"),
    *(b"glagent-", b"glsoat-", b"glimt-", b"gloas-", b"glffct-", b"glwt-"),
)

_CODE_HOSTS: Final = (
    _token(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", of=_LETTERS, least=36),
    Shape(
        AT_WORD,
        hidden(
            text(b"ghs_"),
            some(rb"[0-9]", 1, 20),
            text(b"_eyJ"),
            some(rb"[0-9A-Za-z_.-]", 40),
        ),
        anchors=(b"ghs_",),
        longest=4096,
    ),
    _token(b"github_pat_", of=rb"[0-9A-Za-z_]", least=40),
    Shape(
        AT_WORD,
        hidden(
            text(*_GITLAB),
            # No word of a name such as glrt-runner-deployment.
            ahead(some(rb"[a-z_-]", 0, 15), some(rb"[0-9A-Z]", 1, 1)),
            some(_WORDS, 20),
            maybe(text(b"."), some(rb"[0-9a-z.]", 2)),
        ),
        anchors=_GITLAB,
        longest=512,
    ),
    _token(b"GR1348941", of=_WORDS, least=20),
    _token(b"ATBB", of=_LETTERS, least=28),
    _token(b"ATCTT3", b"ATATT3", of=rb"[0-9A-Za-z_=-]", least=60),
)

_XOX: Final = tuple(b"xox%c" % kind for kind in b"abcdeoprs")
_HOOKS: Final = tuple(
    b"hooks.slack.com/%b/" % kind for kind in (b"services", b"workflows", b"triggers")
)

_SLACK: Final = (
    Shape(
        AT_WORD,
        hidden(
            text(*_XOX),
            maybe(text(b".xox"), some(rb"[a-z]", 1, 1)),
            text(b"-"),
            some(rb"[0-9A-Za-z%-]", 16),
        ),
        anchors=_XOX,
        longest=512,
    ),
    Shape(
        AT_WORD,
        hidden(
            text(b"xapp-"),
            some(rb"[0-9]", 1, 2),
            text(b"-"),
            some(rb"[0-9A-Za-z-]", 16),
        ),
        anchors=(b"xapp-",),
        longest=512,
    ),
    _set(*_HOOKS, sign=joined(), value=some(rb"[0-9A-Za-z+/_-]", 20)),
)

_PAYMENT: Final = (
    _token(b"sk_live_", b"rk_live_", b"sk_test_", b"rk_test_", of=_LETTERS, least=16),
    _token(b"whsec_", of=rb"[0-9A-Za-z+/=]", least=24),
)

_REGISTRIES: Final = (
    _exactly(b"npm_", of=_LETTERS, size=36),
    _token(b"pypi-AgE", of=_WORDS, least=50, most=2048),
    _token(b"dckr_pat_", b"dckr_oat_", of=_WORDS, least=20),
    _exactly(b"rubygems_", of=_HEX, size=48),
)

_OTHERS: Final = (
    # Terraform Cloud: what stands before is the name of the token.
    _set(
        b".atlasv1.", sign=joined(), value=some(rb"[0-9A-Za-z_=-]", 60, 100), most=128
    ),
    _token(b"hvs.", b"hvb.", b"hvr.", of=_WORDS, least=24, most=1024),
    _exactly(b"pul-", of=_HEX, size=40),
    _exactly(b"dop_v1_", b"doo_v1_", b"dor_v1_", of=_HEX, size=64),
    Shape(
        AT_WORD,
        hidden(text(b"SG."), some(_WORDS, 16, 32), text(b"."), some(_WORDS, 32, 64)),
        anchors=(b"SG.",),
        longest=128,
    ),
    _token(b"sk-ant-", b"sk-proj-", b"sk-svcacct-", b"sk-admin-", of=_WORDS, least=20),
    _exactly(b"sk-", of=_LETTERS, size=48),
    _exactly(b"glsa_", of=rb"[0-9A-Za-z_]", size=41),
    _exactly(b"dapi", of=_HEX, size=32),
    _token(b"hf_", of=_LETTERS, least=30),
    _token(b"AGE-SECRET-KEY-1", of=_CAPITALS, least=50),
)

_LONGEST_JWT: Final = 8 * 1024

#: Three parts: what it says of itself, what it says, and its signature. Of one that is
#: too long the end is not looked for, and only as much is hidden as is looked at.
_JWT: Final = Shape(
    AT_TOKEN,
    hidden(
        text(b"eyJ"),
        some(_WORDS, 10),
        text(b"."),
        either(
            joined(some(_WORDS, 10), text(b"."), some(_WORDS, 10)),
            joined(
                some(_WORDS, _LONGEST_JWT // 2),
                maybe(text(b"."), some(_WORDS, 0, 9)),
                END,
            ),
        ),
    ),
    anchors=(b"eyJ",),
    longest=_LONGEST_JWT,
)

#: Every token that is told by how it begins, or by the name that it is set to.
TOKENS: Final[tuple[Shape, ...]] = (
    *(*_AWS, *_GOOGLE, *_AZURE, *_CODE_HOSTS, *_SLACK, *_PAYMENT, *_REGISTRIES),
    *(*_OTHERS, _JWT),
)
