from datetime import timedelta

from runner.deadlines import Deadlines, Due
from runner.job import Limits

LIMITS = Limits(
    run_timeout=timedelta(seconds=100), silence_timeout=timedelta(seconds=10)
)


def started(limits: Limits = LIMITS, age: float = 0) -> Deadlines:
    return Deadlines(
        limits, now=1000, age=timedelta(seconds=age), grace=timedelta(seconds=5)
    )


def test_nothing_is_due_in_time() -> None:
    assert started().due(1009) is None
    assert started().left(1009) == 1


def test_silence_is_due_when_nothing_was_heard() -> None:
    assert started().due(1010) is Due.SILENCE


def test_what_is_heard_puts_silence_off() -> None:
    deadlines = started()

    deadlines.heard(1009)

    assert deadlines.due(1018) is None
    assert deadlines.due(1019) is Due.SILENCE


def test_silence_counts_only_where_it_is_limited() -> None:
    deadlines = started(Limits(run_timeout=timedelta(seconds=100)))

    assert deadlines.due(1099) is None
    assert deadlines.due(1100) is Due.TIMEOUT


def test_a_run_that_is_taken_up_again_keeps_its_time() -> None:
    assert started(age=95).due(1005) is Due.TIMEOUT


def test_after_an_interrupt_only_the_kill_is_due() -> None:
    deadlines = started()

    deadlines.interrupted(1010)
    deadlines.heard(1011)

    assert deadlines.due(1014) is None
    assert deadlines.due(1015) is Due.KILL


def test_after_a_kill_the_engine_is_given_up_in_the_end() -> None:
    deadlines = started()

    deadlines.killed(1015)

    assert deadlines.due(1044) is None
    assert deadlines.due(1045) is Due.GIVE_UP
    assert deadlines.left(2000) == 0


def test_what_cannot_be_done_is_due_again_a_second_later() -> None:
    deadlines = started()

    deadlines.postponed(Due.SILENCE, 1010)

    assert deadlines.due(1010.9) is None
    assert deadlines.due(1011) is Due.SILENCE


def test_nothing_is_due_of_what_has_ended() -> None:
    deadlines = started()

    deadlines.over()
    deadlines.heard(1001)

    assert deadlines.due(9999) is None
    assert deadlines.left(9999) is None


def test_a_look_that_comes_late_says_nothing_of_silence() -> None:
    deadlines = started()

    assert deadlines.due(1050) is None
    assert deadlines.due(1059) is None
    assert deadlines.due(1060) is Due.SILENCE


def test_a_timeout_that_is_seen_late_is_put_off_once_for_what_has_come() -> None:
    deadlines = started(Limits(run_timeout=timedelta(seconds=100)))

    assert deadlines.due(5000) is None
    assert deadlines.left(5000) == 1
    assert deadlines.due(9000) is Due.TIMEOUT
