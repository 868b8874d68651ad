"""Tell what a chaos run shows, as a table."""

from collections import Counter
from collections.abc import Sequence

from tests.bench.checker.evidence import Evidence
from tests.bench.checker.violations import Violation, told_twice, violations
from tests.bench.table import Table, Target

_SHOWN = 12


def verdict(evidence: Evidence, seed: int, notes: Sequence[str] = ()) -> Table:
    """Return what was looked for, and how much of it was found."""
    found = violations(evidence)
    return Table(
        title=f"A chaos run with the seed {seed}",
        columns=("", "found"),
        rows=[(promise, str(_amount(what))) for promise, what in found.items()],
        targets=[
            Target(name=promise, measured=_amount(what), at_most=0)
            for promise, what in found.items()
        ],
        notes=[_summary(evidence), *notes, *_named(found)],
    )


def _summary(evidence: Evidence) -> str:
    states = Counter(
        f"{run.state} ({run.reason})" if run.reason else run.state
        for run in evidence.runs
    )
    ended = ", ".join(f"{state}: {count}" for state, count in sorted(states.items()))
    begun = sum(mark.word == "start" for mark in evidence.marks)
    size = sum(len(run.output) for run in evidence.runs)
    return (
        f"{len(evidence.commands)} commands, {len(evidence.runs)} runs ({ended}), "
        f"of which {begun} began to perform; {size:,} bytes of output, "
        f"{len(evidence.messages)} messages; told twice: "
        f"{_amount(list(told_twice(evidence)))} of all, with direct messages"
    )


def _amount(found: list[Violation]) -> int:
    return sum(violation.amount for violation in found)


def _named(found: dict[str, list[Violation]]) -> list[str]:
    return [
        f"{promise}: {violation.what}"
        for promise, several in found.items()
        for violation in several[:_SHOWN]
    ]
