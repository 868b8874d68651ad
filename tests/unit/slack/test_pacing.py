"""Budgets, with a clock that a test turns by hand."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.pacing import SLACKS_OWN, Bucket, Budget, Pace


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_one_by_one() -> None:
    clock = Clock()
    bucket = Bucket(rate=2.0, burst=3.0, clock=clock)

    waits = [bucket.wait() for _ in range(4)]

    assert waits == [0, 0, 0, 0.5]
    clock.now += 0.5
    assert bucket.wait() == 0
    assert bucket.wait() == 0.5


def test_a_long_rest_saves_no_more_than_a_burst() -> None:
    clock = Clock()
    bucket = Bucket(rate=1.0, burst=2.0, clock=clock)
    bucket.wait()

    clock.now += 1_000

    assert [bucket.wait() for _ in range(3)] == [0, 0, 1]


def test_asking_in_vain_costs_nothing() -> None:
    clock = Clock()
    bucket = Bucket(rate=1.0, burst=1.0, clock=clock)
    bucket.wait()

    for _ in range(10):
        clock.now += 0.1
        bucket.wait()

    clock.now += 0.001
    assert bucket.wait() == 0


def test_a_reserve_is_left_for_what_matters_more() -> None:
    bucket = Bucket(rate=1.0, burst=3.0, clock=Clock())

    assert bucket.wait(reserve=2.0) == 0
    assert bucket.wait(reserve=2.0) == pytest.approx(1.0)
    assert bucket.wait() == 0


@given(
    rate=st.floats(min_value=0.1, max_value=10),
    burst=st.floats(min_value=1, max_value=20),
    steps=st.lists(st.floats(min_value=0, max_value=5), max_size=200),
)
def test_never_more_than_burst_and_rate_allow(
    rate: float, burst: float, steps: list[float]
) -> None:
    clock = Clock()
    bucket = Bucket(rate=rate, burst=burst, clock=clock)
    taken = 0

    for step in steps:
        clock.now += step
        taken += bucket.wait() == 0

    assert taken <= burst + (clock.now - 100.0) * rate + 1e-6


def test_each_channel_has_its_own_budget_of_posts() -> None:
    pace = Pace(Budget(posts=(1.0, 1.0)), Clock())

    assert pace.post("C1") == 0
    assert pace.post("C1") > 0
    assert pace.post("C2") == 0


def test_tails_leave_updates_for_the_channels_own_messages() -> None:
    pace = Pace(Budget(updates=(1.0, 7.0)), Clock())

    tails = [pace.update(matters=False) for _ in range(3)]
    headers = [pace.update(matters=True) for _ in range(6)]

    assert [wait == 0 for wait in tails] == [True, True, False]
    assert [wait == 0 for wait in headers] == [True] * 5 + [False]


def test_slacks_own_budget_stays_under_its_limits() -> None:
    posts, burst = SLACKS_OWN.posts
    updates, at_once = SLACKS_OWN.updates

    assert posts <= 1.0
    assert burst <= 5
    assert updates * 60 + at_once / 3 <= 50


def test_a_method_rests_for_as_long_as_slack_says_everywhere() -> None:
    clock = Clock()
    pace = Pace(SLACKS_OWN, clock)

    pace.rest("chat.postMessage", 7)
    pace.rest("chat.postMessage", 2)

    assert pace.is_resting({"chat.postMessage", "chat.update"})
    assert not pace.is_resting({"chat.update"})
    clock.now += 6.9
    assert pace.is_resting({"chat.postMessage"})
    clock.now += 0.1
    assert not pace.is_resting({"chat.postMessage"})


def test_updates_are_short_once_they_are_used_up_or_rest() -> None:
    clock = Clock()
    pace = Pace(Budget(posts=(1, 1), updates=(1, 2)), clock)
    assert not pace.is_short_of_updates()

    pace.update(matters=True)
    pace.update(matters=True)

    assert pace.is_short_of_updates()
    clock.now += 1
    assert not pace.is_short_of_updates()
    pace.rest("chat.update", 3)
    assert pace.is_short_of_updates()
