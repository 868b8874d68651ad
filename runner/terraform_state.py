"""What is sensitive in a Terraform or OpenTofu state, as `show -json` prints it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from runner.masking.secrets import MINIMUM, Secret, unmaskable

#: More would take a machine too long to look for.
MOST_VALUES: Final = 10_000
MOST_LINES: Final = 10_000
MOST_BYTES: Final = 256 * 1024

#: Of the format; another promises nothing ("JSON Output Format" of Terraform).
_MAJOR_VERSIONS: Final = frozenset({"0", "1"})

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w-]*")

#: A value, what is marked in it (or True: all of it), and its address.
_Marked: TypeAlias = tuple[object, object, str]


def sensitive_values(shown: bytes) -> tuple[Secret, ...]:
    """Return each value once that is marked as sensitive, named by its address.

    *shown* may hold several states, one after the other. A map or list that is
    marked counts as the values in it; what cannot be masked is left out. Raises
    ValueError, in words that hold nothing of *shown*.
    """
    names: dict[bytes, str] = {}
    try:
        for state in _states(shown):
            for value, name in _found(state):
                names.setdefault(value.encode("utf-8", "surrogatepass"), name)
    except RecursionError:
        raise _not_a_state("it is nested too deeply") from None
    secrets = [Secret(name, v) for v, name in names.items() if len(v) >= MINIMUM]
    _refuse_too_many(secrets)
    return tuple(secret for secret in secrets if not unmaskable([secret]))


def _states(shown: bytes) -> Iterator[Mapping[str, object]]:
    for document in _documents(shown):
        state = _members(document)
        version = str(state.get("format_version"))
        if version.partition(".")[0] not in _MAJOR_VERSIONS:
            raise _not_a_state("its format_version is missing or unknown")
        # Terraform leaves out `values` where there is no state.
        if "values" not in state and "planned_values" in state:
            raise _not_a_state("it is a plan")
        yield state


def _documents(shown: bytes) -> Iterator[object]:
    # Numbers stay as they are written.
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    try:
        text = shown.decode("utf-8-sig").strip()
        document, at = decoder.raw_decode(text)
        yield document
        while at < len(text):
            document, at = decoder.raw_decode(text, _past_blanks(text, at))
            yield document
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise _not_a_state("it is not JSON") from None


def _past_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _found(state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    values = _members(state.get("values"))
    for name, found in _members(values.get("outputs")).items():
        output = _members(found)
        marked = output.get("value"), output.get("sensitive"), f"output.{name}"
        yield from _leaves(*marked)
    for marked in _resources(_members(values.get("root_module"))):
        yield from _leaves(*marked)


def _resources(module: Mapping[str, object]) -> Iterator[_Marked]:
    for resource in map(_members, _items(module.get("resources"))):
        address = str(resource.get("address"))
        yield resource.get("values"), resource.get("sensitive_values"), address
    for child in map(_members, _items(module.get("child_modules"))):
        yield from _resources(child)


def _leaves(value: object, marks: object, name: str) -> Iterator[tuple[str, str]]:
    # However deep a value is nested, nothing but JSON sets it a bound.
    pending = [(value, marks, name)]
    while pending:
        value, marks, name = pending.pop()
        match marks, value:
            case True, str(leaf):
                yield leaf, name
            case _:
                inside = [
                    (member, within, name + step)
                    for step, member, within in _inside(value, marks)
                ]
                pending += reversed(inside)


def _inside(value: object, marks: object) -> Iterator[tuple[str, object, object]]:
    """Give the members that may be marked, each behind its step of an address."""
    match marks, value:
        case True, dict(members):
            yield from ((_step(key), member, True) for key, member in members.items())
        case True, list(items):
            yield from ((f"[{nth}]", item, True) for nth, item in enumerate(items))
        case dict(within), dict(members):
            known = (key for key in members if key in within)
            yield from ((_step(key), members[key], within[key]) for key in known)
        case list(within), list(items):
            for nth, (item, mark) in enumerate(zip(items, within, strict=False)):
                yield f"[{nth}]", item, mark
        case _:
            return


def _step(key: str) -> str:
    return f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]"


def _members(node: object) -> Mapping[str, object]:
    match node:
        case None:
            return {}
        case dict():
            return node
        case _:
            raise _not_a_state("a part of it has another form")


def _items(node: object) -> Sequence[object]:
    match node:
        case None:
            return ()
        case list():
            return node
        case _:
            raise _not_a_state("a part of it has another form")


def _refuse_too_many(secrets: Sequence[Secret]) -> None:
    if len(secrets) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES:,} of its values are sensitive")
    if sum(1 + secret.value.count(b"\n") for secret in secrets) > MOST_LINES:
        raise ValueError(f"its sensitive values have more than {MOST_LINES:,} lines")
    if sum(len(secret.value) for secret in secrets) > MOST_BYTES:
        raise ValueError(f"its sensitive values have more than {MOST_BYTES:,} bytes")


def _not_a_state(why: str) -> ValueError:
    return ValueError(f"what was printed is not a state as `show -json` has it: {why}")
