"""What each rule and policy makes of a command that nobody has agreed to yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.domain.approval import Judgment, Outcome
from bot.domain.policy import Ruling, denials
from bot.domain.stack import Stack


class Stance(StrEnum):
    """How a rule stands to a command."""

    REFUSES = "refuses"
    ASKS = "asks"  #: somebody has to agree first
    AGREES = "agrees"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one rule makes of a command, and why."""

    rule: str  #: the policy as handrail.yaml names it, or its key there
    stance: Stance
    sentences: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Return its sentences, each with the name of the rule that says so."""
        own = self.rule, f"Policy {self.rule} "
        said = self.sentences or (f"{self.rule} denies nothing.",)
        return tuple(
            # Some name their rule by themselves.
            it if it.startswith(own) else f"{self.rule}: {it}"
            for it in said
        )


#: the rule `approvals` of handrail.yaml
BUILT_IN: Final = "approvals"

_STANCES: Final = {
    Outcome.REJECTED: Stance.REFUSES,
    Outcome.UNDECIDED: Stance.ASKS,
    Outcome.APPROVED: Stance.AGREES,
}


def listed(entry: str) -> Opinion:
    """Return what the built-in rule thinks of what *entry* of its `except` matches."""
    return _free(f"It matches {entry} in except.")


def asks_nobody(preset: str) -> Opinion:
    """Return what `approvals: none` of a *preset* comes to."""
    return _free(f"The preset !{preset} asks nobody (approvals: none).")


def of_denials(ruling: Ruling) -> Opinion:
    """Return what a task policy thinks of a command that is about to be recorded."""
    messages = denials([ruling])
    stance = Stance.REFUSES if messages else Stance.AGREES
    return Opinion(rule=ruling.policy, stance=stance, sentences=messages)


def of_judgment(rule: str, judgment: Judgment) -> Opinion:
    """Return what *rule* thinks of a command that is recorded."""
    return Opinion(
        rule=rule, stance=_STANCES[judgment.outcome], sentences=judgment.notes
    )


def _free(why: str) -> Opinion:
    said = f"Nobody has to agree to this command. {why}"
    return Opinion(rule=BUILT_IN, stance=Stance.AGREES, sentences=(said,))


def only_presets(stack: Stack) -> Opinion:
    """Return what `deny_tasks` of *stack* thinks of a command of one's own."""
    named = ", ".join(f"!{name}" for name in stack.presets)
    instead = f"It has presets: {named}." if named else "It has no presets either."
    deploy = f" Its deploy: /deploy {stack.name}." if stack.deploy else ""
    sentence = (
        f"{stack.name} takes no commands of one's own (deny_tasks in handrail.yaml). "
        f"{instead}{deploy}"
    )
    return Opinion(rule="deny_tasks", stance=Stance.REFUSES, sentences=(sentence,))


def refusals(opinions: Iterable[Opinion]) -> tuple[str, ...]:
    """Return every sentence of those that refuse."""
    return tuple(
        sentence
        for opinion in opinions
        if opinion.stance is Stance.REFUSES
        for sentence in opinion.sentences
    )


def together(opinions: Iterable[Opinion]) -> Stance:
    """Return how all of them stand to it: one that refuses is enough, and so on."""
    stances = {opinion.stance for opinion in opinions}
    return next((it for it in Stance if it in stances), Stance.AGREES)
