"""What is secret: the values, and every shape of bytes in which one may appear."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from runner.masking.escapes import escaped, in_json
from runner.masking.interrupted import uninterrupted
from runner.masking.leaves import is_read_in_part, leaves
from runner.masking.ordinary import is_ordinary, is_ordinary_line, is_plain_line

#: Shorter forms would blank ordinary text.
MINIMUM: Final = 6

#: Longer forms are hidden in parts, so that little has to be held back.
LONGEST: Final = 1024

#: Of a value with more lines only the first are hidden by themselves.
MOST_LINES: Final = 2_500

#: Of a value with more lines those are not hidden alone that are plain words.
FEW_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be seen, and the name it may be called by."""

    name: str
    value: bytes = field(repr=False)


def forms(secret: Secret) -> frozenset[bytes]:
    """Return every byte string to hide wherever it stands.

    Each has MINIMUM to LONGEST bytes. The value is hidden as a whole, and so are its
    first MOST_LINES lines and, if it is a document, the first MOST_LEAVES values in it.
    """
    value = secret.value.strip()
    return _made_by(FORMS, _secret_in(value, (_itself, _lines, _leaves)))


def encodings(secret: Secret) -> frozenset[bytes]:
    """Return what to hide even where white space wraps it: text without blanks."""
    value = secret.value.strip()
    base64 = _made_by(BASE64, _secret_in(value, (_itself, _lines, _leaves)))
    return base64 | _made_by(DIGITS, _secret_in(value, (_itself, _leaves)))


def unmaskable(secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Name the secrets that are too short or too ordinary to be masked."""
    return tuple(
        secret.name for secret in secrets if not _is_maskable(secret.value.strip())
    )


def partly_masked(secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Name the secrets that are so large that some part alone would be seen."""
    values = ((secret.name, secret.value.strip()) for secret in secrets)
    return tuple(name for name, v in values if _is_maskable(v) and _is_large(v))


def _is_large(value: bytes) -> bool:
    return len(value.splitlines()) > MOST_LINES or is_read_in_part(value)


def _is_maskable(value: bytes) -> bool:
    return len(value) >= MINIMUM and not is_ordinary(value)


def _made_by(makers: "_Makers", pieces: Iterable[bytes]) -> frozenset[bytes]:
    made = {form for piece in pieces for make in makers for form in make(piece)}
    long_enough = (form for form in made if len(form) >= MINIMUM)
    return frozenset(part for form in long_enough for part in _parts(form))


def _secret_in(value: bytes, takers: "_Makers") -> frozenset[bytes]:
    """Return all that is secret by itself, if *value* is."""
    if not _is_maskable(value):
        return frozenset()
    found = (piece for take in takers for piece in take(value))
    return frozenset(piece for piece in found if len(piece) >= MINIMUM)


def _parts(form: bytes) -> Iterator[bytes]:
    """Cut what is too long into parts that overlap, so that they are hidden as one."""
    last = max(0, len(form) - LONGEST)
    for start in (*range(0, last, LONGEST - 1), last):
        yield form[start : start + LONGEST]


def _itself(value: bytes) -> Iterator[bytes]:
    yield value


def _lines(value: bytes) -> Iterator[bytes]:
    """Give each line, since tools indent and prefix the lines of a value.

    Of a few lines each may be a password; of many the plain ones are none.
    """
    lines = [line.strip() for line in value.splitlines()]
    are_few = len(lines) <= FEW_LINES
    return (
        line
        for line in lines[:MOST_LINES]
        if not is_ordinary_line(line) and (are_few or not is_plain_line(line))
    )


def _leaves(value: bytes) -> Iterator[bytes]:
    """Give each value in a document."""
    return (leaf for leaf in leaves(value) if not is_ordinary(leaf))


def _whole(value: bytes) -> Iterator[bytes]:
    """Give the value as it is, and with the line ends a terminal would put."""
    yield value
    lines = value.replace(b"\r\n", b"\n").split(b"\n")
    yield b"\n".join(lines)
    yield b"\r\n".join(lines)


def _uninterrupted(value: bytes) -> Iterator[bytes]:
    """Give the value as it is found where colour codes are skipped."""
    yield uninterrupted(value)


def _base64_of_json(value: bytes) -> Iterator[bytes]:
    """Give base64 of the value in a document."""
    for escaped_value in in_json(value):
        yield from _base64(escaped_value)


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


def _hex(value: bytes) -> Iterator[bytes]:
    """Give two digits for each byte, in small letters and in capitals."""
    digits = value.hex().encode()
    yield digits
    yield digits.upper()


def _percent(value: bytes) -> Iterator[bytes]:
    """Give the URL encoding that spares no byte, as shell loops write it."""
    for digits in (value.hex(" "), value.hex(" ").upper()):
        yield ("%" + digits.replace(" ", "%")).encode()


_Makers = Sequence[Callable[[bytes], Iterable[bytes]]]

#: How it may be written. Each maker gets it without surrounding white space.
FORMS: Final[_Makers] = (_whole, _uninterrupted, escaped)

#: How it may be encoded by tools that wrap what they write.
BASE64: Final[_Makers] = (_base64, _base64_of_json)

#: How each byte may be spelled. Lines alone are not: a value is spelled as a whole.
DIGITS: Final[_Makers] = (_hex, _percent)
