"""The signing keys: made once, for one reader alone, and rotated without a gap."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from bot.credentials.keys import LIFETIME, KeysUnusable, SigningKeys
from tests.support.builders import NOON

#: longer than a new key waits before it signs
SOON = timedelta(minutes=15)


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def keys(tmp_path: Path, time: Time) -> SigningKeys:
    return SigningKeys(tmp_path / "oidc", time)


def ids(keys: SigningKeys) -> list[str]:
    return [key["kid"] for key in keys.key_set()["keys"]]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_first_key_is_made_when_it_is_needed_and_stays(
    keys: SigningKeys, tmp_path: Path, time: Time
) -> None:
    first = keys.signing().id

    started_again = SigningKeys(tmp_path / "oidc", time)

    assert started_again.signing().id == first
    assert ids(started_again) == [first]


def test_keys_are_for_their_owner_alone(keys: SigningKeys, tmp_path: Path) -> None:
    (tmp_path / "oidc").mkdir(mode=0o755)

    keys.signing()
    keys.rotate()

    assert mode(tmp_path / "oidc") == 0o700
    assert mode(tmp_path / "oidc" / "keys.json") == 0o600
    assert sorted(path.name for path in (tmp_path / "oidc").iterdir()) == [
        "keys.json",
        "lock",
    ]


def test_many_starts_at_once_make_one_key(tmp_path: Path, time: Time) -> None:
    start = Barrier(8)

    def begun(_: int) -> str:
        start.wait()
        return SigningKeys(tmp_path / "oidc", time).signing().id

    with ThreadPoolExecutor(8) as threads:
        seen = set(threads.map(begun, range(8)))

    assert len(seen) == 1


def test_the_key_set_has_public_parts_only(keys: SigningKeys) -> None:
    keys.signing()

    (public,) = keys.key_set()["keys"]

    assert public.keys() == {"kty", "n", "e", "kid", "use", "alg"}


def test_a_key_is_named_by_its_rfc_7638_thumbprint(keys: SigningKeys) -> None:
    public: dict[str, Any] = {**keys.signing().public}

    assert RSAKey.import_key(public).thumbprint() == public["kid"]


def test_a_new_key_is_published_before_it_signs(keys: SigningKeys, time: Time) -> None:
    old = keys.signing().id

    new = keys.rotate()

    assert ids(keys) == [old, new]
    assert keys.signing().id == old
    time.now += SOON
    assert keys.signing().id == new


def test_an_old_key_stays_until_what_it_signed_is_over(
    keys: SigningKeys, time: Time
) -> None:
    old = keys.signing().id
    new = keys.rotate()

    time.now += LIFETIME + SOON
    assert ids(keys) == [old, new]

    time.now += SOON
    assert ids(keys) == [new]


def test_old_keys_leave_the_disk_when_the_next_one_is_made(
    keys: SigningKeys, time: Time, tmp_path: Path
) -> None:
    keys.signing()
    for _ in range(4):
        keys.rotate()
        time.now += LIFETIME + 2 * SOON

    kept = json.loads((tmp_path / "oidc" / "keys.json").read_text())

    assert len(kept["keys"]) == 2
    assert len(ids(keys)) == 1


def test_rotating_twice_in_a_row_signs_without_a_gap(
    keys: SigningKeys, time: Time
) -> None:
    keys.signing()
    keys.rotate()
    last = keys.rotate()

    assert keys.signing().id in ids(keys)
    time.now += SOON
    assert keys.signing().id == last


def test_a_key_that_leaked_is_gone_at_once(keys: SigningKeys) -> None:
    leaked = keys.signing().id

    new = keys.rotate(at_once=True)

    assert keys.signing().id == new
    assert ids(keys) == [new]
    assert new != leaked


def test_rotating_before_the_first_start_makes_the_key_that_signs(
    keys: SigningKeys,
) -> None:
    assert keys.rotate() == keys.signing().id


def test_what_another_process_rotated_is_seen(
    keys: SigningKeys, tmp_path: Path, time: Time
) -> None:
    keys.signing()

    new = SigningKeys(tmp_path / "oidc", time).rotate(at_once=True)

    assert keys.signing().id == new


def test_a_clock_that_was_set_back_still_signs(keys: SigningKeys, time: Time) -> None:
    new = keys.rotate(at_once=True)

    time.now -= timedelta(days=2)

    assert keys.signing().id == new


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"keys": [{}]}', '{"keys": [{"private": "x"}]}']
)
def test_a_damaged_file_is_a_sentence_that_says_what_to_do(
    keys: SigningKeys, tmp_path: Path, text: str
) -> None:
    (tmp_path / "oidc").mkdir()
    (tmp_path / "oidc" / "keys.json").write_text(text)

    with pytest.raises(KeysUnusable, match=r"keys\.json cannot be used \(is not as it"):
        keys.signing()


@pytest.mark.parametrize("use", [SigningKeys.signing, SigningKeys.rotate])
def test_a_folder_that_cannot_be_made_is_a_sentence(
    tmp_path: Path, use: Callable[[SigningKeys], object]
) -> None:
    (tmp_path / "data").write_text("a file, where a folder should be")

    with pytest.raises(KeysUnusable, match="Let the user the bot runs as own that"):
        use(SigningKeys(tmp_path / "data" / "oidc", lambda: datetime.now(UTC)))
