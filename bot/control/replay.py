"""Ask a policy again what it was asked before, and see whether it says the same."""

from dataclasses import dataclass

from bot.domain.policy import Policy, Ruling
from bot.ports import Approvals, Document, Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A document about which a policy says something else by now."""

    document: Document
    was: Ruling
    now: Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of asking again."""

    asked: int = 0
    differences: tuple[Difference, ...] = ()


async def replay(policy: Policy, approvals: Approvals, policies: Policies) -> Replay:
    """Ask *policy* all that was kept of what it was asked, newest first."""
    kept = await approvals.samples(policy.name)
    differences = []
    for document, was in kept:
        [now] = await policies.rulings([policy], document)
        if now != was:
            differences.append(Difference(document=document, was=was, now=now))
    return Replay(asked=len(kept), differences=tuple(differences))


def told(ruling: Ruling) -> str:
    """Return what *ruling* says in one line."""
    if ruling.failed:
        return f"failed: {ruling.failed}"
    flags = {"approve": ruling.approve, "reject": ruling.reject}
    notes = {
        "deny": ruling.deny,
        "approve_with_note": ruling.approve_notes,
        "reject_with_note": ruling.reject_notes,
        "undecided_with_note": ruling.undecided_notes,
    }
    said = [name for name, is_so in flags.items() if is_so]
    said += [f"{name} {' | '.join(some)}" for name, some in notes.items() if some]
    return "; ".join(said) or "nothing"
