"""Where a policy compares commands with texts, and whether that lets them through.

What a policy means is for OPA to know: this only looks at its words.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bot.domain.rego import Kind, Token, tokens

#: which argument of them is the command, and which one it is compared with
COMPARING: Final[Mapping[str, tuple[int, int]]] = {
    "regex.match": (1, 0),
    "re_match": (1, 0),
    "glob.match": (2, 0),
    "startswith": (0, 1),
    "endswith": (0, 1),
    "contains": (0, 1),
    "strings.any_prefix_match": (0, 1),
    "strings.any_suffix_match": (0, 1),
}
#: What they match, they forbid; there, a beginning is enough.
_FORBIDDING: Final = ("deny", "reject", "reject_with_note")
#: What they match is neither forbidden nor let through.
_IDLE: Final = ("undecided_with_note", "sample")
_KNOWN: Final = (*_FORBIDDING, "approve", "approve_with_note")
_COMMAND: Final = ("command", '"command"', "`command`")
#: What they return is of the command no more than a part, or how many there are.
_PARTING: Final = ("split", "count", "substring", "indexof", "find_n", "sprintf")

_BEGINNING: Final = re.compile(r"""["`](\(\?[a-zA-Z]+\))*\(?(\^|\\A)""")
_OPENING: Final = ("(", "[", "{")
_CLOSING: Final = (")", "]", "}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A comparison, in a place that lets through what it is true for."""

    name: str
    at: Token
    against: Sequence[Token]
    #: where what has to be true along with it begins
    body: int
    is_negated: bool


def calls(source: str) -> Iterator[Call]:
    """Yield the comparisons by which *source* may let a command through."""
    policy = _Policy(source)
    for at, name in policy.comparing():
        given = policy.arguments(at + _length(name))
        command, against = COMPARING[name]
        is_negated = policy.is_negated(at)
        if (
            len(given) > max(command, against)
            and policy.may_be_command(given[command])
            and policy.lets_through(policy.rules[at], is_negated=is_negated)
        ):
            yield Call(
                name=name,
                at=policy.tokens[at],
                against=policy.texts_of(given[against]) or policy.patterns,
                body=policy.bodies[at],
                is_negated=is_negated,
            )


class _Policy:
    """The tokens of a policy, and what they have to do with each other."""

    def __init__(self, source: str) -> None:
        self.tokens = tokens(source)
        self.rules: list[str] = []  #: of each token, which rule it is part of
        self.bodies: list[int] = []  #: and which body of it, by where that begins
        self._source = source
        self._bound: dict[str, list[Sequence[Token]]] = defaultdict(list)
        self._let: dict[tuple[str, bool], bool] = {}
        self._read_rules()
        self._read_bindings()

    def comparing(self) -> Iterator[tuple[int, str]]:
        """Yield where a comparing function is called, and its name."""
        for at, token in enumerate(self.tokens):
            three = "".join(it.text for it in self.tokens[at : at + 3])
            name = three if three in COMPARING else token.text
            is_called = self._text(at + _length(name)) == "("
            if name in COMPARING and is_called and self._text(at - 1) != ".":
                yield at, name

    def arguments(self, at: int) -> list[Sequence[Token]]:
        """Return what stands between the commas of the brackets at *at*."""
        given: list[list[Token]] = [[]]
        depth = 0
        for index in range(at, len(self.tokens)):
            token = self.tokens[index]
            depth += _step(token)
            if depth == 0:
                break
            if depth == 1 and token.text == ",":
                given.append([])
            elif index > at:
                given[-1].append(token)
        return list(given)

    def is_negated(self, at: int) -> bool:
        """Tell whether `not` stands before *at*."""
        return at > 0 and self.tokens[at - 1].text == "not"

    def may_be_command(self, given: Sequence[Token]) -> bool:
        """Tell whether *given* can be the whole command, by way of variables too."""
        return any(
            any(it.text in _COMMAND for it in some)
            # what nothing is given to is a parameter of a function
            or any(name not in self._bound for name in _variables(some))
            for some in self._meant(given, without=_PARTING)
        )

    def texts_of(self, given: Sequence[Token]) -> Sequence[Token]:
        """Return the texts that *given* is, or that a variable in it may be."""
        meant = self._meant(given)
        return [it for some in meant for it in some if it.kind is Kind.TEXT]

    def _meant(
        self, given: Sequence[Token], without: Collection[str] = ()
    ) -> Iterator[Sequence[Token]]:
        """Yield *given*, what is given to each variable in it, and so on."""
        left, seen = [given], set[str]()
        while left:
            some = left.pop()
            if any(it.text in without for it in some):
                continue
            yield some
            named = _variables(some) - seen
            left.extend(it for name in named for it in self._bound.get(name, ()))
            seen |= named

    @cached_property
    def patterns(self) -> Sequence[Token]:
        """Return what looks like a pattern: what a parameter of a function may be."""
        texts = (it for it in self.tokens if it.kind is Kind.TEXT)
        return [it for it in texts if _BEGINNING.match(it.text)]

    def lets_through(self, rule: str, *, is_negated: bool) -> bool:
        """Tell whether what is true in *rule* may let a command through."""
        if (rule, is_negated) not in self._let:
            self._let[rule, is_negated] = self._may_let(rule, is_negated=is_negated)
        return self._let[rule, is_negated]

    def _may_let(self, rule: str, *, is_negated: bool) -> bool:
        left, seen = [(rule, is_negated)], {(rule, is_negated)}
        while left:
            name, negated = left.pop()
            if name in _KNOWN and negated == (name in _FORBIDDING):
                return True
            uses = () if name in _KNOWN + _IDLE else self._uses.get(name, ())
            if not (uses or negated or name in _KNOWN + _IDLE):
                return True  # it is for another file, or for nothing
            found = {(it, negated != is_not) for it, is_not in uses} - seen
            left.extend(found)
            seen |= found
        return False

    @cached_property
    def _uses(self) -> Mapping[str, Collection[tuple[str, bool]]]:
        """Return in which rules each rule is named, and whether behind `not`."""
        uses: dict[str, set[tuple[str, bool]]] = {name: set() for name in self.rules}
        for at, (token, rule) in enumerate(zip(self.tokens, self.rules, strict=True)):
            is_own = token.text == rule or self._text(at - 1) == "."
            if token.text in uses and not is_own:
                uses[token.text].add((rule, self.is_negated(at)))
        return uses

    def _read_rules(self) -> None:
        rule = ""
        bodies = [0]  # that of the rule, and of each bracket that is open
        for at, token in enumerate(self.tokens):
            is_outside = len(bodies) == 1 and token.kind is Kind.WORD
            if is_outside and self._is_first(token):
                rule, bodies = rule if token.text == "else" else token.text, [at]
            if token.text in _CLOSING and len(bodies) > 1:
                bodies.pop()
            self.rules.append(rule)
            self.bodies.append(bodies[-1])
            if token.text in _OPENING:
                bodies.append(at if token.text == "{" else bodies[-1])

    def _is_first(self, token: Token) -> bool:
        return self._source[max(token.start - 1, 0) : token.start] in ("", "\n")

    def _read_bindings(self) -> None:
        for at, token in enumerate(self.tokens):
            if token.kind is not Kind.WORD:
                continue
            if token.text in ("some", "every"):
                self._read_each(at)
            elif self._is_bound(at):
                self._bound[token.text].append(self._statement(at + 1))

    def _read_each(self, at: int) -> None:
        """Take what `some x, y in …` makes: one of several, no whole command."""
        few = self.tokens[at + 1 : at + 8]
        end = next((at for at, it in enumerate(few) if it.text == "in"), 0)
        for name in few[:end]:
            self._bound[name.text].append(())

    def _is_bound(self, at: int) -> bool:
        """Tell whether a value is given to the name at *at*, or rules make it."""
        behind = self._text(at + 1) + self._text(at + 2)
        if behind == ":=" or (behind[:1] == "=" and behind != "=="):
            return self._text(at - 1) != "."
        is_rule = self.tokens[at].text == self.rules[at]
        return is_rule and self.bodies[at] == at and self._text(at + 1) != "("

    def _statement(self, at: int) -> Sequence[Token]:
        """Return the tokens from *at* to the end of a line, brackets closed."""
        depth, end = 0, at
        while end < len(self.tokens):
            depth += _step(self.tokens[end])
            end += 1
            if depth < 0:
                return self.tokens[at : end - 1]
            if depth == 0 and self._is_last(end):
                break
        return self.tokens[at:end]

    def _is_last(self, end: int) -> bool:
        if end >= len(self.tokens) or self.tokens[end].text == ";":
            return True
        between = self._source[self.tokens[end - 1].end : self.tokens[end].start]
        return "\n" in between

    def _text(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""


def _length(name: str) -> int:
    """Return of how many tokens *name* is made."""
    return 1 + 2 * name.count(".")


def _step(token: Token) -> int:
    return (token.text in _OPENING) - (token.text in _CLOSING)


def _variables(given: Sequence[Token]) -> set[str]:
    """Return the names in *given* that are neither keys nor functions."""
    texts = ["", *(it.text for it in given), ""]
    return {
        it.text
        for at, it in enumerate(given, start=1)
        if it.kind is Kind.WORD
        and it.text not in ("_", "input", "data")
        and texts[at - 1] != "."
        and texts[at + 1] not in ("(", ".")
    }
