"""A walk over the chain names every row that somebody laid hands on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit import AuditRow, Verb, sealed
from bot.domain.chain import Walk
from tests.unit.domain.chains import DEED, a_chain, link, walked

Chain = list[AuditRow]


def edited(row: AuditRow, detail: str = "forged") -> AuditRow:
    return replace(row, deed=replace(row.deed, detail=detail))


def moved(rows: Chain, by: int) -> Chain:
    return [replace(row, ordinal=row.ordinal + by) for row in rows]


def test_an_untouched_chain_has_no_fault() -> None:
    assert walked([]) == []
    assert walked(a_chain(9)) == []


@pytest.mark.parametrize(
    "change",
    [
        edited,
        lambda row: replace(row, hash="f" * 64),
        lambda row: replace(row, previous="f" * 64),
        lambda row: replace(row, salt="other"),
        lambda row: replace(row, deed=replace(row.deed, verb=Verb.STOLEN)),
        lambda row: replace(edited(row), previous="f" * 64, hash="e" * 64),
        lambda row: replace(row, previous="f" * 64, hash="e" * 64),
    ],
)
@pytest.mark.parametrize("place", [1, 4, 8])
def test_a_row_that_was_edited_is_named(
    change: Callable[[AuditRow], AuditRow], place: int
) -> None:
    rows = a_chain(9)

    rows[place - 1] = change(rows[place - 1])

    assert walked(rows) == [("edited", place, place)]


@pytest.mark.parametrize("place", [1, 2, 4, 8])
@pytest.mark.parametrize("follows", [True, False])
def test_a_row_that_was_edited_and_sealed_anew_is_named(
    place: int, *, follows: bool
) -> None:
    rows = a_chain(9)

    previous = rows[place - 1].previous if follows else "f" * 64
    rows[place - 1] = sealed(DEED, ordinal=place, previous=previous, salt="x")

    assert walked(rows) == [("sealed anew", place, place)]


@given(st.sets(st.integers(min_value=1, max_value=11), min_size=1))
def test_every_row_that_was_edited_is_named(places: set[int]) -> None:
    rows = [edited(row) if row.ordinal in places else row for row in a_chain(12)]

    found = walked(rows)

    named = {n for _, first, last in found for n in range(first, last + 1)}
    assert named == places
    assert {kind for kind, _, _ in found} == {"edited"}


@given(st.sets(st.integers(min_value=1, max_value=11), min_size=1))
def test_every_row_that_was_removed_is_named(places: set[int]) -> None:
    rows = [row for row in a_chain(12) if row.ordinal not in places]

    found = walked(rows)

    named = {n for _, first, last in found for n in range(first, last + 1)}
    assert named == places
    assert {kind for kind, _, _ in found} == {"removed"}


def test_edited_and_removed_rows_are_told_apart() -> None:
    rows = a_chain(12)
    rows[2], rows[3] = edited(rows[2]), edited(rows[3])
    rows[8] = edited(rows[8])
    del rows[5:7]

    assert walked(rows) == [("edited", 3, 4), ("removed", 6, 7), ("edited", 9, 9)]


def test_rows_that_were_removed_and_the_rest_numbered_anew_are_named() -> None:
    rows = a_chain(9)

    forged = rows[:3] + moved(rows[5:], by=-2)

    assert walked(forged) == [("removed", 4, 5), ("moved", 4, 7)]


@pytest.mark.parametrize("behind", [1, 2, 5])
@pytest.mark.parametrize("is_sealed", [True, False])
def test_rows_that_were_put_in_between_are_named(
    behind: int, *, is_sealed: bool
) -> None:
    rows = a_chain(behind + 3)
    foreign = sealed(DEED, ordinal=4, previous=rows[2].hash, salt="x")
    put_in = foreign if is_sealed else replace(foreign, previous="a", hash="b" * 64)

    forged = [*rows[:3], put_in, *moved(rows[3:], by=1)]

    assert walked(forged) == [("put in", 4, 4), ("moved", 5, behind + 4)]


def test_a_row_that_was_put_in_at_the_end_without_its_seal_is_named() -> None:
    foreign = replace(a_chain(4)[3], previous="a", hash="b")

    assert walked([*a_chain(3), foreign]) == [("put in", 4, 4)]


def test_a_row_in_front_of_the_first_is_named() -> None:
    foreign = sealed(DEED, ordinal=0, previous="a", salt="x")

    assert walked([foreign, *a_chain(3)]) == [("put in", 0, 0)]


def test_a_row_that_was_moved_away_is_named_in_both_places() -> None:
    rows = a_chain(5)

    forged = [*rows[:2], *rows[3:], *moved(rows[2:3], by=6)]

    assert walked(forged) == [("removed", 3, 3), ("put in", 9, 9)]


def test_rows_that_changed_places_are_both_named() -> None:
    rows = a_chain(6)
    second, fourth = moved(rows[1:2], by=2), moved(rows[3:4], by=-2)

    forged = [rows[0], *fourth, rows[2], *second, *rows[4:]]

    assert walked(forged) == [("edited", 2, 2), ("edited", 4, 4)]


def test_a_forged_ordinal_costs_nothing() -> None:
    rows = a_chain(3)

    far = sealed(DEED, ordinal=1 << 60, previous="a", salt="x")

    assert walked([*rows, far]) == [("removed", 4, (1 << 60) - 1)]


def test_what_no_row_can_be_is_edited() -> None:
    walk = Walk()
    for row in a_chain(3):
        whole = link(row)
        walk.step(replace(whole, rest=None) if row.ordinal == 2 else whole)

    assert [fault.first for fault in walk.end()] == [2]
