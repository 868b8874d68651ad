"""How often a workspace that is away is asked whether it is back."""

import itertools
from dataclasses import dataclass

from bot.slack.reach import Reach

HOUR = 3_600.0


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def asked_within(seconds: float, reach: Reach, clock: Clock) -> list[float]:
    """Ask as often as it lets, in vain; return when that was."""
    end, asked = clock.now + seconds, []
    while clock.now < end:
        if reach.may_ask(0):
            asked.append(clock.now)
            reach.failed(reach.now())
        clock.now += 0.1
    return asked


def test_whoever_answers_may_be_sent_much_at_once() -> None:
    reach = Reach(Clock())

    assert reach.may_ask(7)


def test_a_workspace_that_is_away_is_asked_ever_more_seldom() -> None:
    clock = Clock()
    reach = Reach(clock)

    asked = asked_within(HOUR, reach, clock)

    pauses = [round(b - a) for a, b in itertools.pairwise(asked)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 30]
    assert max(pauses) == 30
    assert len(asked) < 130


def test_while_it_is_away_one_letter_asks_for_all() -> None:
    clock = Clock()
    reach = Reach(clock)
    reach.failed(reach.now())
    clock.now += 60

    assert not reach.may_ask(1)
    assert reach.may_ask(0)


def test_its_answer_lets_everything_go_again() -> None:
    clock = Clock()
    reach = Reach(clock)
    asked_within(HOUR, reach, clock)

    reach.answered()

    assert reach.may_ask(5)


def test_what_was_under_way_when_it_went_away_makes_no_pause_longer() -> None:
    clock = Clock()
    reach = Reach(clock)
    began = reach.now()
    clock.now += 5
    reach.failed(began)

    for _ in range(7):
        clock.now += 0.01
        reach.failed(began)

    clock.now += 1
    assert reach.may_ask(0)
