"""The limit on failed attempts: per address, within a window, bounded in memory."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.api.attempts import Attempts


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def attempts(time: Time) -> Attempts:
    return Attempts(time, limit=3, window=timedelta(seconds=60), most=2)


def fail(attempts: Attempts, address: str, times: int) -> None:
    for _ in range(times):
        attempts.failed(address)


def test_an_address_may_fail_less_often_than_the_limit(attempts: Attempts) -> None:
    fail(attempts, "a", 2)

    assert attempts.wait("a") == 0


def test_at_the_limit_an_address_waits_for_the_rest_of_the_window(
    attempts: Attempts, time: Time
) -> None:
    fail(attempts, "a", 2)
    time.passes(10.5)
    fail(attempts, "a", 1)

    assert attempts.wait("a") == 50


def test_another_address_does_not_wait(attempts: Attempts) -> None:
    fail(attempts, "a", 3)

    assert attempts.wait("b") == 0


def test_after_the_window_an_address_starts_anew(
    attempts: Attempts, time: Time
) -> None:
    fail(attempts, "a", 3)
    time.passes(60)

    assert attempts.wait("a") == 0
    fail(attempts, "a", 1)
    assert attempts.wait("a") == 0


def test_that_an_address_has_to_wait_is_news_once_in_a_window(
    attempts: Attempts, time: Time
) -> None:
    fail(attempts, "a", 3)
    first = [attempts.is_news("a"), attempts.is_news("a")]
    time.passes(60)
    fail(attempts, "a", 3)

    assert first == [True, False]
    assert attempts.is_news("a")


def test_the_address_that_failed_longest_ago_is_forgotten(attempts: Attempts) -> None:
    fail(attempts, "a", 3)
    fail(attempts, "b", 3)
    fail(attempts, "a", 1)
    fail(attempts, "c", 3)

    assert [attempts.wait(each) > 0 for each in "abc"] == [True, False, True]
