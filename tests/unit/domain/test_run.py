"""The states of a run: every edge, and no other."""

from itertools import product

import pytest

from bot.domain.errors import IllegalTransition
from bot.domain.run import (
    ACTIVE,
    STOPPABLE,
    TRANSITIONS,
    WAITING,
    RunState,
    check_transition,
)

S = RunState
EDGES = {
    (S.QUEUED, S.READY),
    (S.QUEUED, S.DISCARDED),
    (S.QUEUED, S.FAILED),
    (S.READY, S.QUEUED),
    (S.READY, S.PREPARING),
    (S.READY, S.DISCARDED),
    (S.READY, S.FAILED),
    (S.PREPARING, S.INITIALIZING),
    (S.PREPARING, S.PERFORMING),
    (S.PREPARING, S.STOPPED),
    (S.PREPARING, S.FAILED),
    (S.INITIALIZING, S.PERFORMING),
    (S.INITIALIZING, S.STOPPED),
    (S.INITIALIZING, S.FAILED),
    (S.PERFORMING, S.FINISHED),
    (S.PERFORMING, S.FAILED),
    (S.PREPARING, S.PLANNING),
    (S.INITIALIZING, S.PLANNING),
    (S.PLANNING, S.UNCONFIRMED),
    (S.PLANNING, S.FINISHED),
    (S.PLANNING, S.STOPPED),
    (S.PLANNING, S.FAILED),
    (S.UNCONFIRMED, S.APPLYING),
    (S.UNCONFIRMED, S.DISCARDED),
    (S.UNCONFIRMED, S.FAILED),
    (S.APPLYING, S.FINISHED),
    (S.APPLYING, S.FAILED),
}


@pytest.mark.parametrize(("current", "to"), list(product(RunState, RunState)))
def test_only_the_designed_edges_exist(current: RunState, to: RunState) -> None:
    if (current, to) in EDGES:
        check_transition(1, current, to)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(1, current, to)


@pytest.mark.parametrize("state", [S.PERFORMING, S.APPLYING])
def test_what_may_be_changing_something_cannot_be_stopped(state: RunState) -> None:
    assert not {S.STOPPED, S.DISCARDED} & TRANSITIONS[state]
    assert state not in STOPPABLE | WAITING


@pytest.mark.parametrize("state", sorted(STOPPABLE))
def test_whatever_is_stoppable_may_become_stopped(state: RunState) -> None:
    assert S.STOPPED in TRANSITIONS[state]


@pytest.mark.parametrize("state", sorted(WAITING))
def test_whatever_waits_may_be_discarded(state: RunState) -> None:
    assert S.DISCARDED in TRANSITIONS[state]


def test_four_states_are_final() -> None:
    final = {state for state in RunState if state.is_terminal}

    assert final == {S.FINISHED, S.FAILED, S.DISCARDED, S.STOPPED}
    assert not final & ACTIVE
