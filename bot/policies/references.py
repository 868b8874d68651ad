"""What a policy refers to in `data`: its own rules are there, and nothing else is."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.domain.rego import Kind, Token, place_at, tokens
from bot.policies.rewriting import Rewritten

#: the steps behind `data`; one that is not a constant string is empty
Reference = tuple[str, ...]


def strangers(
    references: Iterable[Reference], homes: Mapping[str, str], text: Rewritten
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield a sentence on each of *references* that leads out of *homes*, and where.

    OPA would take it for undefined, and a `deny` that needs it would deny nothing.
    """
    own = [tuple(home.split(".")) for home in homes.values()]
    led_out = {
        _known(it)
        for it in references
        if not any(it[: len(home)] == home for home in own)
    }
    for reference in sorted(led_out):
        step = reference[0] if reference else ""
        yield _sentence(reference, step, homes), _place(step, text)


def _known(reference: Reference) -> Reference:
    """Return *reference* without what is computed at its end."""
    while reference[1:] and not reference[-1]:
        reference = reference[:-1]
    return reference


def _sentence(reference: Reference, step: str, homes: Mapping[str, str]) -> str:
    name = "data" + "".join(f".{it}" if it else "[…]" for it in reference)
    if step in homes:
        how, remedy = " as it is written", f"Write {name}, in one piece and like that."
    elif step:
        how, remedy = "", "Write it into this file."
    else:
        how, remedy = "", f"Write data.{next(iter(homes))}.name, with a rule's name."
    return (
        f"{name} is not there{how}: one file is one policy, and has nothing of data "
        f"but its own rules. {remedy}"
    )


def _place(step: str, text: Rewritten) -> tuple[int, int]:
    """Return where the source has `data` followed by *step*, which was not moved."""
    moved = {edit.start for edit in text.edits}
    found = tokens(text.source)
    heads = [
        at
        for at, token in enumerate(found)
        if token.text == "data"
        and not (at and found[at - 1].text == ".")
        and not any(it.start in moved for it in found[at + 2 : at + 3])
    ]
    fitting = [at for at in heads if _step(found[at + 1 : at + 4]) == step]
    for at in (*fitting, *heads):
        return place_at(text.source, found[at].start)
    return 0, 0


def _step(behind: Sequence[Token]) -> str:
    """Return the constant that the tokens *behind* `data` go on with, if any."""
    match behind:
        case [Token(text="."), Token(kind=Kind.WORD) as name, *_]:
            return name.text
        case [Token(text="["), Token(kind=Kind.TEXT) as name, Token(text="]")]:
            return _value(name.text)
        case _:
            return ""


def _value(quoted: str) -> str:
    if quoted.startswith("`"):
        return quoted.strip("`")
    try:
        return str(json.loads(quoted))
    except ValueError:
        return ""
