"""What happens in a chaos run, and when: the same for the same seed."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from signal import SIGKILL, SIGTERM
from typing import Final

from tests.bench.chaos.acts import (
    Act,
    Cue,
    CutSockets,
    Disturb,
    Fail,
    Garble,
    Kill,
    RestartEngine,
    Say,
    Stop,
    Task,
    Trouble,
    Way,
)

STACKS: Final = tuple(f"stack-{number:02}" for number in range(20))
WRITERS: Final = ("ann", "bob", "cat")
ADMIN: Final = "ada"
KEYS: Final = ("ci", "cron")
REPLICAS: Final = 2

#: what a call of the Web API can meet, by a name
FAULTS: Final = (
    "too many",
    "too many, said with HTTP 200",
    "bad gateway",
    "server error",
    "dropped before",
    "dropped after",
    "slow",
)
_METHODS: Final = (
    "chat.postMessage",
    "chat.postMessage",
    "chat.update",
    "chat.update",
    "conversations.replies",
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
    "users.info",
    "apps.connections.open",
)
#: seconds between two acts of a kind, on average
_EVERY: Final = {
    "task": 1.8,
    "hold": 9.0,
    "kill": 24.0,
    "database": 22.0,
    "slack": 26.0,
    "sockets": 40.0,
    "fault": 4.0,
    "garble": 12.0,
    "engine": 55.0,
}
#: stacks that are asked for more than others, so that runs queue
_BUSY: Final = STACKS[:4]
#: what goes wrong begins when something is under way
_FIRST_TROUBLE: Final = 8.0


def script(seed: int, seconds: float) -> tuple[Cue, ...]:
    """Return all that happens within *seconds*, in its order."""
    cues = [
        *_acts(seed, "task", 1.0, seconds, _tasks()),
        *_acts(seed, "hold", 5.0, seconds, _holding),
        *_acts(seed, "kill", _FIRST_TROUBLE, seconds, _killing),
        *_acts(seed, "database", _FIRST_TROUBLE, seconds, _disturbing(Way.DATABASE)),
        *_acts(seed, "slack", _FIRST_TROUBLE, seconds, _disturbing(Way.SLACK)),
        *_acts(seed, "sockets", _FIRST_TROUBLE, seconds, _cutting),
        *_acts(seed, "fault", 2.0, seconds, _failing),
        *_acts(seed, "garble", 2.0, seconds, _garbling),
        *_acts(seed, "engine", _FIRST_TROUBLE, seconds, _restarting),
    ]
    return tuple(sorted(cues, key=lambda cue: cue.at))


def tasks_of(cues: Sequence[Cue]) -> dict[str, Task]:
    """Return every task of a script by its token."""
    return {cue.act.token: cue.act for cue in cues if isinstance(cue.act, Task)}


def _acts(
    seed: int,
    kind: str,
    first: float,
    seconds: float,
    make: Callable[[Random], list[tuple[float, Act]]],
) -> Iterator[Cue]:
    # Each kind has dice of its own, so that a change to one leaves the others alone.
    dice = Random(f"{seed} {kind}")
    at = first + dice.random() * min(_EVERY[kind], 5.0)
    while at < seconds:
        for later, act in make(dice):
            yield Cue(at=round(at + later, 3), act=act)
        at += dice.expovariate(1 / _EVERY[kind]) + 0.2


def _tasks() -> Callable[[Random], list[tuple[float, Act]]]:
    count = 0

    def make(dice: Random) -> list[tuple[float, Act]]:
        nonlocal count
        count += 1
        is_long = dice.random() < 0.1
        task = Task(
            token=f"cmd{count:05}{dice.randrange(16**6):06x}",
            stack=dice.choice(_BUSY if dice.random() < 0.4 else STACKS),
            by=dice.choice(KEYS if dice.random() < 0.2 else (*WRITERS, ADMIN)),
            lines=dice.randrange(2_000, 6_000) if is_long else dice.randrange(5, 300),
            pause=dice.choice((0, 50, 150, 400, 900)),
            code=0 if dice.random() < 0.8 else dice.choice((1, 2, 3, 7)),
            skip_init=dice.random() < 0.4,
            is_repeated=dice.random() < 0.25,
        )
        return [(0.0, task), *_stop_of(task, dice)]

    return make


def _stop_of(task: Task, dice: Random) -> list[tuple[float, Act]]:
    if dice.random() > 0.3:
        return []
    stop = Stop(
        token=task.token,
        by=dice.choice((*WRITERS, ADMIN)),
        by_button=dice.random() < 0.5,
    )
    return [(dice.uniform(0.1, 3.0), stop)]


def _holding(dice: Random) -> list[tuple[float, Act]]:
    # In a thread, and busy stacks are the first to have one.
    stack = dice.choice(_BUSY if dice.random() < 0.5 else STACKS)
    by = dice.choice(WRITERS)
    lasts = dice.uniform(2.0, 25.0)
    words = dice.choice(("lock", "lock: looking into it", "lock 1h: an upgrade"))
    by_admin = dice.random() < 0.3
    end = (
        Say(words="unlock: the upgrade is off", stack=stack, by=ADMIN)
        if by_admin
        else Say(words="unlock", stack=stack, by=by)
    )
    return [(0.0, Say(words=words, stack=stack, by=by)), (lasts, end)]


def _killing(dice: Random) -> list[tuple[float, Act]]:
    how = SIGKILL if dice.random() < 0.6 else SIGTERM
    first = dice.randrange(REPLICAS)
    kill = Kill(replica=first, how=how, seconds=dice.uniform(0.5, 9.0))
    if dice.random() > 0.2:
        return [(0.0, kill)]
    other = Kill(replica=1 - first, how=SIGKILL, seconds=dice.uniform(0.5, 5.0))
    return [(0.0, kill), (dice.uniform(0.0, 2.0), other)]


def _disturbing(way: Way) -> Callable[[Random], list[tuple[float, Act]]]:
    def make(dice: Random) -> list[tuple[float, Act]]:
        trouble = dice.choice(list(Trouble))
        seconds = dice.uniform(0.5, 12.0)
        whose = (
            [*range(REPLICAS)] if dice.random() < 0.4 else [dice.randrange(REPLICAS)]
        )
        return [
            (0.0, Disturb(way=way, replica=one, trouble=trouble, seconds=seconds))
            for one in whose
        ]

    return make


def _cutting(dice: Random) -> list[tuple[float, Act]]:
    return [(0.0, CutSockets(reason=dice.choice((None, "refresh_requested"))))]


def _failing(dice: Random) -> list[tuple[float, Act]]:
    fault = Fail(
        method=dice.choice(_METHODS),
        fault=dice.choice(FAULTS),
        times=dice.choice((1, 1, 2, 4)),
    )
    return [(0.0, fault)]


def _garbling(dice: Random) -> list[tuple[float, Act]]:
    return [(0.0, Garble(is_late=dice.random() < 0.5))]


def _restarting(dice: Random) -> list[tuple[float, Act]]:
    how = dice.choice((SIGTERM, SIGKILL))
    return [(0.0, RestartEngine(how=how, seconds=dice.uniform(0.0, 6.0)))]
