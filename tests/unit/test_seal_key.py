"""The key that seals what containers carry."""

from pathlib import Path

from bot.installation import seal_key


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = seal_key(tmp_path)

    again = seal_key(tmp_path)

    assert (len(first), again) == (32, first)
    assert [path.name for path in tmp_path.iterdir()] == ["seal.key"]
    assert (tmp_path / "seal.key").stat().st_mode & 0o777 == 0o600


def test_installations_have_keys_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert seal_key(tmp_path / "a") != seal_key(tmp_path / "b")
