"""The chain of audit rows: whatever is changed in one is noticed."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.audit import (
    GENESIS,
    AuditRow,
    Deed,
    Verb,
    is_sound,
    redacted,
    seal_of,
    sealed,
    vouched_by,
    voucher,
)
from bot.domain.chain import Walk
from bot.domain.people import Actor, ActorKind
from bot.domain.run import RunId
from tests.support.builders import NOON, an_actor
from tests.unit.domain.chains import link

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


SALT, OTHER_SALT = "5a" * 16, "b0" * 16


def chain(*details: str) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for detail in details:
        append(rows, replace(DEED, detail=detail))
    return rows


def append(rows: list[AuditRow], deed: Deed) -> None:
    previous = rows[-1].hash if rows else GENESIS
    row = sealed(deed, ordinal=len(rows) + 1, previous=previous, salt=SALT)
    rows.append(row)


def vouch(rows: list[AuditRow], *ordinals: int) -> None:
    """Let a new last row say that the rows are right as they are now."""
    detail = voucher("why", 1, [rows[ordinal - 1] for ordinal in ordinals])
    append(rows, replace(DEED, verb=Verb.REDACTED, detail=detail))


def take_out(rows: list[AuditRow], ordinal: int, salt: str = OTHER_SALT) -> None:
    rows[ordinal - 1] = redacted(rows[ordinal - 1], "*****", salt=salt)


def change(rows: list[AuditRow], ordinal: int, detail: str) -> None:
    row = rows[ordinal - 1]
    rows[ordinal - 1] = replace(row, deed=replace(row.deed, detail=detail))


def broken(rows: list[AuditRow]) -> int | None:
    """Return the first row that a walk over *rows* finds fault with."""
    walk = Walk()
    for row in rows:
        walk.step(link(row))
    return min((fault.first for fault in walk.end()), default=None)


def test_a_salted_hash_cannot_be_made_without_the_salt() -> None:
    salted = sealed(DEED, ordinal=3, previous=GENESIS, salt=SALT)

    assert sound(salted)
    assert salted.hash != row().hash
    assert not sound(replace(salted, salt=None))
    assert not sound(replace(salted, salt=OTHER_SALT))


def test_a_chain_may_have_rows_from_before_there_were_salts() -> None:
    old = sealed(DEED, ordinal=1, previous=GENESIS)
    new = sealed(DEED, ordinal=2, previous=old.hash, salt=SALT)

    assert broken([old, new]) is None


def test_a_redacted_row_is_sound_where_a_later_one_vouches_for_it() -> None:
    rows = chain("a", "the secret", "c")

    take_out(rows, 2)
    assert broken(rows) == 2
    vouch(rows, 2)

    assert broken(rows) is None
    assert rows[1].hash == chain("a", "the secret")[1].hash


def test_a_redacted_row_keeps_nothing_to_guess_from() -> None:
    rows = chain("the secret")
    take_out(rows, 1)

    guess = redacted(rows[0], "the secret", salt=rows[0].salt or "")

    assert rows[0].salt == OTHER_SALT
    assert seal_of(guess) != rows[0].hash


@pytest.mark.parametrize("changed", [1, 2, 3, 4, 5])
def test_any_other_change_is_found_where_it_is(changed: int) -> None:
    rows = chain("a", "the secret", "c")
    take_out(rows, 2)
    vouch(rows, 2)
    append(rows, DEED)

    change(rows, changed, "forged")

    # Without a sound voucher, the row that it vouched for is not sound either.
    assert broken(rows) == (2 if changed == 4 else changed)


@pytest.mark.parametrize(
    ("verb", "detail"),
    [(Verb.ENDED, "finished, *****"), (Verb.HELD, "forged"), (Verb.STARTED, "*****")],
)
def test_a_voucher_for_what_no_redaction_leaves_counts_for_nothing(
    verb: Verb, detail: str
) -> None:
    rows = chain("a")
    append(rows, replace(DEED, verb=verb, detail="as it was"))
    append(rows, DEED)

    change(rows, 2, detail)
    vouch(rows, 2)

    assert broken(rows) == 2


def test_a_redacted_row_is_named_with_its_voucher() -> None:
    rows = chain("a", "the secret", "c")
    take_out(rows, 2)
    vouch(rows, 2)
    walk = Walk()

    for row in rows:
        walk.step(link(row))

    assert walk.end() == []
    assert walk.vouched == {2: 4}


def test_a_voucher_that_is_gone_is_found() -> None:
    rows = chain("a", "the secret", "c")
    take_out(rows, 2)
    vouch(rows, 2)
    append(rows, DEED)

    del rows[3]

    assert broken(rows) == 2


def test_a_row_can_be_redacted_again() -> None:
    rows = chain("the secret")
    take_out(rows, 1)
    vouch(rows, 1)
    take_out(rows, 1, salt="cc" * 16)
    assert broken(rows) == 1

    vouch(rows, 1)

    assert broken(rows) is None


def test_a_voucher_speaks_of_earlier_rows_only() -> None:
    rows = chain("a")
    later_row = redacted(sealed(DEED, ordinal=3, previous="?"), "*****", salt=SALT)
    detail = voucher("why", 1, [later_row])
    append(rows, replace(DEED, verb=Verb.REDACTED, detail=detail))
    append(rows, DEED)

    take_out(rows, 3, salt=SALT)

    assert broken(rows) == 3


def test_a_voucher_says_why_and_how_much_and_for_what() -> None:
    rows = chain("a", "b")
    detail = voucher("asked: 9:" + "f" * 64, 3, rows)
    vouching = replace(rows[0], deed=replace(DEED, verb=Verb.REDACTED, detail=detail))

    assert detail.startswith("asked: 9:ffff")
    assert "; places: 3; rows: 1:" in detail
    assert vouched_by(vouching) == {1: seal_of(rows[0]), 2: seal_of(rows[1])}


def test_what_a_person_writes_vouches_for_nothing() -> None:
    rows = chain("a", "b")
    take_out(rows, 1)

    append(rows, replace(DEED, detail=voucher("why", 1, rows)))

    assert broken(rows) == 1
    assert voucher("why", 0, []) == "why; places: 0; rows: none"


def test_every_verb_is_written_by_somebody() -> None:
    bot = Path(__file__).parents[3] / "bot"
    written = "".join(
        path.read_text()
        for path in bot.rglob("*.py")
        if path != bot / "domain" / "audit.py"
    )

    assert [verb.name for verb in Verb if f"Verb.{verb.name}" not in written] == []
