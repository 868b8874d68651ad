"""What is taken for a key in the Authorization header."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from bot.api.bearer import Bearer, bearer
from bot.domain.keys import ApiKey
from bot.domain.people import Actor, ActorKind, Role

SECRET = "A-_z" + "0" * 39
ADA = Actor(kind=ActorKind.PERSON, id="U0ADA", team="T0HOME", name="ada")


def a_key(secret: str = SECRET) -> ApiKey:
    return ApiKey(
        name="ci",
        id="0123456789abcdef",
        digest=sha256(secret.encode()).hexdigest(),
        role=Role.WRITER,
        stacks=None,
        made_by=ADA,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_taken_in_any_case(scheme: str) -> None:
    shown = bearer([f"{scheme} hr_0123456789abcdef_{SECRET}"])

    assert shown == Bearer("0123456789abcdef", SECRET)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        [f"hr_0123456789abcdef_{SECRET}"],
        [f"Basic hr_0123456789abcdef_{SECRET}"],
        [f"Bearer hr_0123456789abcdef_{SECRET}0"],
        [f"Bearer hr_0123456789abcdef_{SECRET[:-1]}"],
        [f"Bearer hr_0123456789ABCDEF_{SECRET}"],
        [f"Bearer hr_0123456789abcdef_{SECRET[:-1]}é"],
        [f"Bearer hr_0123456789abcdef_{SECRET} x"],
        [f"Bearer hr_0123456789abcdef_{SECRET}", "Bearer x"],
    ],
)
def test_anything_else_is_no_key(lines: list[str]) -> None:
    assert bearer(lines) is None


def test_a_key_is_its_bearers_who_knows_the_secret() -> None:
    shown = Bearer("0123456789abcdef", SECRET)

    assert shown.is_of(a_key())
    assert not shown.is_of(a_key(secret="B" + SECRET[1:]))
    assert not shown.is_of(None)


def test_a_key_without_a_secret_is_nobodys() -> None:
    assert not Bearer("0123456789abcdef", "").is_of(None)


def test_no_secret_is_in_what_is_printed_of_a_bearer() -> None:
    assert SECRET not in repr(Bearer("0123456789abcdef", SECRET))
