"""What blocks what: every case there is."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from bot.domain.lock import (
    EVERY,
    LEASE,
    Claim,
    Hold,
    Locks,
    Occupancy,
    admits,
    blocker,
    keeper,
)
from bot.domain.people import HANDRAIL, Actor, ActorKind, api_actor
from bot.domain.run import RunId, ThreadId
from bot.domain.stack import StackName
from tests.support.builders import NOON, STACK, a_hold, a_run, an_actor, later

A, B = StackName("a"), StackName("b")
ANN, BOB, ADA = an_actor("ann"), an_actor("bob"), an_actor("ada")
ABOVE = frozenset({ADA.id})
FIRST, SECOND, THIRD = RunId(1), RunId(2), RunId(3)
BY_ANN = a_hold(by="ann")
HOLDERS = ("-", "ann", "bob")


def a_claim(stack: StackName = STACK, run: RunId = FIRST, fence: int = 1) -> Claim:
    return Claim(stack=stack, run=run, fence=fence, since=NOON, lease=later(90))


def held(stack: str, by: str) -> Hold | None:
    return None if by == "-" else a_hold(stack=stack, by=by)


#: who has it: claim, hold, freeze → what keeps a run of ann, of bob and of ada, who
#: is above, queued
BLOCKERS = """
    -   -    -      -       -       -
    -   -    ann    -       freeze  -
    -   -    bob    freeze  -       -
    -   ann  -      -       hold    hold
    -   ann  ann    -       freeze  hold
    -   ann  bob    freeze  hold    hold
    -   bob  -      hold    -       hold
    -   bob  ann    hold    freeze  hold
    -   bob  bob    freeze  -       hold
    run -    -      claim   claim   claim
    run -    ann    claim   freeze  claim
    run -    bob    freeze  claim   claim
    run ann  -      claim   hold    hold
    run ann  ann    claim   freeze  hold
    run ann  bob    freeze  hold    hold
    run bob  -      hold    claim   hold
    run bob  ann    hold    freeze  hold
    run bob  bob    freeze  claim   hold
"""
ROWS = [tuple(line.split()) for line in BLOCKERS.strip().splitlines()]


def test_the_table_of_blockers_is_complete() -> None:
    assert [row[:3] for row in ROWS] == list(product(("-", "run"), HOLDERS, HOLDERS))


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_run_is_kept_queued_by_a_run_a_hold_or_a_freeze(row: tuple[str, ...]) -> None:
    claim, hold, freeze, *expected = row
    claimed = a_claim() if claim == "run" else None
    occupancy = Occupancy(
        claim=claimed, hold=held(STACK, hold), freeze=held(EVERY, freeze)
    )
    named = {"-": None, "claim": claimed, "hold": occupancy.hold}
    named["freeze"] = occupancy.freeze

    for actor, name in zip((ANN, BOB, ADA), expected, strict=True):
        found = blocker(occupancy, actor, above=ABOVE)
        assert found == named[name]
        assert keeper(occupancy, actor, above=ABOVE) == (
            found if isinstance(found, Hold) else None
        )


def test_an_api_key_with_the_id_of_an_admin_is_not_above() -> None:
    key = replace(api_actor("ci"), id=ADA.id)
    frozen = Occupancy(freeze=held(EVERY, "ann"))

    assert keeper(frozen, key, above=ABOVE) == frozen.freeze


@pytest.mark.parametrize(
    "stranger",
    [
        Actor(kind=ActorKind.PERSON, id="U0ANN", team="T0ELSE", name="ann"),
        Actor(kind=ActorKind.API_KEY, id="U0ANN", team="T0HOME", name="ann"),
        Actor(kind=ActorKind.PERSON, id="U0AN", team="T0HOME", name="ann"),
        HANDRAIL,
    ],
)
def test_only_the_very_same_hand_holds(stranger: Actor) -> None:
    assert not admits(BY_ANN, stranger)
    assert not replace(BY_ANN, actor=stranger).is_same(BY_ANN)


def test_a_new_name_is_still_the_same_hand() -> None:
    renamed = Actor(kind=ActorKind.PERSON, id="U0ANN", team="T0HOME", name="anna")

    assert admits(BY_ANN, renamed)
    assert replace(BY_ANN, actor=renamed).is_same(BY_ANN)


def every_locks() -> Iterator[Locks]:
    """Yield all there can be of two stacks: claimed or not, held, frozen."""
    for a, b, *by in product((0, 1), (0, 2), HOLDERS, HOLDERS, HOLDERS):
        claims = {
            stack: a_claim(stack, RunId(run), fence)
            for stack, run, fence in ((A, a, 4), (B, b, 7))
            if run
        }
        named = zip((A, B, EVERY), by, strict=True)
        holds = [hold for hold in (held(stack, who) for stack, who in named) if hold]
        yield Locks(
            claims=claims,
            holds={hold.stack: hold for hold in holds},
            fences={A: 4, B: 7},
        )


EVERY_LOCKS = list(every_locks())


def test_every_state_of_two_stacks_is_looked_at_once() -> None:
    assert len(EVERY_LOCKS) == 2 * 2 * 3 * 3 * 3
    assert all(EVERY_LOCKS.count(locks) == 1 for locks in EVERY_LOCKS)


@pytest.mark.parametrize(("stack", "fence"), [(A, 5), (B, 8), (STACK, 1)])
def test_a_stack_is_claimed_for_one_run_at_a_time(stack: StackName, fence: int) -> None:
    for locks in EVERY_LOCKS:
        after = locks.claim(stack, THIRD, later(10))

        if stack in locks.claims:
            assert after == locks.claims[stack]
            continue
        taken = Claim(
            stack=stack,
            run=THIRD,
            fence=fence,
            since=later(10),
            lease=later(10) + LEASE,
        )
        assert after == replace(
            locks,
            claims={**locks.claims, stack: taken},
            fences={**locks.fences, stack: fence},
        )


@pytest.mark.parametrize(("run", "stack"), [(FIRST, A), (SECOND, B), (THIRD, None)])
def test_a_claim_is_released_by_its_own_run_alone(
    run: RunId, stack: StackName | None
) -> None:
    for locks in EVERY_LOCKS:
        after = locks.release(run)

        if stack not in locks.claims:
            assert after is None
            continue
        left = {name: claim for name, claim in locks.claims.items() if name != stack}
        assert after == replace(locks, claims=left)


@pytest.mark.parametrize(("run", "stack"), [(FIRST, A), (SECOND, B), (THIRD, None)])
def test_a_lease_is_renewed_for_its_own_run_alone(
    run: RunId, stack: StackName | None
) -> None:
    for locks in EVERY_LOCKS:
        after = locks.renew(run, later(60))

        leases = {name: claim.lease for name, claim in after.claims.items()}
        assert leases == {
            name: later(150) if name == stack else later(90) for name in locks.claims
        }
        assert replace(after, claims=locks.claims) == locks


#: who holds a, who holds b → what is in ann's way to a, to b, and to both
IN_THE_WAY = """
    -   -    -  -  -
    -   ann  -  -  -
    -   bob  -  b  b
    ann -    -  -  -
    ann ann  -  -  -
    ann bob  -  b  b
    bob -    a  -  a
    bob ann  a  -  a
    bob bob  a  b  ab
"""
WAYS = {
    tuple(line.split()[:2]): line.split()[2:]
    for line in IN_THE_WAY.strip().splitlines()
}


def holders(locks: Locks) -> tuple[str, ...]:
    return tuple(
        locks.holds[stack].actor.name if stack in locks.holds else "-"
        for stack in (A, B)
    )


@pytest.mark.parametrize(("which", "stacks"), [(0, (A,)), (1, (B,)), (2, (A, B))])
def test_holds_are_taken_all_or_none(which: int, stacks: tuple[StackName, ...]) -> None:
    assert set(WAYS) == set(product(HOLDERS, HOLDERS))
    for locks in EVERY_LOCKS:
        wanted = [a_hold(stack=stack, reason="new", since=later(5)) for stack in stacks]

        after = locks.hold(wanted)

        in_the_way = WAYS[holders(locks)][which].strip("-")
        if in_the_way:
            assert after == tuple(locks.holds[StackName(name)] for name in in_the_way)
            continue
        # What ann had already is as old as it was.
        taken = {
            hold.stack: replace(hold, since=NOON) if hold.stack in locks.holds else hold
            for hold in wanted
        }
        assert after == replace(locks, holds={**locks.holds, **taken})


def test_a_renewed_hold_has_the_new_end_and_stays_where_it_was_taken() -> None:
    before = replace(BY_ANN, until=later(60), thread=ThreadId(3))
    wanted = a_hold(reason="longer", since=later(9))

    renewed = before.renewed(wanted)
    moved = before.renewed(replace(wanted, thread=ThreadId(4)))

    assert renewed == replace(before, reason="longer", until=None)
    assert moved == replace(renewed, thread=ThreadId(4))


@pytest.mark.parametrize("by", ["ann", "bob", "ada"])
def test_a_freeze_is_kept_off_by_another_freeze_alone(by: str) -> None:
    wanted = a_hold(stack=EVERY, by=by, reason="incident", since=later(5))
    for locks in EVERY_LOCKS:
        after = locks.freeze(wanted)

        before = locks.holds.get(EVERY)
        if before is not None and before.actor.name != by:
            assert after == (before,)
            continue
        taken = wanted if before is None else replace(wanted, since=NOON)
        assert after == replace(locks, holds={**locks.holds, EVERY: taken})


NAMED = [
    a_hold(stack=stack, by=by, since=since)
    for stack in (A, B, EVERY)
    for by in ("ann", "bob")
    for since in (NOON, later(1))
]


def are_in_force(locks: Locks, named: tuple[Hold, ...]) -> bool:
    return all(hold in locks.holds.values() for hold in named)


@pytest.mark.parametrize("count", [1, 2])
def test_exactly_the_named_holds_are_released_all_or_none(count: int) -> None:
    for locks, named in product(EVERY_LOCKS, product(NAMED, repeat=count)):
        after = locks.release_holds(named)

        if not are_in_force(locks, named):
            assert after is None
            continue
        gone = {hold.stack for hold in named}
        left = {name: hold for name, hold in locks.holds.items() if name not in gone}
        assert after == replace(locks, holds=left)


def test_exactly_the_named_hold_is_stolen() -> None:
    for locks, named in product(EVERY_LOCKS, NAMED):
        wanted = a_hold(stack=named.stack, by="ada", reason="why", since=later(7))

        after = locks.steal(named, wanted)

        if are_in_force(locks, (named,)):
            assert after == replace(locks, holds={**locks.holds, named.stack: wanted})
        else:
            assert after is None


#: ends of three holds, in seconds after noon, None for no end
ENDS = list(product((None, 4, 5, 6), repeat=3))


@pytest.mark.parametrize("ends", ENDS, ids=str)
def test_what_has_come_to_its_end_expires(ends: tuple[int | None, ...]) -> None:
    holds = {
        stack: replace(a_hold(stack=stack), until=None if end is None else later(end))
        for stack, end in zip((EVERY, A, B), ends, strict=True)
    }
    locks = Locks(holds=holds, claims={A: a_claim(A)})

    after, over = locks.expire(later(5))

    gone = [
        stack for stack, end in zip((EVERY, A, B), ends, strict=True) if end in {4, 5}
    ]
    assert [hold.stack for hold in over] == gone
    assert over == tuple(holds[stack] for stack in gone)
    left = {stack: hold for stack, hold in holds.items() if stack not in gone}
    assert after == replace(locks, holds=left)


def test_the_first_run_that_nothing_keeps_is_next_on_each_free_stack() -> None:
    queued = [
        a_run(number=number, stack=stack, by=by)
        for number, (stack, by) in enumerate(product((B, A), ("bob", "ann", "ada")))
    ]
    for locks in EVERY_LOCKS:
        found = locks.next(queued, above=ABOVE)

        free = [
            run
            for run in queued
            if blocker(locks.occupancy(run.stack), run.actor, above=ABOVE) is None
        ]
        expected = [
            min((run for run in free if run.stack == stack), key=lambda run: run.id)
            for stack in (B, A)
            if any(run.stack == stack for run in free)
        ]
        assert list(found) == expected


def test_nothing_is_ever_changed_in_place() -> None:
    for locks in EVERY_LOCKS:
        before = (dict(locks.claims), dict(locks.holds), dict(locks.fences))

        locks.claim(STACK, THIRD, NOON)
        locks.release(FIRST)
        locks.hold([a_hold(stack=A), a_hold(stack=B)])
        locks.release_holds(tuple(locks.holds.values()))
        locks.expire(later(10**6))

        assert (locks.claims, locks.holds, locks.fences) == before
