"""What must never be, looked for in the evidence of a chaos run."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from tests.bench.checker.evidence import Command, Evidence, RunRow
from tests.bench.checker.expected import difference, learned, output_of
from tests.bench.checker.secrets import forms

_DIRECT: Final = "notice"
_LEARNED: Final = re.compile("lrn[0-9a-f]{16}")

#: states that nothing follows
OVER: Final = frozenset({"finished", "failed", "discarded", "stopped"})
_NEVER_PERFORMED: Final = frozenset({"discarded", "stopped"})
_NEXT: Final[Mapping[str, frozenset[str]]] = {
    "queued": frozenset({"ready", "discarded", "failed"}),
    "ready": frozenset({"queued", "preparing", "discarded", "failed"}),
    "preparing": frozenset({"initializing", "performing", "stopped", "failed"}),
    "initializing": frozenset({"performing", "stopped", "failed"}),
    "performing": frozenset({"finished", "failed"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that must not be: *amount* is in the unit of its kind."""

    what: str
    amount: int = 1


def violations(evidence: Evidence) -> dict[str, list[Violation]]:
    """Return all that is wrong, by what is promised."""
    return {promise: list(look(evidence)) for promise, look in _PROMISES.items()}


def _started_twice(evidence: Evidence) -> Iterator[Violation]:
    runs = Counter(_token(evidence, run) for run in evidence.runs)
    marks = Counter(mark.token for mark in evidence.marks if mark.word == "start")
    begun = Counter(e.run for e in evidence.events if e.action == "start")
    for token, count in runs.items():
        if token and count > 1:
            yield Violation(what=f"{token} became {count} runs", amount=count - 1)
    for token, count in marks.items():
        if count > 1:
            yield Violation(what=f"{token} began {count} times", amount=count - 1)
    for run, count in begun.items():
        if count > 1:
            what = f"run {run}: the engine started {count} containers"
            yield Violation(what=what, amount=count - 1)


def _overlaps(evidence: Evidence) -> Iterator[Violation]:
    by_stack: defaultdict[str, list[tuple[float, float, int]]] = defaultdict(list)
    ends = {m.run: m.at for m in evidence.marks if m.word == "end"}
    for mark in evidence.marks:
        if mark.word == "start":
            end = ends.get(mark.run, float("inf"))
            by_stack[mark.stack].append((mark.at, end, mark.run))
    for stack, spans in by_stack.items():
        yield from _overlapping(f"{stack} by marks", spans)
    by_stack.clear()
    deaths = {e.container: e.at for e in evidence.events if e.action == "die"}
    for event in evidence.events:
        if event.action == "start" and event.container in deaths:
            span = (float(event.at), float(deaths[event.container]), event.run)
            by_stack[event.stack].append(span)
    for stack, spans in by_stack.items():
        yield from _overlapping(f"{stack} by the engine", spans)


def _overlapping(
    where: str, spans: list[tuple[float, float, int]]
) -> Iterator[Violation]:
    for (_, end, first), (start, _, second) in pairwise(sorted(spans)):
        if start < end and first != second:
            yield Violation(what=f"{where}: runs {first} and {second}")


def _wrong_output(evidence: Evidence) -> Iterator[Violation]:
    for run, command in _with_command(evidence):
        expected = output_of(command)
        if _is_complete(evidence, run):
            found = difference(expected, run.output)
        else:
            found = difference(expected[: len(run.output)], run.output)
        if found is not None:
            yield Violation(
                what=f"run {run.id} ({run.state}): {found.lost} bytes lost, "
                f"{found.doubled} too many"
                f"{', in another order' if found.is_disordered else ''}",
                amount=max(1, found.lost + found.doubled),
            )


def _untrue_ends(evidence: Evidence) -> Iterator[Violation]:
    started = {mark.run for mark in evidence.marks if mark.word == "start"}
    ended = {mark.run for mark in evidence.marks if mark.word == "end"}
    for run, command in _with_command(evidence):
        told = f"run {run.id} is told {run.state} ({run.reason}, {run.exit_code})"
        if run.id in ended:
            as_told = (run.state, run.reason, run.exit_code)
            truth = (
                ("failed", "exit_code", command.code)
                if command.code
                else ("finished", None, 0)
            )
            if as_told != truth:
                yield Violation(what=f"{told}, and exited with {command.code}")
        elif run.id in started and run.state in {*_NEVER_PERFORMED, "finished"}:
            yield Violation(what=f"{told}, and its command began without an end")
        elif run.id in started:
            yield Violation(what=f"{told}, and nothing had ended its command")
        elif run.state == "finished":
            yield Violation(what=f"{told}, and its command never began")


def _threads_without_end(evidence: Evidence) -> Iterator[Violation]:
    finals = Counter(
        (message.channel, message.thread_ts)
        for message in evidence.messages
        if message.kind == "final"
    )
    for run in evidence.runs:
        count = finals[(run.channel, run.ts)] if run.ts else 0
        if count != 1:
            yield Violation(what=f"run {run.id} ({run.state}): {count} final messages")


def told_twice(evidence: Evidence) -> Iterator[Violation]:
    """Yield the messages that stand there more than once, direct ones too."""
    letters = Counter((m.kind, m.letter) for m in evidence.messages)
    for (kind, letter), count in letters.items():
        if count > 1:
            yield Violation(what=f"{kind} {letter}: {count} times", amount=count - 1)


def _told_twice(evidence: Evidence) -> Iterator[Violation]:
    # Direct messages may be: nobody can look for them without reading what people
    # write to the bot.
    shown = [it for it in evidence.messages if it.kind != _DIRECT]
    yield from told_twice(replace(evidence, messages=tuple(shown)))


def _left(evidence: Evidence) -> Iterator[Violation]:
    for claim in evidence.claims:
        yield Violation(what=f"the claim of {claim}")
    for container in evidence.containers:
        yield Violation(what=f"the container {container}")
    for run in evidence.runs:
        if run.state not in OVER:
            yield Violation(what=f"run {run.id}, which is {run.state}")


def _seen(evidence: Evidence) -> Iterator[Violation]:
    known = {learned(command.token) for command in evidence.commands}
    for place, text in evidence.places.items():
        for stack, secret in evidence.secrets.items():
            shown = [form for form in forms(secret) if form in text]
            if shown:
                yield Violation(what=f"the secret of {stack} in {place}")
        # There are as many as commands: they are looked for all at once.
        for found in known & set(_LEARNED.findall(text.decode(errors="replace"))):
            yield Violation(what=f"what a command learned in {place}: {found}")


def _illegal(evidence: Evidence) -> Iterator[Violation]:
    for run in evidence.runs:
        for before, after in pairwise(run.states):
            if after not in _NEXT.get(before, ()):
                yield Violation(what=f"run {run.id}: {before} to {after}")


def _chain(evidence: Evidence) -> Iterator[Violation]:
    if evidence.audit:
        yield Violation(what=evidence.audit)


_PROMISES: Final[Mapping[str, Callable[[Evidence], Iterator[Violation]]]] = {
    "commands started more than once": _started_twice,
    "overlaps on a stack": _overlaps,
    "bytes of output lost or doubled": _wrong_output,
    "runs told otherwise than they went": _untrue_ends,
    "threads without exactly one final message": _threads_without_end,
    "messages in channels told twice": _told_twice,
    "claims, containers and runs left": _left,
    "secrets seen": _seen,
    "changes of state that may not be": _illegal,
    "breaks of the audit chain": _chain,
}


def _with_command(evidence: Evidence) -> Iterator[tuple[RunRow, Command]]:
    commands = {command.token: command for command in evidence.commands}
    for run in evidence.runs:
        token = _token(evidence, run)
        if token in commands:
            yield run, commands[token]


def _token(evidence: Evidence, run: RunRow) -> str:
    words = run.command.split()
    known = {command.token for command in evidence.commands}
    return next((word for word in words if word in known), "")


def _is_complete(evidence: Evidence, run: RunRow) -> bool:
    return any(mark.word == "end" and mark.run == run.id for mark in evidence.marks)
