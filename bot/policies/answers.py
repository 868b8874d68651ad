"""What OPA answered, as a ruling: whatever is not of the right type is a no."""

from collections.abc import Mapping
from typing import Final

from bot.domain.errors import HandrailError
from bot.domain.policy import Ruling

#: of one rule; a thread holds no more
MOST_SENTENCES: Final = 50
LONGEST_SENTENCE: Final = 1000  #: characters

_TYPES: Final = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a set or an array",
    dict: "an object",
}


class NotEvaluated(HandrailError):
    """A policy gave no answer that can be used; the message says why."""

    def __init__(self, message: str, row: int = 0) -> None:
        """*row* of the policy as OPA has it; 0: it is of no row."""
        super().__init__(message)
        self.row = row


def ruling_of(policy: str, answer: object) -> Ruling:
    """Return what *answer*, an object of rules and their values, says.

    Raise NotEvaluated where a rule is not of its type.
    """
    if not isinstance(answer, dict):
        raise NotEvaluated("It gave no answer.")
    return Ruling(
        policy=policy,
        deny=_sentences(answer, "deny", one=False),
        approve=_flag(answer, "approve"),
        reject=_flag(answer, "reject"),
        approve_notes=_sentences(answer, "approve_with_note"),
        reject_notes=_sentences(answer, "reject_with_note"),
        undecided_notes=_sentences(answer, "undecided_with_note"),
        sample=_flag(answer, "sample"),
    )


def _flag(answer: Mapping[str, object], rule: str) -> bool:
    value = answer.get(rule, False)
    if not isinstance(value, bool):
        raise _wrong(rule, "true or false", value)
    return value


def _sentences(
    answer: Mapping[str, object], rule: str, *, one: bool = True
) -> tuple[str, ...]:
    value = answer.get(rule, [])
    if one and isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise _wrong(rule, "a set of sentences", value)
    for it in value:
        if not isinstance(it, str):
            raise _wrong(rule, "a set of sentences", it, "it has ")
    left = len(value) - MOST_SENTENCES
    more = (f"… and {left} more.",) if left > 0 else ()
    return (*map(_short, value[:MOST_SENTENCES]), *more)


def _short(sentence: str) -> str:
    if len(sentence) > LONGEST_SENTENCE:
        return f"{sentence[: LONGEST_SENTENCE - 1]}…"
    return sentence.strip() or "No reason is given."


def _wrong(rule: str, wanted: str, value: object, verb: str = "it is ") -> NotEvaluated:
    return NotEvaluated(f"{rule} has to be {wanted}; {verb}{_TYPES[type(value)]}.")
