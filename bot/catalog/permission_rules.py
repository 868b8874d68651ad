"""What policies and approvals owe the rest of the file, and its directory."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Final

from bot.catalog import preset_rules
from bot.catalog.plain_values import items, mapping, sections, stacks
from bot.catalog.problem import Finding, Where, short

_PERSON: Final = re.compile("[UW][A-Z0-9]+")


def check(config: object, base: Path) -> Iterator[Finding]:
    """Yield what is wrong. Relative paths start at *base*."""
    for where, section in sections(config):
        yield from _policies(where, section, base)
        yield from _nobody_left(where, section)
        for name, preset in mapping(section, "presets").items():
            yield from _nobody_left((*where, "presets", name), preset)
    yield from preset_rules.check(config)
    yield from _attached(config, base)


def _policies(
    where: Where, section: Mapping[str, object], base: Path
) -> Iterator[Finding]:
    for at, file in enumerate(items(section, "policies")):
        yield from _policy((*where, "policies", at), file, base)


def _attached(config: object, base: Path) -> Iterator[Finding]:
    known = set(_labels(config))
    for at, policy in enumerate(items(config, "policies")):
        where = ("policies", at)
        if isinstance(policy, Mapping):
            yield from _policy((*where, "file"), policy.get("file"), base)
        yield from _unknown_labels((*where, "labels"), policy, known)


def _labels(config: object) -> Iterator[str]:
    """Yield the labels that a stack has."""
    for _, section in chain.from_iterable(stacks(config)):
        yield from (it for it in items(section, "labels") if isinstance(it, str))


def _unknown_labels(where: Where, policy: object, known: set[str]) -> Iterator[Finding]:
    for at, label in enumerate(items(policy, "labels")):
        if isinstance(label, str) and label and label not in known:
            yield _unknown_label((*where, at), label, known)


def _policy(where: Where, file: object, base: Path) -> Iterator[Finding]:
    if not isinstance(file, str) or not file.strip():
        return  # which is told already
    if not _is_readable(base / file):
        yield Finding(
            where=where,
            text=f"there is no file {base / file} that the bot may read; put the "
            "policy there, or name another",
        )
    elif file.endswith("_test.rego"):
        yield Finding(
            where=where,
            text=f"`{short(file)}` holds the tests of a policy; name the policy itself",
        )


def _is_readable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except (OSError, ValueError):  # no permission to look; a NUL in the name
        return False


def _unknown_label(where: Where, label: str, known: set[str]) -> Finding:
    near = get_close_matches(label, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "write it below labels of one"
    return Finding(where=where, text=f"no stack has the label `{short(label)}`; {hint}")


def _nobody_left(where: Where, section: object) -> Iterator[Finding]:
    approvals = mapping(section, "approvals")
    count, people = approvals.get("count"), set(map(str, items(approvals, "from")))
    # How many are in a group or a channel, only Slack knows, and only for now.
    is_known = people and all(map(_PERSON.fullmatch, people))
    if is_known and type(count) is int and count > len(people):
        yield Finding(
            where=(*where, "approvals", "count"),
            text=f"{count} cannot agree where `from` names {len(people)}; write at "
            f"most {len(people)}, or name more there",
        )
