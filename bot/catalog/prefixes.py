"""Policies that compare only a part of a command, whatever stands around it.

`^terraform state list` lets `terraform state list; rm -rf /` through. What is told says
where to look; what a policy means in the end is for OPA to know.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from bot.catalog.anchors import hole
from bot.catalog.calls import Call, calls
from bot.catalog.problem import short
from bot.domain.policy import Policy
from bot.domain.rego import Token, place_at
from bot.domain.stack import Catalog

_PATTERNS: Final = ("regex.match", "re_match")
_STAR: Final = re.compile(r"(?<!\\)(\\\\)*\*")

_BEGINNING: Final = (
    "matches how a command begins, so that `; rm -rf /` may follow; compare all of the "
    "command with =="
)
_PART: Final = (
    "matches a part of a command, so that `rm -rf /;` may come before it; compare all "
    "of the command with =="
)
_COMPARED: Final[Mapping[str, str]] = {
    "startswith": _BEGINNING,
    "strings.any_prefix_match": _BEGINNING,
    "endswith": _PART,
    "contains": _PART,
    "strings.any_suffix_match": _PART,
}
_GLOB: Final = "takes in anything at its *, `; rm -rf /` too; write whole commands"


def open_ended(catalog: Catalog) -> list[str]:
    """Return a sentence on each such place in the policies of *catalog*."""
    policies = {it.path: it for own in catalog.stacks.values() for it in own.policies}
    return [line for policy in policies.values() for line in _told(policy)]


def _told(policy: Policy) -> Iterator[str]:
    source = policy.path.read_text("utf-8", errors="replace")
    for at, sentence in sorted(_found(source)):
        yield f"{policy.name}:{place_at(source, at)[0]}: {sentence}"


def _found(source: str) -> set[tuple[int, str]]:
    found = list(calls(source))
    held = {it.body for it in found if _is_held(it)}
    return {told for it in found if it.body not in held for told in _holes(it)}


def _is_held(call: Call) -> bool:
    """Tell whether what is true along with *call* lets no more through than it does."""
    is_pattern = call.name in _PATTERNS and bool(call.against)
    return is_pattern and not call.is_negated and not list(_holes(call))


def _holes(call: Call) -> Iterator[tuple[int, str]]:
    """Yield offsets, and what is to be said about what stands there."""
    if call.name in _COMPARED:
        yield call.at.start, f"{call.name} {_COMPARED[call.name]}"
        return
    for text in call.against:
        what = "pattern" if call.name in _PATTERNS else "glob"
        if wrong := _hole(_unquoted(text), what):
            yield text.start, f"the {what} {short(text.text)} {wrong}"


def _hole(text: str, what: str) -> str:
    if what == "pattern":
        return hole(text)
    return _GLOB if _STAR.search(text) else ""


def _unquoted(token: Token) -> str:
    if token.text.startswith("`"):
        return token.text[1:-1]
    try:
        return str(json.loads(token.text))
    except ValueError:  # which OPA will tell
        return token.text[1:-1]
