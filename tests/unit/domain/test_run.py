"""The states of a run: every edge, and no other."""

from itertools import product

import pytest

from bot.domain.errors import IllegalTransition
from bot.domain.run import ACTIVE, TRANSITIONS, RunState, check_transition

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
}


@pytest.mark.parametrize(("current", "to"), list(product(RunState, RunState)))
def test_only_the_designed_edges_exist(current: RunState, to: RunState) -> None:
    if (current, to) in EDGES:
        check_transition(1, current, to)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(1, current, to)


def test_performing_cannot_be_stopped() -> None:
    assert S.STOPPED not in TRANSITIONS[S.PERFORMING]


def test_four_states_are_final() -> None:
    final = {state for state in RunState if state.is_terminal}

    assert final == {S.FINISHED, S.FAILED, S.DISCARDED, S.STOPPED}
    assert not final & ACTIVE
