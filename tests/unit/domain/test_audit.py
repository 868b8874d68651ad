"""The chain of audit rows: whatever is changed in one is noticed."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.audit import GENESIS, AuditRow, Deed, Verb, is_sound, sealed
from bot.domain.people import Actor, ActorKind
from bot.domain.run import RunId
from tests.support.builders import NOON, an_actor

ACTORS = st.builds(
    Actor,
    kind=st.sampled_from(ActorKind),
    id=st.text(max_size=5),
    team=st.text(max_size=5),
    name=st.text(max_size=5),
)
DEEDS = st.builds(
    Deed,
    verb=st.sampled_from(Verb),
    actor=ACTORS,
    at=st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 (of hypothesis)
    stack=st.text(max_size=5),
    run=st.none() | st.integers(min_value=1, max_value=99).map(RunId),
    detail=st.text(max_size=20),
)
DEED = Deed(verb=Verb.HELD, actor=an_actor(), at=NOON, stack="net-prod", detail="why")


def row(deed: Deed = DEED) -> AuditRow:
    return sealed(deed, ordinal=3, previous=GENESIS)


def sound(row: AuditRow) -> bool:
    return is_sound(row, previous=GENESIS, ordinal=3)


@given(DEEDS)
def test_an_untouched_row_is_sound(deed: Deed) -> None:
    assert sound(row(deed))


@given(DEEDS, DEEDS, st.sampled_from([field.name for field in fields(Deed)]))
def test_a_change_of_any_field_is_noticed(before: Deed, other: Deed, name: str) -> None:
    value = getattr(other, name)
    assume(value != getattr(before, name))

    assert not sound(replace(row(before), deed=replace(before, **{name: value})))


@given(DEEDS, ACTORS, st.sampled_from([field.name for field in fields(Actor)]))
def test_a_change_of_who_did_it_is_noticed(deed: Deed, other: Actor, name: str) -> None:
    value = getattr(other, name)
    assume(value != getattr(deed.actor, name))
    changed = replace(deed, actor=replace(deed.actor, **{name: value}))

    assert not sound(replace(row(deed), deed=changed))


@given(DEEDS, DEEDS)
def test_no_two_deeds_have_one_hash(one: Deed, other: Deed) -> None:
    assert (row(one).hash == row(other).hash) is (one == other)


@pytest.mark.parametrize(
    "changed",
    [
        replace(row(), ordinal=4),
        replace(row(), previous="f" * 64),
        replace(row(), hash="f" * 64),
    ],
)
def test_a_row_out_of_its_place_is_noticed(changed: AuditRow) -> None:
    assert not sound(changed)


def test_a_row_sealed_anew_no_longer_fits_the_next() -> None:
    first = sealed(DEED, ordinal=1, previous=GENESIS)
    second = sealed(DEED, ordinal=2, previous=first.hash)

    forged = sealed(replace(DEED, detail="other"), ordinal=1, previous=GENESIS)

    assert is_sound(forged, previous=GENESIS, ordinal=1)
    assert not is_sound(second, previous=forged.hash, ordinal=2)


def test_a_row_that_is_missing_is_noticed() -> None:
    first = sealed(DEED, ordinal=1, previous=GENESIS)
    second = sealed(DEED, ordinal=2, previous=first.hash)
    third = sealed(DEED, ordinal=3, previous=second.hash)

    assert not is_sound(third, previous=first.hash, ordinal=2)


def test_the_same_moment_in_another_zone_has_the_same_hash() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))

    assert row(replace(DEED, at=elsewhere)).hash == row().hash


def test_a_microsecond_counts() -> None:
    later = replace(DEED, at=NOON + timedelta(microseconds=1))

    assert row(later).hash != row().hash
