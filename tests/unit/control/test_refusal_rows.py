"""How many audit rows refusals have in a minute."""

from datetime import datetime, timedelta

from bot.control.refusal_rows import MINUTE, MOST, MOST_OF_STRANGERS, RefusalRows, Row
from bot.domain.people import Actor, ActorKind
from tests.support.builders import NOON

CI = Actor(kind=ActorKind.API_KEY, id="ci", name="api::ci")
DEPLOY = Actor(kind=ActorKind.API_KEY, id="deploy", name="api::deploy")
STRANGER = Actor(kind=ActorKind.API_KEY, id="", name="api::?")


class Time:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


def rows(refusals: RefusalRows, actor: Actor, count: int) -> list[Row]:
    return [refusals.next(actor) for _ in range(count)]


def test_behind_the_last_row_of_a_key_one_more_stands_for_the_rest() -> None:
    refusals = RefusalRows(Time())

    found = rows(refusals, CI, MOST + 3)

    assert found == [*[Row.WHOLE] * MOST, Row.AND_MORE, Row.NONE, Row.NONE]


def test_each_key_and_the_strangers_together_have_rows_of_their_own() -> None:
    refusals = RefusalRows(Time())
    rows(refusals, CI, MOST + 1)

    strangers = rows(refusals, STRANGER, MOST_OF_STRANGERS + 1)

    assert strangers.index(Row.AND_MORE) == MOST_OF_STRANGERS
    assert refusals.next(DEPLOY) is Row.WHOLE


def test_with_the_next_minute_there_are_rows_again() -> None:
    time = Time()
    refusals = RefusalRows(time)
    rows(refusals, CI, MOST + 2)

    time.now += MINUTE - timedelta(microseconds=1)
    late = refusals.next(CI)
    time.now += timedelta(microseconds=1)

    assert (late, refusals.next(CI)) == (Row.NONE, Row.WHOLE)


def test_a_clock_that_is_set_back_begins_a_minute() -> None:
    time = Time()
    refusals = RefusalRows(time)
    rows(refusals, CI, MOST + 2)

    time.now -= timedelta(days=1)

    assert refusals.next(CI) is Row.WHOLE
