"""What is secret: the values, and every shape of bytes in which one may appear."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

#: Shorter forms would blank ordinary text.
MINIMUM: Final = 6

#: Longer forms are hidden in parts, so that little has to be held back.
LONGEST: Final = 1024

#: Values that hide nothing and stand in ordinary output, in lower case.
STOP_WORDS: Final = frozenset(
    b"0.0.0.0 127.0.0.1 account administrator ansible changeme cluster config "
    b"database default development disabled enabled environment example example.com "
    b"localhost master namespace password placeholder postgres postgresql private "
    b"production profile project public pulumi region sandbox secret secrets service "
    b"staging standard terraform testing undefined unknown username".split()
)

#: Values that hide nothing: a rule such as "------", a region such as "eu-west-1".
STOP_VALUES: Final = re.compile(rb"([^0-9A-Za-z])\1*|[a-z]{2}(-[a-z]+){1,2}-[0-9]")

#: Lines that say what stands around a secret: the armour of a PEM block,
#: "[default]", "credentials: {", "kind: Config".
STOP_LINES: Final = re.compile(
    rb"-----(BEGIN|END) [A-Z0-9 ]+-----"
    rb"|\[[\w .:-]+\]"
    rb"|[-\s]*[\"']?[\w.-]+[\"']?\s*:\s*[\[{]?"
    rb"|[\"']?(apiVersion|kind|type)[\"']?\s*:\s*[\w\"'./]+,?"
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be seen, and the name it may be called by."""

    name: str
    value: bytes = field(repr=False)


def forms(secret: Secret) -> frozenset[bytes]:
    """Return every byte string to hide wherever it stands.

    Each has MINIMUM to LONGEST bytes.
    """
    return _made_by(FORMS, secret)


def encodings(secret: Secret) -> frozenset[bytes]:
    """Return what to hide even where white space wraps it: text without blanks."""
    return _made_by(ENCODINGS, secret)


def unmaskable(secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Name the secrets that are too short or too ordinary to be masked."""
    return tuple(secret.name for secret in secrets if not forms(secret))


def _made_by(makers: Sequence["_Maker"], secret: Secret) -> frozenset[bytes]:
    value = secret.value.strip()
    if len(value) < MINIMUM or _is_ordinary(value):
        return frozenset()
    made = (form for make in makers for form in make(value))
    long_enough = (form for form in made if len(form) >= MINIMUM)
    return frozenset(part for form in long_enough for part in _parts(form))


def _parts(form: bytes) -> Iterator[bytes]:
    """Cut what is too long into parts that overlap, so that they are hidden as one."""
    last = max(0, len(form) - LONGEST)
    for start in (*range(0, last, LONGEST - 1), last):
        yield form[start : start + LONGEST]


def _is_ordinary(value: bytes) -> bool:
    return value.lower() in STOP_WORDS or bool(STOP_VALUES.fullmatch(value))


def _whole(value: bytes) -> Iterator[bytes]:
    """Give the value as it is, and with the line ends a terminal would put."""
    yield value
    lines = value.replace(b"\r\n", b"\n").split(b"\n")
    yield b"\n".join(lines)
    yield b"\r\n".join(lines)


def _lines(value: bytes) -> Iterator[bytes]:
    """Give each line, since tools indent and prefix the lines of a value."""
    lines = (line.strip() for line in value.splitlines())
    for line in lines:
        if not (_is_ordinary(line) or STOP_LINES.fullmatch(line)):
            yield line


def _base64(value: bytes) -> Iterator[bytes]:
    """Give base64 in both alphabets, wherever the value begins in what is encoded."""
    for before in range(3):
        for text in _base64_after(before, value):
            yield text
            yield text.replace(b"+", b"-").replace(b"/", b"_")


def _base64_after(before: int, value: bytes) -> Iterator[bytes]:
    """Encode *value* behind *before* unknown bytes, without the letters they touch.

    Three bytes make four letters (RFC 4648 §4): a letter at either end that also
    holds bits of a neighbour cannot be known, unless the text ends with the value.
    """
    unknown = b"\0" * before
    first = -(-before * 8 // 6)
    after = (before + len(value)) * 8 // 6
    yield b64encode(unknown + value)[first:after]
    yield b64encode(unknown + value)[first:]
    yield b64encode(unknown + value + b"\n")[first:]


_Maker = Callable[[bytes], Iterable[bytes]]

#: How a value may be written. Each maker gets it without surrounding white space.
FORMS: Final[Sequence[_Maker]] = (_whole, _lines)

#: How it may be encoded by tools that wrap what they write.
ENCODINGS: Final[Sequence[_Maker]] = (_base64,)
